"""How the API is asked, and which failures are worth another attempt. For both collectors: with threads and with asyncio."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

URL = os.environ.get("INCIDENTS_API_URL", "https://api.dados.rio/v2/adm_cor_comando/")
LIMIT = int(os.environ.get("LIMIT", "8"))  # requests at the same time
CLIENT: dict[str, Any] = {
    "base_url": URL,
    "timeout": float(os.environ.get("TIMEOUT", "5")),  # seconds, of a connection and of each read
    "headers": {"Accept": "application/json"},
    "follow_redirects": True,
}
OPEN, SINCE, POPS = "ocorrencias_abertas/", "ocorrencias/", "pops/"
AGENCIES = "procedimento_operacional_padrao_orgaos_responsaveis/"
MOST_WAITS, LONGEST_WAIT = 5, 120.0  # how often, and for how many seconds, we wait because the server says so


@dataclass(frozen=True)
class Verdict:
    """What to do about a failure: try again or not, and how many seconds later, if the server has said so."""

    again: bool
    after: float | None = None


def classify(error: BaseException) -> Verdict:
    """What may pass is tried again: no connection, no answer in time, half an answer, 5xx, 429. The rest will not change.

    A Retry-After of more than LONGEST_WAIT is a no: to ask earlier is rude, and the next run is not far.
    """
    if isinstance(error, httpx.HTTPStatusError):
        code = error.response.status_code
        after = retry_after(error.response)
        if after is not None and code in (429, 503):
            return Verdict(after <= LONGEST_WAIT, after)
        return Verdict(code == 429 or code >= 500)
    return Verdict(isinstance(error, httpx.TransportError | json.JSONDecodeError | UnicodeDecodeError))


def retry_after(response: httpx.Response) -> float | None:
    """The seconds of the header Retry-After, which may also be a date."""
    text = response.headers.get("Retry-After")
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a zone
        return None


def read(response: httpx.Response) -> Any:
    """The JSON of a good answer. Raises HTTPStatusError; for half an answer JSONDecodeError or UnicodeDecodeError."""
    response.raise_for_status()
    return response.json()
