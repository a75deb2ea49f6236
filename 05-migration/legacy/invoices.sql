REPLACE INTO invoices
SELECT DATE_FORMAT(placed_at, '%Y-%m'), COUNT(*), SUM(amount) FROM orders
WHERE status = 'paid' AND placed_at < DATE_FORMAT(NOW(), '%Y-%m-01') GROUP BY 1;
