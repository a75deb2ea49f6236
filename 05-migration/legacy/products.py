"""Put the words of new products into the search index, then call them ready."""

import shop

database = shop.connect()
cursor = database.cursor()
cursor.execute("SELECT id, name FROM products WHERE status = 'new'")
products = cursor.fetchall()
for product, name in products:
    for word in name.split():
        cursor.execute("INSERT INTO search_words VALUES (%s, %s)", [product, word])
for product, _ in products:
    cursor.execute("UPDATE products SET status = 'ready' WHERE id = %s", [product])
print(len(products), "products")
