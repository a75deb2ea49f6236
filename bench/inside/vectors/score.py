"""Scores a scheduler by what real cron did: `python3 -m bench.inside.vectors.score mine.py` from the repository root.

`mine.py` has a function `runs(expression, zone, start, end)` that gives the moments, from `start` up to `end`, at which
a job is due, in order: datetimes with a time zone, as `start` and `end` are. It may give more; what is not before `end`
is not read. To name another function: mine.py:function.
"""

import json
import runpy
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

VECTORS = "bench/vectors.json"
DEADLINE = 2  # seconds of the processor for one vector, which takes milliseconds
MOST = 20_000  # moments of one vector
SHOWN = 10  # differences

Runs = Callable[[str, str, datetime, datetime], Iterable[datetime]]
Vector = dict[str, Any]


class NoEnd(BaseException):
    """A scheduler works on one vector for too long. It is no Exception, which a library may catch."""


@contextmanager
def deadline() -> Any:
    """Raise NoEnd in a block that takes too much time of the processor: an idle wait does not count."""

    def stop(*_: object) -> NoReturn:
        raise NoEnd(f"no end after {DEADLINE} s")

    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, DEADLINE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def moments(runs: Runs, vector: Vector) -> list[str]:
    """What a scheduler says to a vector, written as the vectors are. It may raise any exception, or NoEnd."""
    start, end = (datetime.fromisoformat(vector[edge]) for edge in ("from", "to"))
    found = []
    with deadline():
        for at in islice(runs(vector["expression"], vector["zone"], start, end), MOST):
            if at >= end:
                break
            found.append(f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}")
    return found


def score(vectors: Iterable[Vector], runs: Runs) -> dict[str, Any]:
    """Judge a scheduler: for each topic how many vectors it has, how many are equal and how many were refused.

    Equal are the minutes in which a job starts, and "repeats" counts those vectors too whose job starts several times in
    one of them, when the scheduler says so: one that is asked for the next time after another cannot. `different` has
    each vector that is not equal, with the answer: moments, or an error.
    """
    topics: dict[str, Counter[str]] = {}
    different = []
    for vector in vectors:
        counts = topics.setdefault(vector["topic"], Counter(vectors=0, equal=0, repeats=0, refused=0))
        counts["vectors"] += 1
        try:
            answer = moments(runs, vector)
        except (Exception, NoEnd) as error:  # whatever a library raises is its answer
            counts["refused"] += 1
            different.append({**vector, "answer": f"{type(error).__name__}: {error}"})
            continue
        counts["equal"] += set(answer) == set(vector["runs"])
        counts["repeats"] += answer == vector["runs"]
        if set(answer) != set(vector["runs"]):
            different.append({**vector, "answer": answer})
    return {"topics": {topic: dict(counts) for topic, counts in topics.items()}, "different": different}


def function(name: str) -> Runs:
    """The function that `FILE` or `FILE:FUNCTION` names."""
    file, _, word = name.partition(":")
    found: Runs = runpy.run_path(file)[word or "runs"]
    return found


def shown(different: Vector) -> str:
    """A difference in two lines."""
    answer = different["answer"]
    ours, theirs = set(different["runs"]), set(answer)
    if isinstance(answer, list):
        lacks, more = sorted(ours - theirs), sorted(theirs - ours)
        answer = "; ".join(f"{what} {' '.join(of[:3])}{' …' * (len(of) > 3)}" for what, of in
                           (("lacks", lacks), ("has", more)) if of)  # fmt: skip
    return f"{different['expression']}  {different['zone']} from {different['from']} to {different['to']}\n    {answer}"


def main(name: str, file: str = VECTORS) -> int:
    """Print the score of a scheduler and what differs first; the exit code is 1 when anything does."""
    result = score(json.loads(Path(file).read_text())["vectors"], function(name))
    total: Counter[str] = Counter()
    for topic, counts in result["topics"].items():
        total.update(counts)
        print(f"{topic:<26}{counts['equal']:>5} of {counts['vectors']:>4} equal, {counts['refused']} refused")
    print(f"{'all':<26}{total['equal']:>5} of {total['vectors']:>4} equal, {total['refused']} refused")
    for one in result["different"][:SHOWN]:
        print(shown(one))
    return int(total["equal"] != total["vectors"])


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python3 -m bench.inside.vectors.score FILE[:FUNCTION] [VECTORS]")
    sys.exit(main(*sys.argv[1:]))
