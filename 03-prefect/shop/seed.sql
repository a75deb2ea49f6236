-- A month of history, the same on every machine: 300 customers, 60 products, 20 000 orders. Fills an empty shop only.
DO $$
BEGIN
    IF EXISTS (SELECT FROM customers) THEN
        RETURN;
    END IF;
    PERFORM setseed(0.4);

    INSERT INTO customers (name, region)
    SELECT first || ' ' || last,
           (ARRAY['North', 'Northeast', 'Central-West', 'Southeast', 'Southeast', 'South'])[ceil(random() * 6)]
    FROM unnest(ARRAY['Ana', 'Bruno', 'Carla', 'Davi', 'Elisa', 'Felipe', 'Gabriela', 'Heitor', 'Inês', 'João',
                      'Karina', 'Lucas', 'Márcia', 'Nelson', 'Olívia', 'Pedro', 'Rafaela', 'Sérgio', 'Tânia',
                      'Vítor']) AS first,
         unnest(ARRAY['Almeida', 'Barbosa', 'Cardoso', 'Dias', 'Esteves', 'Ferreira', 'Gomes', 'Lima',
                      'Martins', 'Nogueira', 'Oliveira', 'Pereira', 'Ribeiro', 'Souza', 'Teixeira']) AS last;

    INSERT INTO products (name, category, price)
    SELECT size || ' ' || lower(thing), category, round((4 + 90 * random())::numeric, 2)
    FROM (VALUES ('Kitchen', ARRAY['Coffee pot', 'Pan', 'Kettle', 'Jug', 'Knife']),
                 ('Garden', ARRAY['Hammock', 'Watering can', 'Flower pot', 'Spade', 'Lantern']),
                 ('Office', ARRAY['Notebook', 'Lamp', 'Desk mat', 'Pen case', 'Clock']),
                 ('Travel', ARRAY['Backpack', 'Bottle', 'Towel', 'Umbrella', 'Suitcase']),
                 ('Music', ARRAY['Guitar', 'Tambourine', 'Flute', 'Drum', 'Ukulele']),
                 ('Beach', ARRAY['Parasol', 'Kite', 'Ball', 'Straw hat', 'Cool box'])) AS c (category, things),
         unnest(things) AS thing, unnest(ARRAY['Small', 'Large']) AS size;

    INSERT INTO orders (customer_id, status, ordered_at)
    SELECT ceil(random() * 300),
           CASE WHEN random() < 0.05 THEN 'cancelled' WHEN i < 19500 THEN 'shipped' ELSE 'placed' END,
           now() - interval '30 days' * (1 - i / 20001.0)
    FROM generate_series(1, 20000) AS i;

    INSERT INTO order_lines (order_id, product_id, quantity, unit_price)
    SELECT line.order_id, p.id, ceil(random() * 3), p.price
    FROM (SELECT o.id AS order_id, ceil(random() * 60) AS product_id
          FROM (SELECT id, ceil(random() * 4)::int AS lines FROM orders) AS o, generate_series(1, o.lines)) AS line
    JOIN products AS p ON p.id = line.product_id;
END $$;
