"""What `lab doctor` says of one thing that it has looked at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    `state` is "ok", "note" (the course works all the same) or "bad"; `fix` is empty when it is "ok".
    """

    name: str
    state: str
    seen: str
    fix: str = ""
