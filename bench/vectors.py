"""`make vectors`: what real cron does with the schedules of bench.windows, made twice, in bench/vectors.json.

Each window is run by two daemons, in two of several containers. The file is written when both did the same.
"""

import json
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from bench.arguments import arguments
from bench.containers import HOUSE, INSIDE, Containers
from bench.windows import Window, windows
from engine.core import ROOT, UserError, program, say, step
from engine.docker import require_engine
from engine.images import PYTHON, ensure_base, ensure_stack
from engine.records import digest

FILE = ROOT / "bench/vectors.json"
CRON = ROOT / "02-cron"
CRON_IMAGE = "02-cron-python-app"
AT_ONCE = 8  # containers; a daemon waits more than it works
Answers = Future[list[dict[str, Any]]]
DEADLINE = 3600  # seconds for a window, on a busy machine too
FORMAT = (
    "runs: the minutes, in UTC, in which cron started the job while the clock went from `from` up to, not including, "
    "`to`; a minute is there as often as the job was started in it. TZ of the daemon was `zone`, and it had been started "
    "a minute before `from`. With a `command`, `prints` is what the job printed, white space made one blank."
)


def input_paths() -> list[Path]:
    """The files and folders that the vectors depend on: what is asked, what drives the daemon, and its image.

    This module carries questions and answers between them, and a change of a message here is none of a vector.
    """
    return [
        ROOT / "bench/windows.py",
        ROOT / "bench/inside/vectors/daemon.py",
        CRON / "Dockerfile",
        ROOT / "offline/debian",
        ROOT / "offline/python",
    ]


def start(containers: Containers, daemon: str) -> None:
    """Start a container that has cron, and runs nothing yet."""
    containers.start(daemon, CRON_IMAGE, "sleep", "infinity", options=(*INSIDE, "--workdir", HOUSE))


def require_cron(who: str) -> None:
    """Have an engine, and the image of lesson 02. Raises UserError when that is not possible."""
    require_engine(who)
    ensure_base(PYTHON)
    ensure_stack(CRON)


def moment(at: datetime) -> str:
    """A minute in UTC, as ISO 8601 writes it."""
    return f"{at:%Y-%m-%dT%H:%MZ}"


def watch(containers: Containers, daemon: str, window: Window) -> list[dict[str, Any]]:
    """The vectors of a window, by one daemon."""
    start, end = moment(window.start), moment(window.end)
    canary, every = ("* * * * *", 1) if window.step == 1 else ("0 */6 * * *", 360)
    asked = {
        "zone": window.zone,
        "from": start,
        "to": end,
        "step": window.step,
        "canary": canary,
        "every": every,
        "jobs": [{"expression": expression, "command": command} for expression, command in window.jobs],
    }
    words = ("python3", "-m", "bench.inside.vectors.daemon", json.dumps(asked))
    answers = json.loads(containers.run(daemon, *words, timeout=DEADLINE))
    place = {"topic": window.topic, "zone": window.zone, "from": start, "to": end}
    return [
        {"expression": expression, **place, "runs": answer["runs"]}
        | ({"command": command, "prints": answer["prints"]} if command else {})
        for (expression, command), answer in zip(window.jobs, answers, strict=True)
    ]


def all_twice(containers: Containers, asked: list[Window]) -> list[dict[str, Any]]:
    """The vectors of all windows. Raises UserError when two daemons did not do the same in one of them."""
    idle: SimpleQueue[str] = SimpleQueue()
    for number in range(min(AT_ONCE, 2 * len(asked))):
        start(containers, f"daemon-{number}")
        idle.put(f"daemon-{number}")

    def by_one(window: Window) -> list[dict[str, Any]]:
        daemon = idle.get()
        try:
            return watch(containers, daemon, window)
        finally:
            idle.put(daemon)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [(pool.submit(by_one, window), pool.submit(by_one, window)) for window in asked]
        try:
            return [vector for pair in zip(asked, futures, strict=True) for vector in equal(*pair)]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            containers.remove_all()  # what still runs in them ends
            raise


def equal(window: Window, pair: tuple[Answers, Answers]) -> list[dict[str, Any]]:
    """The vectors of a window by both daemons. Raises UserError when they differ."""
    where = f"{window.zone} from {moment(window.start)}"
    with step(f"{where}, {len(window.jobs)} schedules"):
        first, second = (future.result() for future in pair)
    different = [one["expression"] for one, other in zip(first, second, strict=True) if one != other]
    if different:
        raise UserError(f"two runs of cron differ in {where} at {', '.join(different)}: make vectors, once more")
    return first


def text(about: dict[str, Any], vectors: list[dict[str, Any]]) -> str:
    """The file: JSON with one vector a line."""
    lines = ",\n".join(json.dumps(vector) for vector in vectors)
    return f'{{\n"about": {json.dumps(about, indent=1)},\n"vectors": [\n{lines}\n]\n}}\n'


def main() -> None:
    """Make the vectors, and say whether they are those that were there."""
    arguments(__doc__)
    require_cron("make vectors")
    before, inputs = FILE.read_text() if FILE.exists() else "", digest(input_paths())
    with Containers("vectors") as containers:
        vectors = all_twice(containers, list(windows()))
        query = ("dpkg-query", "--show", "--showformat", "${Package} ${Version}\\n", "cron", "tzdata")
        packages = dict(line.split() for line in containers.run("daemon-0", *query).splitlines())
    made = f"twice, by two daemons, with equal results: {len(vectors)} vectors"
    about = {"packages": packages, "made": made, "format": FORMAT, "inputs": inputs}
    FILE.write_text(text(about, vectors))
    change = "the file is the same as before"
    if before != FILE.read_text():
        change = "the file has changed: git diff shows how"
    say(f"{len(vectors)} vectors, made twice with equal results, in {FILE.relative_to(ROOT)}: {change}")


if __name__ == "__main__":
    program(main)
