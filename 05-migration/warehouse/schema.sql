-- The warehouse, PostgreSQL in the place of Redshift. As there, no key is enforced: what is loaded twice is there twice.
CREATE TABLE orders (
    id INT, product INT, quantity INT, amount NUMERIC(12, 2), status TEXT, note TEXT, placed_at TIMESTAMP(6)
);
CREATE TABLE products (id INT, name TEXT, price NUMERIC(10, 2), stock INT, status TEXT, updated_at TIMESTAMP(6));
CREATE INDEX ON orders (id); -- in Redshift the table has a sort key instead

-- How far the loads have come: the newest time that was seen, and the partitions of a week that are done.
CREATE TABLE watermarks (table_name TEXT, until TIMESTAMP(6));
CREATE TABLE migrated (week TEXT, table_name TEXT, low BIGINT, high BIGINT, copied BIGINT, at TIMESTAMP DEFAULT NOW());
