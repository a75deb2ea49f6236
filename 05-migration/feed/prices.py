"""The price feed of a supplier: /prices.csv has the prices of today, /prices.csv?day=2026-11-30 those of another day."""

from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PRODUCTS = 400


def price(product: int, day: int) -> str:
    """The price of a product on a day: the same for whoever asks. One product in four has a new one each day."""
    since = day - (day + product) % 4
    cents = 500 + (product * 7919 + since * 131) % 9000
    return f"{cents // 100}.{cents % 100:02}"


class Feed(BaseHTTPRequestHandler):
    """Answers GET with a CSV file."""

    def do_GET(self) -> None:
        """All prices of the day, or 404."""
        address = urlsplit(self.path)
        asked = parse_qs(address.query).get("day", [f"{datetime.now(UTC):%Y-%m-%d}"])[0]
        try:
            day = datetime.strptime(asked, "%Y-%m-%d").toordinal()
        except ValueError:
            day = 0
        found = day and address.path == "/prices.csv"
        lines = [f"{product},{price(product, day)}" for product in range(1, PRODUCTS + 1)] if found else []
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/csv")
        self.end_headers()
        self.wfile.write("\n".join(["product,price", *lines, ""]).encode() if found else b"")

    def log_message(self, *_: object) -> None:
        """Keep quiet: the healthcheck asks all the time."""


ThreadingHTTPServer(("0.0.0.0", 8005), Feed).serve_forever()
