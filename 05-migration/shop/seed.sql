-- The same for everybody: each number comes from the row's own.
INSERT INTO products (id, name, price, stock, status)
SELECT seq, CONCAT(ELT(1 + seq MOD 5, 'red', 'green', 'oak', 'small', 'wild'), ' ',
                   ELT(1 + seq MOD 7, 'lamp', 'chair', 'kettle', 'rug', 'shelf', 'clock', 'mug'), ' ', seq),
       5 + (seq * 7919) MOD 9000 / 100, (seq * 31) MOD 60, IF(seq MOD 2, 'ready', 'new')
FROM seq_1_to_400;

INSERT INTO search_words SELECT id, SUBSTRING_INDEX(name, ' ', 1) FROM products WHERE status = 'ready';

INSERT INTO orders (message_id, product, quantity, amount, status, note, placed_at)
SELECT CONCAT('seed-', LPAD(seq, 31, '0')), product, quantity, quantity * price,
       ELT(1 + seq MOD 3, 'paid', 'paid', 'unpaid'), ELT(1 + seq MOD 4, NULL, '', 'gift', 'não tocar'),
       NOW(6) - INTERVAL (seq * 613) MOD 5184000 SECOND
FROM (SELECT seq, 1 + (seq * 7919) MOD 400 AS product, 1 + seq MOD 4 AS quantity FROM seq_1_to_20000) AS numbers
JOIN products ON products.id = product;

INSERT INTO carts (touched_at) SELECT NOW() - INTERVAL seq MINUTE FROM seq_1_to_5000;
