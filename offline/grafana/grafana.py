#!/usr/bin/python3
"""Stands in for Grafana: reads the same provisioning files, and draws the same dashboards, as lines in SVG.

It has what the course uses of Grafana: /api/health, /api/search, /api/dashboards/uid/UID, and the page /d/UID. Of a panel it
knows `timeseries` with questions for Prometheus; a panel of another kind says so.
"""

import html
import json
import math
import re
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import yaml

PROVISIONING = Path("/etc/grafana/provisioning")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 420, 198, 46, 8, 150  # of a picture; of its axes
LINES = 8  # that have a name below
COLOURS = ("#3b7ddd", "#e07b39", "#3a9d5d", "#b04fc0", "#c7a008", "#2aa7b5", "#d6456b", "#777")
STYLE = """<style>
:root{color-scheme:light dark;--ink:#1b1b1f;--soft:#667;--line:#ddd;--back:#fff;--card:#f6f6f8}
@media(prefers-color-scheme:dark){:root{--ink:#e6e6ea;--soft:#99a;--line:#3a3a40;--back:#16171a;--card:#1e1f23}}
body{font:14px system-ui,sans-serif;color:var(--ink);background:var(--back);margin:1rem}
main{display:grid;grid-template-columns:repeat(24,1fr);gap:.6rem}section{background:var(--card);border-radius:6px;padding:.5rem}
h2{font-size:14px;margin:0 0 .3rem}small{color:var(--soft)}svg{width:100%}text{fill:var(--soft);font-size:11px}
@media(max-width:900px){main{display:block}section{margin-bottom:.6rem}}</style>"""
NOTE = "<p><small>A stand-in for Grafana, made for the course: no registry answered where it runs.</small></p>"


def provisioned(folder):
    """What the files of a folder hold, those that are YAML."""
    return [yaml.safe_load(file.read_text()) for file in sorted((PROVISIONING / folder).glob("*.y*ml"))]


def sources():
    """The address of each data source, by its uid."""
    return {one["uid"]: one["url"] for told in provisioned("datasources") for one in told["datasources"]}


def dashboards():
    """All dashboards, by their uid."""
    folders = [Path(one["options"]["path"]) for told in provisioned("dashboards") for one in told["providers"]]
    read = (json.loads(file.read_text()) for folder in folders for file in sorted(folder.rglob("*.json")))
    return {board["uid"]: board for board in read}


def seconds(moment):
    """A moment such as `now-15m`, in seconds before now."""
    count = re.fullmatch(r"now(?:-(\d+)([smhd]))?", moment)
    return int(count[1] or 0) * UNITS[count[2] or "s"]


def lines(panel, first, last):
    """The lines of a panel: a name, and its points. Raises OSError when Prometheus does not answer."""
    found = []
    for target in panel["targets"]:
        url = sources()[(target.get("datasource") or panel["datasource"])["uid"]]
        asked = {"query": target["expr"], "start": first, "end": last, "step": max(5, (last - first) // 180)}
        with urlopen(f"{url}/api/v1/query_range?{urlencode(asked)}", timeout=10) as answer:
            for series in json.load(answer)["data"]["result"]:
                name = re.sub(
                    r"{{ *(\w+) *}}", lambda word, of=series: of["metric"].get(word[1], ""), target["legendFormat"]
                )
                points = [(at, float(value)) for at, value in series["values"]]
                found.append((name, [(at, value) for at, value in points if math.isfinite(value)]))
    return found


def number(value, unit):
    """A number of an axis, short."""
    return (f"{value:,.0f}" if value >= 100 else f"{value:.3g}") + (" s" if unit == "s" else "")


def picture(found, first, last, unit):
    """Lines in SVG, with their names below."""
    most = max([value for _, points in found for _, value in points], default=0) or 1
    parts = []
    for part in (0, 0.5, 1):
        y = BOTTOM - part * (BOTTOM - TOP)
        parts.append(f"<line x1={LEFT} x2={WIDTH} y1={y} y2={y} stroke=var(--line) /><text x={LEFT - 4} y={y + 4}"
                     f" text-anchor=end>{number(part * most, unit)}</text>")  # fmt: skip
    for place, at in ((LEFT, first), (WIDTH - 32, last)):
        parts.append(f"<text x={place} y={BOTTOM + 14}>{time.strftime('%H:%M', time.localtime(at))}</text>")
    for index, (name, points) in enumerate(found):
        colour = COLOURS[index % len(COLOURS)]
        spots = " ".join(
            f"{LEFT + (at - first) / (last - first) * (WIDTH - LEFT):.1f},{BOTTOM - value / most * (BOTTOM - TOP):.1f}"
            for at, value in points
        )
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.6" points="{spots}"/>')
        if index < LINES:
            x, y = LEFT + (index % 4) * 94, BOTTOM + 28 + index // 4 * 13
            short = html.escape(name if len(name) < 15 else name[:13] + "…")
            parts.append(f'<text x="{x}" y="{y}" style="fill:{colour}">{short}</text>')
    return f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role=img>{''.join(parts)}</svg>"


def section(panel, first, last):
    """A panel of a page."""
    place = f"grid-column:span {panel['gridPos']['w']}"
    try:
        if panel["type"] != "timeseries":
            shown = f"<small>The stand-in does not draw a {html.escape(panel['type'])}.</small>"
        else:
            found = lines(panel, first, last)
            shown = (
                picture(found, first, last, panel["fieldConfig"]["defaults"].get("unit"))
                if found
                else "<small>No data</small>"
            )
    except (OSError, KeyError, ValueError) as error:
        shown = f"<small>{html.escape(f'{type(error).__name__}: {error}')}</small>"
    return f"<section style='{place}'><h2>{html.escape(panel['title'])}</h2>{shown}</section>"


def page(board, asked):
    """A dashboard, from when until when its address asks, or else as it is."""
    now, shown = int(time.time()), board["time"] | {end: times[-1] for end, times in asked.items()}
    first, last = (now - seconds(shown[end]) for end in ("from", "to"))
    shown = "".join(section(panel, first, last) for panel in board["panels"])
    return f"<h1>{html.escape(board['title'])}</h1><main>{shown}</main>"


class Handler(BaseHTTPRequestHandler):
    """Grafana's addresses, as far as the course uses them."""

    def do_GET(self):
        path, uid, boards = self.path.partition("?")[0], self.path.partition("?")[0].split("/")[-1], dashboards()
        if path == "/api/health":
            return self.data({"database": "ok", "version": "stand-in"})
        if path == "/api/search":
            return self.data(
                [{"uid": uid, "title": board["title"], "type": "dash-db"} for uid, board in boards.items()]
            )
        if path.startswith("/api/dashboards/uid/"):
            return self.data(
                {"dashboard": boards[uid], "meta": {"provisioned": True}} if uid in boards else {}, uid in boards
            )
        if path.startswith("/d/") and path.split("/")[2] in boards:
            board = boards[path.split("/")[2]]
            return self.page(
                page(board, parse_qs(urlsplit(self.path).query)),
                f"<meta http-equiv=refresh content={seconds('now-' + board['refresh'])}>",
            )
        return self.page(
            "".join(f"<p><a href=/d/{uid}>{html.escape(board['title'])}</a>" for uid, board in boards.items())
        )

    def page(self, text, head=""):
        self.answer(
            "text/html", f"<!doctype html><meta charset=utf-8>{head}<title>Dashboards</title>{STYLE}{text}{NOTE}"
        )

    def data(self, told, found=True):
        self.answer("application/json", json.dumps(told), 200 if found else 404)

    def answer(self, kind, text, code=200):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        """Keep quiet."""


signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # it is the first process: by default nothing would end it
ThreadingHTTPServer(("0.0.0.0", 3000), Handler).serve_forever()
