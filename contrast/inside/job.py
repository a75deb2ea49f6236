"""The job of all three lanes: fetch orders from the upstream, load them into the sink.

A lane chooses by the words after `job.py` how careful it is; the code is the same under cron and under Prefect.
"""

import argparse
import json
import os
import socket
import sys
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import psycopg2
from ledger import recorded
from psycopg2.extras import execute_values

UPSTREAM = "http://upstream:8080"
SINK = f"postgresql://{socket.gethostname()}:beyond-cron@sink/contrast"  # the role of the lane, and so its schema
TRY_AGAIN = 75  # exit code EX_TEMPFAIL of sysexits.h

Row = dict[str, Any]


class Unavailable(Exception):
    """The upstream does not answer, or with 5xx: worth another try."""


def fetch(**query: str | int) -> list[Row]:
    """The orders of the upstream: those of a `minute`, or those that came `after` a number.

    Raises Unavailable when another try may help, urllib.error.HTTPError when it will not.
    """
    request = urllib.request.Request(f"{UPSTREAM}/orders?{urllib.parse.urlencode(query)}")
    if token := os.environ.get("UPSTREAM_TOKEN"):
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request) as answer:
            rows: list[Row] = json.load(answer)
            return rows
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise Unavailable(f"the upstream answers {error.code}") from error
        raise
    except urllib.error.URLError as error:
        raise Unavailable(f"the upstream does not answer: {error.reason}") from error


def insert(cursor: Any, rows: list[Row]) -> int:
    """Insert orders as they come, one by one."""
    for row in rows:
        cursor.execute("INSERT INTO orders VALUES (%s, %s, %s)", (row["seq"], row["at"], int(row["cents"])))
    return len(rows)


def load_minute(minute: datetime) -> int:
    """Load the orders of one minute, each as it comes."""
    with closing(psycopg2.connect(SINK)) as sink, sink.cursor() as cursor:
        sink.autocommit = True
        return insert(cursor, fetch(minute=f"{minute:%FT%R}"))


def load_newer() -> int:
    """Load what is newer than the newest order here, each as it comes."""
    with closing(psycopg2.connect(SINK)) as sink, sink.cursor() as cursor:
        sink.autocommit = True
        cursor.execute("SELECT coalesce(max(seq), 0) FROM orders")
        return insert(cursor, fetch(after=cursor.fetchone()[0]))


def replace_minute(minute: datetime) -> int:
    """Load the orders of one minute instead of those that are there, in one transaction."""
    with psycopg2.connect(SINK) as sink, sink.cursor() as cursor:
        rows = fetch(minute=f"{minute:%FT%R}")
        cursor.execute("DELETE FROM orders WHERE at >= %s AND at < %s", (minute, minute + timedelta(minutes=1)))
        return insert(cursor, rows)


def load_since_watermark() -> int:
    """Load all that came since the last load, in one transaction; what is no order is set aside, with the reason."""
    with psycopg2.connect(SINK) as sink, sink.cursor() as cursor:
        cursor.execute("SELECT seq FROM watermark FOR UPDATE")
        rows = fetch(after=cursor.fetchone()[0])
        good = [row for row in rows if isinstance(row["cents"], int)]
        bad = [(row["seq"], f"cents: {row['cents']!r}") for row in rows if row not in good]
        if rows:
            cursor.execute("DELETE FROM orders WHERE seq = ANY(%s)", ([row["seq"] for row in good],))
            insert(cursor, good)
            if bad:
                execute_values(cursor, "INSERT INTO rejected VALUES %s", bad)
            cursor.execute("UPDATE watermark SET seq = %s", (rows[-1]["seq"],))
        return len(good)


def report() -> int:
    """Write down up to which order the sink is filled: what a report made now would know."""
    with psycopg2.connect(SINK) as sink, sink.cursor() as cursor:
        cursor.execute("INSERT INTO reports SELECT coalesce(max(seq), 0) FROM orders RETURNING newest")
        return int(cursor.fetchone()[0])


def found() -> bool:
    """Whether there are orders that no report knows."""
    with psycopg2.connect(SINK) as sink, sink.cursor() as cursor:
        cursor.execute("SELECT max(seq) > coalesce((SELECT max(newest) FROM reports), 0) FROM orders")
        return bool(cursor.fetchone()[0])


def main() -> int:
    """Do one step, and note it in the ledger; exit code 75 when another try may help, 1 when it will not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["load", "found", "report"])
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--watermark", action="store_true", help="all since the last load, in one transaction")
    how.add_argument("--newer", action="store_true", help="what is newer than the newest here")
    how.add_argument("--minute", type=datetime.fromisoformat, help="that minute; otherwise the one that has ended")
    parser.add_argument("--replace", action="store_true", help="with --minute: instead of what is there")
    parser.add_argument(
        "--token", default=os.environ.get("UPSTREAM_TOKEN"), help="for the upstream; others can read it"
    )
    chosen = parser.parse_args()
    if chosen.token:
        os.environ["UPSTREAM_TOKEN"] = chosen.token
    ended = datetime.now().replace(second=0, microsecond=0) - timedelta(minutes=1)
    if chosen.step == "found":
        return 0 if found() else 1
    try:
        with recorded(chosen.step) as entry:
            if chosen.step == "report":
                entry["rows"] = report()
            elif chosen.watermark:
                entry["rows"] = load_since_watermark()
            elif chosen.newer:
                entry["rows"] = load_newer()
            else:
                load = replace_minute if chosen.replace else load_minute
                entry["rows"] = load(chosen.minute or ended)
    except Unavailable as reason:
        print(f"{datetime.now():%F %T} {reason}", file=sys.stderr)
        return TRY_AGAIN
    except (urllib.error.HTTPError, psycopg2.Error, ValueError) as reason:
        print(f"{datetime.now():%F %T} {reason}", file=sys.stderr)
        return 1
    print(f"{datetime.now():%F %T} {chosen.step}: {entry['rows']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
