"""JSON over HTTP, from the machine to services in its containers: never through a proxy, patient with a restart."""

import base64
import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from typing import Any

from engine.core import UserError

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """A port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(
    url: str, body: object = None, method: str | None = None, *, headers: dict[str, str] | None = None,
    patience: float = 30,
) -> Any:  # fmt: skip
    """The JSON that a service answers; `body`, if any, is sent as JSON.

    A service that is just coming back refuses or resets connections: such a call is repeated for `patience` seconds.
    Raises UserError when it does not answer, or answers with a status other than 2xx.
    """
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, content, {"Content-Type": "application/json"} | (headers or {}), method=method
    )
    deadline = time.monotonic() + patience
    while True:
        try:
            with _opener.open(request, timeout=30) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:300]
            raise UserError(f"{url} answers {error.code}: {said or error.reason}") from None
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() > deadline:
                raise UserError(f"{url} does not answer: {getattr(error, 'reason', error)}") from None
        time.sleep(0.2)


class PrefectApi:
    """The API of a Prefect server."""

    def __init__(self, address: str, login: str = "", *, patience: float = 30) -> None:
        """`address` is host:port, `login` the user:password of PREFECT_API_AUTH_STRING, if the server asks for one.

        `patience` is for how many seconds a call is repeated while the server comes back; see `call`.
        """
        self.url, self.patience = f"http://{address}/api", patience
        self.headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}

    def __call__(self, path: str, body: object = None, method: str | None = None) -> Any:
        """What it answers: to a POST with a body, else to a GET. Raises UserError when it does not answer, or refuses."""
        return call(self.url + path, body, method, headers=self.headers, patience=self.patience)
