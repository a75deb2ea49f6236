"""Questions to Prefect's API, with the usual failures in one line."""

import os
from typing import Any
from urllib.parse import urlsplit

import requests
from settings import stop_with


class Unreachable(Exception):
    """Why the API does not answer, and the command that helps."""


def call(method: str, path: str, body: Any = None) -> Any:
    """The answer as Python values, None for 404. Raises Unreachable."""
    api = os.environ["PREFECT_API_URL"]
    login = os.environ.get("PREFECT_API_AUTH_STRING")
    auth = tuple(login.encode().split(b":", 1)) if login else None
    try:
        answer = requests.request(method, api + path, json=body, auth=auth, timeout=10)
    except requests.exceptions.ProxyError:
        raise Unreachable(
            f"a proxy answers instead of {api}: add {urlsplit(api).hostname} to NO_PROXY in .env"
        ) from None
    except requests.RequestException:
        raise Unreachable(f"no Prefect server answers at {api}: make start-server") from None
    if answer.status_code == 401:
        raise Unreachable(f"the server at {api} refuses PREFECT_API_AUTH_STRING: see .env")
    if answer.status_code == 404:
        return None
    if not answer.ok:
        raise Unreachable(f"the server at {api} answers {answer.status_code}: {answer.text[:200]}")
    return answer.json() if answer.content else {}


def healthy() -> bool:
    """Whether the server answers, and is the one that our password opens."""
    try:
        return call("GET", "/admin/version") is not None
    except Unreachable:
        return False


def need_server() -> None:
    try:
        if call("GET", "/admin/version") is None:
            raise Unreachable(
                f"what answers at {os.environ['PREFECT_API_URL']} is not Prefect: PREFECT_API_URL ends with /api"
            )
    except Unreachable as reason:
        stop_with(str(reason))
