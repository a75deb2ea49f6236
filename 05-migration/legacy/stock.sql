INSERT INTO stock_alerts (product, stock) SELECT id, stock FROM products WHERE stock < 5;
