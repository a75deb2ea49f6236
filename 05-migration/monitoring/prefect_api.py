"""The part of Prefect's API that the exporter uses."""

import os
from collections.abc import Iterator
from typing import Any

import requests

API = os.environ["PREFECT_API_URL"]
MOST = 200  # the most that the API returns at once
Unanswered = requests.RequestException

session = requests.Session()
session.auth = tuple(os.environ["PREFECT_API_AUTH_STRING"].split(":", 1))


def ask(path: str, **body: Any) -> Any:
    """What the API answers to a POST."""
    answer = session.post(API + path, json=body, timeout=8)
    answer.raise_for_status()
    return answer.json()


def pages(**body: Any) -> Iterator[dict[str, Any]]:
    """All runs that a filter finds."""
    found, offset = [{}] * MOST, 0
    while len(found) == MOST:
        found = ask("/flow_runs/filter", limit=MOST, offset=offset, **body)
        yield from found
        offset += MOST
