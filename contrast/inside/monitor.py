"""Where somebody is told: a dead man's switch for lanes that ping, and a receiver of alerts. Both write to the ledger.

POST /ping/LANE     a success; when the next one does not come within DEADLINE ticks, that is an alert
POST /alert/LANE    an alert, its text in the body
POST /reset         forget all pings; the body is the length of a tick in seconds
"""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
from ledger import LEDGER

DEADLINE = 4  # ticks until the next ping
tick = 4.0  # seconds
pinged: dict[str, float] = {}


def alert(lane: str, text: str) -> None:
    """Tell somebody."""
    with psycopg2.connect(LEDGER) as ledger, ledger.cursor() as cursor:
        cursor.execute("INSERT INTO alerts (lane, text) VALUES (%s, %s)", (lane, text))


def watch() -> None:
    """The dead man's switch: an alert, once, when a lane that has pinged falls silent."""
    while True:
        time.sleep(0.1)
        for lane, at in list(pinged.items()):
            if time.monotonic() - at > DEADLINE * tick:
                del pinged[lane]
                alert(lane, f"no ping for {DEADLINE} ticks")


class Monitor(BaseHTTPRequestHandler):
    """Takes pings and alerts."""

    def do_GET(self) -> None:
        """Say that it is there."""
        self.send_response(204)
        self.end_headers()

    def do_POST(self) -> None:
        """Note a ping or an alert."""
        global tick
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode(errors="replace")
        what, _, lane = self.path.strip("/").partition("/")
        if what == "ping":
            pinged[lane] = time.monotonic()
        elif what == "alert":
            alert(lane, text)
        elif what == "reset":
            pinged.clear()
            tick = float(text)
        self.do_GET()

    def log_message(self, *about_a_request: object) -> None:
        """Stay silent: alerts are in the ledger."""


if __name__ == "__main__":
    threading.Thread(target=watch, daemon=True).start()
    ThreadingHTTPServer(("", 8060), Monitor).serve_forever()
