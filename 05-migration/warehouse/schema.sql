-- The warehouse, PostgreSQL in the place of Redshift. As there, no key is enforced: what is loaded twice is there twice.
CREATE TABLE orders (
    id INT, product INT, quantity INT, amount NUMERIC(12, 2), status TEXT, note TEXT, placed_at TIMESTAMP(6)
);
CREATE TABLE products (id INT, name TEXT, price NUMERIC(10, 2), stock INT, status TEXT, updated_at TIMESTAMP(6));
