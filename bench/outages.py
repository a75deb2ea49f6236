"""`make outages`: what real cron and real Prefect do after two hundred outages each, in bench/outages.json.

The model of `lab policy` is held against this record, and against a few of its outages that are run anew. What has been
recorded from the same inputs is not run again.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.arguments import arguments
from bench.containers import HOUSE, INSIDE, LESSON, PASSWORD, Containers, require
from bench.cron_outages import cron_cases
from bench.prefect_outages import prefect_batches
from bench.vectors import CRON, CRON_IMAGE, require_cron
from engine.core import ROOT, UserError, program, run, say
from engine.images import POSTGRES
from engine.markdown import table
from engine.records import digest

FILE = ROOT / "bench/outages.json"
POLICIES = ROOT / "04-incidents/policies"
CRON_BATCH = 20  # cases that one container goes through
AT_ONCE = 4  # containers of cron; servers of Prefect
DEADLINE = 3600  # seconds for a batch, on a busy machine too
IMAGE = "beyond-cron-lapse"
OPTIONS = (*INSIDE, "--volume", f"{POLICIES}:/policies:ro", "--workdir", HOUSE)
SETTINGS = {
    "PREFECT_API_URL": "http://127.0.0.1:4200/api",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://prefect:{PASSWORD}@db:5432/prefect",
    "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60",  # for a busy machine
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
    "PREFECT_API_REQUEST_TIMEOUT": "240",
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_TIMEOUT": "240",  # all that is late asks at once
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PYTHONDONTWRITEBYTECODE": "1",
    "FAKETIME_TIMESTAMP_FILE": "/tmp/clock",
    "FAKETIME_NO_CACHE": "1",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
}
LAPSE = (
    'echo +000000000000000.000 >/tmp/clock; LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) exec python -m "$@"'
)


def input_paths(system: str) -> list[Path]:
    """The files and folders that the answers of cron, or of Prefect, depend on."""
    inside = ROOT / "bench/inside"
    common = [ROOT / f"bench/{system}_outages.py", ROOT / "offline/debian", ROOT / "offline/python"]
    if system == "cron":
        theirs = [
            inside / "vectors/daemon.py",
            inside / "outages/cron.py",
            POLICIES / "catch_up.sh",
            CRON / "Dockerfile",
        ]
    else:
        files = [LESSON / "Dockerfile", LESSON / "requirements.lock", ROOT / "bench/Dockerfile"]
        theirs = [inside / "outages/prefect_runs.py", POLICIES / "gate.py", POLICIES / "guard.py", *files]
    return common + theirs


def require_prefect(who: str) -> None:
    """Have an engine, and the image of lesson 03 with libfaketime. Raises UserError when that is not possible."""
    require(who, POSTGRES)
    run("docker", "build", "--tag", IMAGE, "--target", "lapse", str(ROOT / "bench"), log="build-lapse")


def cron(containers: Containers, number: int, cases: Sequence[dict[str, Any]]) -> list[Any]:
    """For each case what its jobs noted, by the minute, in a container of its own."""
    name = f"cron-{number}"
    containers.start(name, CRON_IMAGE, "sleep", "infinity", options=OPTIONS)
    words = ("python3", "-B", "-m", "bench.inside.outages.cron", json.dumps(cases))
    answers: list[Any] = json.loads(containers.run(name, *words, timeout=DEADLINE))
    containers.remove(name)
    return answers


def prefect(containers: Containers, number: int, batch: dict[str, Any]) -> list[Any]:
    """For each case of a batch its runs, on a server and a database of its own."""
    name, database = f"prefect-{number}", f"db-{number}"
    env = {"POSTGRES_USER": "prefect", "POSTGRES_PASSWORD": PASSWORD}
    containers.start(database, POSTGRES, env=env)
    containers.wait_for(database, "sh", "-c", "pg_isready --host $HOSTNAME", seconds=240)
    url = SETTINGS["PREFECT_SERVER_DATABASE_CONNECTION_URL"].replace("@db:", f"@{database}:")
    settings = {**SETTINGS, "PREFECT_SERVER_DATABASE_CONNECTION_URL": url}
    containers.start(name, IMAGE, "sleep", "infinity", env=settings, options=OPTIONS)
    words = ("sh", "-c", LAPSE, "sh", "bench.inside.outages.prefect_runs", json.dumps(batch))
    try:
        answers: list[Any] = json.loads(containers.run(name, *words, timeout=DEADLINE))
    finally:
        containers.remove(name)
        containers.remove(database)
    return answers


def cron_batches() -> list[dict[str, Any]]:
    """The outages of cron, for one container after the other."""
    cases = cron_cases()
    return [{"cases": cases[first : first + CRON_BATCH]} for first in range(0, len(cases), CRON_BATCH)]


def answer(containers: Containers, system: str, number: int, batch: dict[str, Any]) -> list[Any]:
    """What cron or Prefect did in the cases of a batch."""
    if system == "cron":
        return cron(containers, number, batch["cases"])
    return prefect(containers, number, batch)


def batches(system: str) -> list[dict[str, Any]]:
    """All that cron, or Prefect, is asked."""
    return cron_batches() if system == "cron" else prefect_batches()


def record() -> dict[str, Any]:
    """What is recorded: for cron and for Prefect the digest of the inputs, and the answers by the number of the batch."""
    found: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


def is_fresh(system: str) -> bool:
    """Whether all batches have been recorded from these inputs."""
    found = record().get(system, {})
    return found.get("inputs") == digest(input_paths(system)) and len(found["ran"]) == len(batches(system))


@contextmanager
def asking(system: str, who: str) -> Iterator[Containers]:
    """Containers for cron, or for Prefect. Raises UserError when there can be none."""
    (require_cron if system == "cron" else require_prefect)(who)
    with Containers(f"outages-{system}") as containers:
        yield containers


def make(system: str) -> None:
    """Record what is not yet recorded from these inputs, batch by batch."""
    inputs = digest(input_paths(system))
    found = record().get(system, {})
    done = found["ran"] if found.get("inputs") == inputs else {}
    missing = [(number, batch) for number, batch in enumerate(batches(system)) if str(number) not in done]
    failures: list[str] = []
    if not missing:
        return
    with asking(system, "make outages") as containers, ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {pool.submit(answer, containers, system, number, batch): number for number, batch in missing}
        for future in as_completed(
            futures
        ):  # one that fails stops none of the others, and is asked for again next time
            number = futures[future]
            if error := future.exception():
                failures.append(f"batch {number + 1}: {error}")
                continue
            done[str(number)] = future.result()
            everything = record() | {system: {"inputs": inputs, "ran": done}}
            FILE.write_text(text(everything))
            say(f"{system}: {len(done)} of {len(batches(system))} batches")
    if failures:
        raise UserError("; ".join(failures))


def text(everything: dict[str, Any]) -> str:
    """The file: JSON with one case a line."""
    parts = []
    for system, found in sorted(everything.items()):
        answers = ",\n".join(
            f'"{number}": [\n' + ",\n".join(json.dumps(case) for case in found["ran"][number]) + "\n]"
            for number in sorted(found["ran"], key=int)
        )
        parts.append(f'"{system}": {{\n"inputs": "{found["inputs"]}",\n"ran": {{\n{answers}\n}}\n}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


RESULTS = ROOT / "bench/results/outages.md"
DOWN = {"machine": "the machine was off", "sleep": "the machine slept", "worker": "only the worker was away"}
ROWS = {  # policy of the page → what is missed × what overlaps
    "cron": ("plain cron", "–", "ALLOW"),
    "all": ("`catch_up.sh all`", "ALL", "QUEUE"),
    "latest": ("`catch_up.sh latest`", "LATEST", "QUEUE"),
    "3600": ("`catch_up.sh 3600`", "not older than an hour", "QUEUE"),
    "prefect": ("Prefect as it comes", "ALL", "ALLOW"),
    "prefect-gate-none": ("`gate.py`", "NONE", "ALLOW"),
    "prefect-gate-newest": ("`gate.py … 1`", "LATEST", "ALLOW"),
    "prefect-guard": ("`guard.py`", "not older than a limit", "ALLOW"),
    "prefect-cancel-new": ("`CANCEL_NEW`", "ALL", "FORBID"),
    "prefect-enqueue": ("`ENQUEUE`", "ALL", "QUEUE"),
}
Counts = dict[tuple[str, str], Counter[str]]  # (policy, what was away) → what became of the missed runs


def of_cron(counts: Counts) -> None:
    """Count what became of the runs of `*/20 * * * *` that were missed; that is the first job of each case."""
    for case, answer in recorded("cron"):
        start, off, on = (datetime.fromisoformat(case[key]) for key in ("from", "off", "on"))
        minutes = [(off - start).seconds // 60 + at for at in range((on - off) // timedelta(minutes=1))]
        missed = [at for at in minutes if (start + timedelta(minutes=at)).minute % 20 == 0]
        back = minutes[-1] + 1
        own = (start + timedelta(minutes=back)).minute % 20 == 0 and case["down"] == "sleep"
        ran = answer.get("0", []).count(back) - own
        counts.setdefault(("cron", case["down"]), Counter()).update(ran=ran, lost=len(missed) - ran)
        for keep in case["keeps"]:
            fates = Counter[str]()
            for at in missed:
                due = f"{start + timedelta(minutes=at):%Y-%m-%dT%H:%M:%SZ}"
                fates["ran" if f"{keep} {due}" in answer else "skipped" if f"skipped: {due}" in answer else "lost"] += 1
            counts.setdefault((keep, case["down"]), Counter()).update(fates)


def of_prefect(counts: Counts) -> None:
    """Count what became of the missed runs of all cases."""
    for case, answer in recorded("prefect"):
        states = {run["due"]: run["state"] for run in answer}
        dues = [case["first"] + number * case["step"] for number in range(case["count"])]
        words = {"Completed": "ran", "Skipped": "skipped", "Cancelled": "cancelled", None: "lost"}
        fates = Counter(words[states.get(due)] for due in dues if case["off"] <= due < case["on"])
        counts.setdefault((case["policy"], case["down"]), Counter()).update(fates)


def recorded(system: str) -> Iterator[tuple[dict[str, Any], Any]]:
    """Every case that has been recorded, with what was away in it, and its answer."""
    ran = record().get(system, {}).get("ran", {})
    for number, batch in enumerate(batches(system)):
        for case, answer in zip(batch["cases"], ran.get(str(number), []), strict=False):
            yield {"down": batch.get("down"), **case}, answer


def report() -> str:
    """The table of the page: for each policy what became of the missed runs, by what was away."""
    counts: Counts = {}
    of_cron(counts)
    of_prefect(counts)
    asked = {"cron": len(list(recorded("cron"))), "Prefect": len(list(recorded("prefect")))}
    of = " and ".join(f"{count} outages of {system}" for system, count in asked.items() if count)
    said = f"What became of the runs that were missed, in {of}:\n\n"
    lines = [
        [name, missed, overlap, *(words(counts.get((policy, down), Counter())) or "–" for down in DOWN)]
        for policy, (name, missed, overlap) in ROWS.items()
        if any(counts.get((policy, down)) for down in DOWN)
    ]
    return said + table(["", "missed", "overlap", *DOWN.values()], lines) + "\n"


def words(fates: Counter[str]) -> str:
    """What became of how many runs: `ran 12, lost 30`."""
    return ", ".join(f"{fate} {fates[fate]}" for fate in ("ran", "skipped", "cancelled", "lost") if fates[fate])


def main() -> None:
    """Record both, or the one that is named."""
    for system in arguments(__doc__, "cron", "prefect") or ("cron", "prefect"):
        make(system)
    RESULTS.write_text(report())
    say(f"recorded in {FILE.relative_to(ROOT)}; .venv/bin/pytest tests/test_outages.py compares it with the model")


if __name__ == "__main__":
    program(main)
