"""`make conform`: how many of the conformance vectors four libraries have right, in bench/results/conform.*."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from bench.containers import HOUSE, INSIDE, LESSON, Containers, require
from bench.report import write
from bench.vectors import FILE
from engine.core import ROOT, program, run, step
from engine.markdown import table
from engine.records import digest

HERE = ROOT / "bench"
IMAGE = "bench-schedulers"
# Vectors that are shown one by one: schedule, zone, and how the window begins.
EXAMPLES = (
    ("30 2 * * *", "America/New_York", "2026-03"),
    ("30 1 * * *", "America/New_York", "2026-11"),
    ("30 * * * *", "America/New_York", "2026-11"),
    ("15 * * * *", "Australia/Lord_Howe", "2026-10"),
    ("45 * * * *", "Australia/Lord_Howe", "2026-04"),
    ("0 12 * * *", "Pacific/Apia", "2011"),
    ("0 0 13 * 5", "UTC", "2028"),
    ("0 0 */2 * 1", "UTC", "2028"),
    ("0 0 */10 * *", "UTC", "2028"),
    ("0 0 * * 7", "UTC", "2028"),
    ("0 22-6 * * *", "UTC", "2026"),
)
PLACE = f"{HOUSE}/{FILE.name}"


def input_paths() -> list[Path]:
    """The files and folders that the scores depend on: the vectors, how libraries are asked, and their versions."""
    own = [HERE / name for name in ("conform.py", "inside/vectors/score.py", "inside/vectors/libraries.py")]
    return [FILE, *own, HERE / "schedulers.lock", LESSON / "requirements.lock", LESSON / "Dockerfile"]


def scores() -> dict[str, Any]:
    """Library → its version, its score by topic, and what differs, as bench.inside.vectors.libraries gives them."""
    with step("building the image of the libraries"):
        run("docker", "build", "--tag", IMAGE, "--target", "schedulers", str(HERE), log="build-schedulers")
    options = (*INSIDE, "--volume", f"{FILE}:{PLACE}:ro", "--workdir", HOUSE)
    words = ("/opt/schedulers/bin/python", "-m", "bench.inside.vectors.libraries", PLACE)
    with Containers("conform") as containers, step("asking the libraries"):
        containers.start("libraries", IMAGE, "sleep", "infinity", options=options)
        answer: dict[str, Any] = json.loads(containers.run("libraries", *words))
    return answer


def results_table(about: dict[str, Any], libraries: dict[str, Any]) -> str:
    """The table of the page: for each library how many vectors of each topic it has right."""
    topics = next(iter(libraries.values()))["topics"]
    counts = [topic["vectors"] for topic in topics.values()]
    lines = [[f"Debian's cron {about['packages']['cron']}", *map(str, counts), str(sum(counts)), "0"]]
    for name, library in libraries.items():
        total = sum((Counter(topic) for topic in library["topics"].values()), Counter[str]())
        equal = [str(topic["equal"]) for topic in library["topics"].values()]
        package, comma, setting = name.partition(",")
        lines.append(
            [f"{package} {library['version']}{comma}{setting}", *equal, str(total["equal"]), str(total["refused"])]
        )
    return table(["", *topics, "all", "refused"], lines)


def place(vector: dict[str, Any]) -> tuple[str, str, str]:
    """What tells a vector from all others."""
    return vector["expression"], vector["zone"], vector["from"]


def cell(answer: str | list[str], vector: dict[str, Any]) -> str:
    """An answer in few words: one or two times of a night, else a number."""
    if isinstance(answer, str):
        return "error"
    if 0 < len(answer) < 3 and vector["topic"].startswith("a shift"):
        return ", ".join(at[11:16] for at in answer)
    return f"{len(answer)} run{'s' * (len(answer) != 1)}"


def examples_table(vectors: list[dict[str, Any]], libraries: dict[str, Any]) -> str:
    """The table of some vectors, with what cron did and what each library says, times in UTC."""
    answers = {name: {place(one): one["answer"] for one in of["different"]} for name, of in libraries.items()}
    rows = []
    for expression, zone, begin in EXAMPLES:
        key = (expression, zone)
        vector = next(one for one in vectors if place(one)[:2] == key and one["from"].startswith(begin))
        said = [answers[name].get(place(vector), vector["runs"]) for name in libraries]
        where = f"{zone} {vector['from'][:10]}" if vector["topic"].startswith("a shift") else vector["from"][:4]
        rows.append([f"`{expression}`", where, *(cell(answer, vector) for answer in (vector["runs"], *said))])
    return table(["schedule", "window", "cron", *libraries], rows)


def main() -> None:
    """Score the libraries, print the tables, write bench/results/conform.*."""
    require("make conform")
    made = json.loads(FILE.read_text())
    inputs, libraries = digest(input_paths()), scores()
    kept = {name: {"version": of["version"], "topics": of["topics"]} for name, of in libraries.items()}
    text = [results_table(made["about"], libraries), "Some of them, times in UTC:"]
    text.append(examples_table(made["vectors"], libraries))
    write("conform", {"inputs": inputs, "libraries": kept}, "\n\n".join(text))


if __name__ == "__main__":
    program(main)
