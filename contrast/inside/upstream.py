"""The upstream: orders over HTTP, five a minute, and an admin call by which faults are switched on and off.

GET /orders?minute=2026-03-02T09:03   the orders of that minute
GET /orders?after=17                  all that came after number 17
GET /                                 all of them, whatever the fault: to compare with
POST /admin {"status": 503}           answer so from now on; the other settings are below
"""

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NINE = datetime(2026, 3, 2, 9)
IN_A_MINUTE = 5
PUBLISHED = 0.8  # of its minute has passed when an order can be seen


@dataclass
class Settings:
    """How the upstream behaves; each of them can be set by the admin call, and all are back after {"reset": true}."""

    t0: float = 0.0  # Unix seconds at which it is 09:00
    tick: float = 4.0  # seconds that a minute takes
    status: int = 200  # answer all with this one
    hold: bool = False  # keep everybody waiting until it is false again
    token: str = ""  # ask for this one
    late: int = 0  # how many orders of each minute are published a minute late
    poison: int = -1000  # the minute in which an order has a price that is no number
    orders_every: int = 1  # minutes; in the others there are none
    history: int = 0  # minutes with orders before 09:00
    minutes: int = 120  # with orders from 09:00 on
    changed: threading.Condition = field(default_factory=threading.Condition)


settings = Settings()


def orders() -> list[dict[str, Any]]:
    """All orders that can be seen by now, numbered in the order in which they were published."""
    planned = [
        (minute + PUBLISHED + (number >= IN_A_MINUTE - settings.late), minute, number)
        for minute in range(-settings.history, settings.minutes, settings.orders_every)
        for number in range(IN_A_MINUTE)
    ]
    now = (time.time() - settings.t0) / settings.tick
    return [
        {
            "seq": seq,
            "at": (NINE + timedelta(minutes=minute, seconds=10 * number)).isoformat(),
            "cents": "n/a" if (minute, number) == (settings.poison, 2) else 1000 + minute,
        }
        for seq, (published, minute, number) in enumerate(sorted(planned), start=1)
        if published <= now
    ]


class Upstream(BaseHTTPRequestHandler):
    """Answers, or does not, as the settings say."""

    def answer(self, status: int, body: object) -> None:
        """Send a body as JSON."""
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        """Give orders."""
        url = urlsplit(self.path)
        if url.path != "/orders":  # what the lanes are compared with: it knows no faults
            return self.answer(200, orders())
        with settings.changed:
            settings.changed.wait_for(lambda: not settings.hold)
        if settings.status != 200:
            return self.answer(settings.status, "fault")
        if settings.token and self.headers.get("Authorization") != f"Bearer {settings.token}":
            return self.answer(401, "the token is missing")
        asked = {key: values[0] for key, values in parse_qs(url.query).items()}
        if "minute" in asked:
            return self.answer(200, [order for order in orders() if order["at"].startswith(asked["minute"])])
        return self.answer(200, [order for order in orders() if order["seq"] > int(asked["after"])])

    def do_POST(self) -> None:
        """Change the settings."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with settings.changed:
            if asked.pop("reset", False):
                settings.__dict__.update(Settings(changed=settings.changed).__dict__)
            settings.__dict__.update(asked)
            settings.changed.notify_all()
        self.answer(200, "set")

    def log_message(self, *about_a_request: object) -> None:
        """Stay silent: what the lanes do is in the ledger."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Upstream).serve_forever()
