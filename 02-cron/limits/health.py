"""A dead man's switch: `watch` complains when no `ping` has come for three minutes."""

import datetime
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

ADDRESS = ("127.0.0.1", 8081)
PATIENCE = 180  # seconds
last_ping = time.time()


class Ping(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        global last_ping
        last_ping = time.time()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent: only silence of the job is news."""


def watch() -> None:
    server = HTTPServer(ADDRESS, Ping)
    server.timeout = 30
    while time.time() - last_ping < PATIENCE:
        server.handle_request()
    print(f"{datetime.datetime.now():%F %T} ALERT: no ping for {PATIENCE} s", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "watch":
        watch()
    else:
        urllib.request.urlopen(f"http://{ADDRESS[0]}:{ADDRESS[1]}", timeout=60)
