-- The shop, in MariaDB. The scripts of this folder run at its first start, in the order of their names.
CREATE TABLE products (
    id INT PRIMARY KEY,
    name VARCHAR(80) NOT NULL,
    price DECIMAL(10, 2) NOT NULL,
    stock INT NOT NULL,
    status ENUM('new', 'ready') NOT NULL DEFAULT 'new',
    updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)
);
-- What the search of the shop finds: a row for each word of a product's name.
CREATE TABLE search_words (product INT NOT NULL, word VARCHAR(80) NOT NULL, KEY (word));
CREATE TABLE price_changes (
    product INT NOT NULL,
    old_price DECIMAL(10, 2) NOT NULL,
    new_price DECIMAL(10, 2) NOT NULL,
    changed_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
);
CREATE TABLE orders (
    id INT AUTO_INCREMENT PRIMARY KEY,
    message_id CHAR(36) NOT NULL, -- of the queue; not unique: nobody thought of it
    product INT NOT NULL,
    quantity INT NOT NULL,
    amount DECIMAL(12, 2) NOT NULL,
    status ENUM('unpaid', 'paid', 'expired') NOT NULL,
    note VARCHAR(200),
    placed_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    KEY (placed_at), KEY (message_id)
);
CREATE TABLE carts (id INT AUTO_INCREMENT PRIMARY KEY, touched_at DATETIME NOT NULL);
CREATE TABLE stock_alerts (product INT NOT NULL, stock INT NOT NULL, seen_at DATETIME NOT NULL DEFAULT NOW());
CREATE TABLE invoices (month CHAR(7) PRIMARY KEY, orders INT NOT NULL, revenue DECIMAL(14, 2) NOT NULL);
