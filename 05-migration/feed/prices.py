"""A supplier: /prices.csv has the prices of today, /prices.csv?day=2026-11-30 those of another day, and
/stock?product=7 says whether it can be delivered, after as long as such an answer takes.
"""

import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PRODUCTS, STOCK = 400, 9999  # with a price of today, and that can be delivered
ANSWER = 0.005  # seconds: the supplier is far away


def price(product: int, day: int) -> str:
    """The price of a product on a day: the same for whoever asks. One product in four has a new one each day."""
    since = day - (day + product) % 4
    cents = 500 + (product * 7919 + since * 131) % 9000
    return f"{cents // 100}.{cents % 100:02}"


class Feed(BaseHTTPRequestHandler):
    """Answers GET, as often as a connection asks."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """All prices of the day, the stock of a product, or 404."""
        address = urlsplit(self.path)
        if address.path == "/stock":
            return self.stock(parse_qs(address.query).get("product", [""])[0])
        asked = parse_qs(address.query).get("day", [f"{datetime.now(UTC):%Y-%m-%d}"])[0]
        try:
            day = datetime.strptime(asked, "%Y-%m-%d").toordinal()
        except ValueError:
            day = 0
        found = day and address.path == "/prices.csv"
        lines = [f"{product},{price(product, day)}" for product in range(1, PRODUCTS + 1)] if found else []
        return self.answer("\n".join(["product,price", *lines, ""]) if found else "")

    def stock(self, product: str) -> None:
        """Whether the supplier has a product."""
        time.sleep(ANSWER)
        self.answer("yes\n" if product.isdecimal() and 1 <= int(product) <= STOCK else "")

    def answer(self, text: str) -> None:
        """A text, or 404 when it is empty."""
        self.send_response(200 if text else 404)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet: the healthcheck asks all the time."""


ThreadingHTTPServer(("0.0.0.0", 8005), Feed).serve_forever()
