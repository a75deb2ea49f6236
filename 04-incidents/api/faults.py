"""What can be wrong with an API, switched on by a call; and a record of what was asked and answered."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from pydantic import BaseModel
from starlette.responses import Response

Kind = Literal["error", "busy", "hang", "slow", "truncated", "schema", "duplicates", "late", "corrected", "broken"]
DATA = {"duplicates", "late", "corrected", "broken"}  # faults of what is told, not of how
RENAMED = {b'"eventos"': b'"events"', b'"objeto"': b'"items"', b'"atividades"': b'"activities"'}


class Fault(BaseModel):
    """One way to fail. Without `times` it lasts until the faults are set again."""

    kind: Kind
    times: int | None = None  # only the next so many requests
    share: float = 1  # of the requests, by chance
    path: str = ""  # only requests whose path has this in it
    seconds: float = 2  # of Retry-After, of the hang, of the delay
    status: int = 500  # of an error


class Faults:
    """The faults that are on, and the record."""

    def __init__(self) -> None:
        self.on: list[Fault] = []
        self.chance = random.Random(1)
        self.answers: Counter[str] = Counter()  # "pops 200", "pops schema" → how many
        self.at_once = self.most_at_once = 0

    def tricks(self) -> set[str]:
        return {fault.kind for fault in self.on} & DATA

    def draw(self, path: str) -> Fault | None:
        """The fault that this request meets, if any."""
        for fault in self.on:
            if fault.kind in DATA or fault.path not in path or fault.times == 0 or self.chance.random() >= fault.share:
                continue
            if fault.times:
                fault.times -= 1
            return fault
        return None

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """Count the requests that are answered at the same time."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield
        finally:
            self.at_once -= 1


async def instead(fault: Fault | None) -> Response | None:
    """The answer in place of the real one; None when the real one follows."""
    if fault is None or fault.kind in ("truncated", "schema"):
        return None
    if fault.kind == "error":
        return Response("out of order", fault.status)
    if fault.kind == "busy":
        return Response("too many requests", 429, {"Retry-After": f"{fault.seconds:g}"})
    await asyncio.sleep(fault.seconds)
    return Response("gateway time-out", 504) if fault.kind == "hang" else None


def spoilt(body: bytes, fault: Fault | None) -> bytes:
    """The real answer after a fault: cut in half, or with other names."""
    if fault and fault.kind == "truncated":
        return body[: len(body) // 2]
    if fault and fault.kind == "schema":
        for name, other in RENAMED.items():
            body = body.replace(name, other)
    return body
