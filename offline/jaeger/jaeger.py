#!/usr/bin/python3
"""Stands in for Jaeger: takes traces by OTLP over HTTP at port 4318, and shows them at port 16686.

Of Jaeger's API it has /api/services, /api/traces?service=NAME&limit=N and /api/traces/ID, with the same fields. It keeps
the last traces in memory, as Jaeger does until it is told otherwise.
"""

import gzip
import html
import json
import signal
import sys
import threading
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

MOST = 500  # traces that are kept
ERROR = 2  # the code of a span's status
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STYLE = """<style>
:root{color-scheme:light dark;--ink:#1b1b1f;--soft:#667;--line:#ddd;--back:#fff;--bar:#3b7ddd;--bad:#c62828}
@media(prefers-color-scheme:dark){:root{--ink:#e6e6ea;--soft:#99a;--line:#333;--back:#16171a;--bar:#6ea8ff;--bad:#ff6b6b}}
body{font:14px system-ui,sans-serif;color:var(--ink);background:var(--back);margin:1.5rem;max-width:1100px}
a{color:inherit}small,.soft{color:var(--soft)}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.25rem .5rem;border-bottom:1px solid var(--line);font-weight:normal;white-space:nowrap}
.time{width:52%}.track{position:relative;height:14px}
.bar{position:absolute;height:14px;min-width:2px;background:var(--bar);border-radius:2px}.bad{background:var(--bad)}
pre{margin:.1rem 0;color:var(--soft);white-space:pre-wrap;font-size:12px}</style>"""
NOTE = "<p><small>A stand-in for Jaeger, made for the course: no registry answered where it runs.</small></p>"

traces: OrderedDict[str, dict] = OrderedDict()  # as Jaeger's API gives them, the newest last
lock = threading.Lock()


def value(told):
    """A value of OTLP as a plain one."""
    kind = told.WhichOneof("value")
    return (
        [value(one) for one in told.array_value.values]
        if kind == "array_value"
        else getattr(told, kind or "string_value")
    )


def tags(attributes):
    """Attributes as Jaeger's tags."""
    return [{"key": one.key, "type": type(v := value(one.value)).__name__, "value": v} for one in attributes]


def keep(body):
    """Put the spans of a request into their traces."""
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        own = tags(resource.resource.attributes)
        service = next((tag["value"] for tag in own if tag["key"] == "service.name"), "unknown")
        for scope in resource.scope_spans:
            for span in scope.spans:
                id = span.trace_id.hex()
                trace = traces.setdefault(id, {"traceID": id, "spans": [], "processes": {}})
                traces.move_to_end(id)
                trace["processes"][service] = {"serviceName": service, "tags": own}
                trace["spans"].append(as_jaeger(span, id, service, scope.scope.name))
    while len(traces) > MOST:
        traces.popitem(last=False)


def as_jaeger(span, id, service, library):
    """A span as Jaeger's API gives it."""
    parent = span.parent_span_id.hex()
    more = {"otel.scope.name": library, "span.kind": KINDS[span.kind]}
    if span.status.code == ERROR:
        more |= {"error": True, "otel.status_description": span.status.message}
    return {
        "traceID": id, "spanID": span.span_id.hex(), "operationName": span.name, "processID": service,
        "references": [{"refType": "CHILD_OF", "traceID": id, "spanID": parent}] if parent else [],
        "startTime": span.start_time_unix_nano // 1000,
        "duration": (span.end_time_unix_nano - span.start_time_unix_nano) // 1000,
        "tags": tags(span.attributes) + [{"key": k, "type": type(v).__name__, "value": v} for k, v in more.items()],
    }  # fmt: skip


def rows(trace):
    """The spans of a trace with their depth, parents first, and each before those that began after it."""
    spans = sorted(trace["spans"], key=lambda span: span["startTime"])
    ids = {span["spanID"] for span in spans}
    children = {}
    for span in spans:
        parent = span["references"][0]["spanID"] if span["references"] else ""
        children.setdefault(parent if parent in ids else "", []).append(span)

    def below(parent, depth):
        for span in children.get(parent, []):
            yield depth, span
            yield from below(span["spanID"], depth + 1)

    return list(below("", 0))


def waterfall(trace):
    """A page with a bar for each span."""
    first = min(span["startTime"] for span in trace["spans"])
    whole = max(span["startTime"] + span["duration"] for span in trace["spans"]) - first or 1
    lines = []
    for depth, span in rows(trace):
        tag = {one["key"]: one["value"] for one in span["tags"]}
        left, width = (100 * part / whole for part in (span["startTime"] - first, span["duration"]))
        said = tag.get("db.statement") or tag.get("db.query.text") or tag.get("otel.status_description") or ""
        lines.append(
            f"<tr><td style='padding-left:{depth * 1.2 + 0.5}rem'>{html.escape(span['operationName'])}"
            f" <small>{html.escape(span['processID'])}, {tag['span.kind']}</small>"
            + (f"<pre>{html.escape(' '.join(str(said).split())[:160])}</pre>" if said else "")
            + f"<td class=time><div class=track><div class='bar{' bad' * bool(tag.get('error'))}'"
            f" style='left:{left:.2f}%;width:{width:.2f}%'></div></div><td>{span['duration'] / 1000:.1f} ms"
        )
    head = f"<h1>{title(trace)}</h1><p class=soft>{trace['traceID']}, {len(lines)} spans, {whole / 1000:.1f} ms</p>"
    return f"{head}<table>{''.join(lines)}</table>"


def title(trace):
    """The name of the first span, with its service."""
    _, root = rows(trace)[0]
    return html.escape(f"{root['processID']}: {root['operationName']}")


def listed():
    """A page with all traces, the newest first."""
    lines = (
        f"<tr><td><a href=/trace/{t['traceID']}>{title(t)}</a><td>{len(t['spans'])} spans"
        for t in reversed(traces.values())
    )
    return f"<h1>Traces</h1><table>{''.join(lines)}</table>"


class Handler(BaseHTTPRequestHandler):
    """What both ports have in common."""

    def answer(self, kind, body, code=200):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keep quiet."""


class Collector(Handler):
    """OTLP over HTTP."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path != "/v1/traces":
            return self.answer("text/plain", b"only traces are taken here\n", 404)
        with lock:
            keep(body)
        return self.answer("application/x-protobuf", b"")


class Query(Handler):
    """Jaeger's API, and pages."""

    def do_GET(self):
        address = urlsplit(self.path)
        with lock:
            code, found = self.find(address.path, parse_qs(address.query))
            data = json.dumps({"data": found})  # a trace may grow as soon as the lock is free
        if isinstance(found, str):
            page = f"<!doctype html><meta charset=utf-8><title>Traces</title>{STYLE}{found}{NOTE}"
            return self.answer("text/html", page.encode(), code)
        return self.answer("application/json", data.encode(), code)

    def find(self, path, query):
        """The code of the answer, and data or a page."""
        if path == "/api/services":
            return 200, sorted({name for trace in traces.values() for name in trace["processes"]})
        if path == "/api/traces":
            service, limit = query.get("service", [""])[0], int(query.get("limit", ["20"])[0])
            return 200, [trace for trace in reversed(traces.values()) if service in trace["processes"]][:limit]
        trace = traces.get(path.rpartition("/")[2])
        if path.startswith("/api/traces/"):
            return (200, [trace]) if trace else (404, [])
        if path.startswith("/trace/"):
            return (200, waterfall(trace)) if trace else (404, "<h1>There is no such trace</h1>")
        return (200, listed()) if path in ("/", "/search") else (404, "<h1>Not found</h1>")


signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # it is the first process: by default nothing would end it
threading.Thread(target=ThreadingHTTPServer(("0.0.0.0", 4318), Collector).serve_forever, daemon=True).start()
ThreadingHTTPServer(("0.0.0.0", 16686), Query).serve_forever()
