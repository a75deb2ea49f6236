"""The pager. It keeps the alerts that Alertmanager sends, and adds one of its own when the Watchdog is silent.

Prometheus cannot tell that Prometheus has stopped. So one alert always fires. This program depends on nothing that it
watches, and counts the seconds since that alert came. `/` is a page for people, `/alerts` the same for programs.
"""

import html
import json
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SILENCE = 30  # seconds: three Watchdogs
MOST = 1000  # alerts that are kept
HEAD = "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=5><title>Pager</title><h1>Pager</h1>"
ROW = "<tr>" + "<td>{}" * 4

kept: list[dict[str, Any]] = []
heard = time.monotonic()  # when the Watchdog last came; it gets the full time after a start


def now() -> str:
    """The time, as Alertmanager writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def keep(name: str, status: str, summary: str, since: str) -> None:
    """Write an alert down, here and in the log of the container."""
    kept.append({"at": now(), "alert": name, "status": status, "summary": summary, "since": since})
    del kept[:-MOST]
    print(json.dumps(kept[-1]))


def receive(message: dict[str, Any]) -> None:
    """Take what Alertmanager sends: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config."""
    global heard
    for alert in message["alerts"]:
        name = alert["labels"]["alertname"]
        if name != "Watchdog":
            keep(name, alert["status"], alert["annotations"].get("summary", ""), alert["startsAt"])
        elif alert["status"] == "firing":  # "resolved" only means that Alertmanager has not heard the Watchdog
            heard = time.monotonic()


def listen_for_watchdog() -> None:
    """Say once when it is silent, and once when it is back."""
    silent = False
    while True:
        time.sleep(1)
        if silent != (time.monotonic() - heard > SILENCE):
            silent = not silent
            told = f"no Watchdog for {SILENCE} s" if silent else "the Watchdog is back"
            keep("MonitorSilent", "firing" if silent else "resolved", told, now())


class Pager(BaseHTTPRequestHandler):
    """POST gives it alerts, GET shows them."""

    def do_POST(self) -> None:
        """A message of Alertmanager, or 400."""
        try:
            receive(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        except (ValueError, KeyError, TypeError):
            self.answer(400, "text/plain", "this is not a message of Alertmanager\n")
        else:
            self.answer(200, "text/plain", "")

    def do_GET(self) -> None:
        """All that is kept, the newest first."""
        if self.path == "/alerts":
            self.answer(200, "application/json", json.dumps(kept[::-1]))
        else:
            cells = ([one[key] for key in ("at", "status", "alert", "summary")] for one in kept[::-1])
            rows = "".join(ROW.format(*map(html.escape, row)) for row in cells)
            self.answer(200, "text/html", f"{HEAD}<table>{rows}</table>")

    def answer(self, code: int, kind: str, text: str) -> None:
        """Send a whole answer."""
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet: the log is for alerts."""


if __name__ == "__main__":
    threading.Thread(target=listen_for_watchdog, daemon=True).start()
    ThreadingHTTPServer(("0.0.0.0", 8006), Pager).serve_forever()
