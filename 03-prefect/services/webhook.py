"""Receive alerts: print each as one line, and show them all at /."""

import sys
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8060
alerts: list[str] = []


class Receiver(BaseHTTPRequestHandler):
    def answer(self, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.answer("".join(f"{alert}\n" for alert in alerts))

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode(errors="replace")
        alerts.append(f"{datetime.now().astimezone():%F %T %Z} {' '.join(text.split())}")
        print(alerts[-1], flush=True)
        self.answer("")

    def log_message(self, *about_a_request: object) -> None:
        """Print alerts only, not every health check."""


try:
    server = ThreadingHTTPServer(("", PORT), Receiver)
except OSError as error:
    sys.exit(f"alerts cannot be received on port {PORT}: {error.strerror}")
print(f"waiting for alerts on port {PORT}", flush=True)
server.serve_forever()
