"""A job that is a Python script and nothing else: the flow runs it itself."""

import re

from lab.migrate.lines import Entry
from lab.migrate.peeled import Peeled
from lab.migrate.words import REDIRECTION, literal, mask, pieces, words

PYTHON = re.compile(r"(?:/usr/bin/|/usr/local/bin/)?python3?(?:\.\d+)?")  # not that of a virtual environment


def python_parameters(entry: Entry, peeled: Peeled) -> dict[str, object] | None:
    """The parameters of `run_python` for a job; None when it is more than a script that a plain python3 runs.

    A lock, a timeout, an input or another user need the shell: such a job is run as it is.
    """
    parts = pieces(peeled.command)
    if len(parts) != 1 or parts[0].text != peeled.command.strip() or entry.stdin or entry.user or entry.timeout:
        return None
    if peeled.lock or peeled.timeout or peeled.retries or REDIRECTION.search(mask(peeled.command) or ""):
        return None
    if any(reason.kind in ("background", "escapes", "syslog", "quiet") for reason in peeled.reasons):
        return None
    found = [word for _, word in words(peeled.command)]
    if len(found) < 2 or not PYTHON.fullmatch(found[0]) or not found[1].endswith(".py") or not literal(peeled.command):
        return None
    folder = peeled.folder or entry.folder
    parameters: dict[str, object] = {"script": found[1], "arguments": found[2:]}
    return parameters | ({"folder": folder} if folder else {})
