"""Runs in the container of a worker: prints, as JSON, what it sees of the API, of its runs and of the files of flows.

Its words are the files that flows are said to be in.
"""

import base64
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

MARK = b"PREFECT__FLOW_RUN_ID="  # in the environment of each process of a run


def api() -> tuple[int, str]:
    """The status that the API answers to the worker's own settings, and what it says; 0 when nobody answers."""
    url = os.environ.get("PREFECT_API_URL", "").rstrip("/") + "/admin/version"
    login = os.environ.get("PREFECT_API_AUTH_STRING", "")
    headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    try:
        asked = urllib.request.Request(url, headers=headers)  # raises ValueError when there is no address
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, answer.read(40).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.reason
    except (OSError, ValueError) as error:
        return 0, str(getattr(error, "reason", error))


def runs() -> list[str]:
    """The ids of the runs that have a process here."""
    found = set()
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            lines = process.read_bytes().split(b"\0")
        except OSError:  # it has ended, or is another user's
            continue
        found |= {line.removeprefix(MARK).decode() for line in lines if line.startswith(MARK)}
    return sorted(found)


print(json.dumps({"api": api(), "runs": runs(), "missing": [file for file in sys.argv[1:] if not Path(file).exists()]}))
