"""Runs in the image of lesson 04, beside its API: the collectors under chaos, and what they cost. Prints JSON.

`collectors.py chaos COLLECTOR RUNS SEED SECONDS` or `collectors.py cost COLLECTOR`
"""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ADMIN = os.environ["INCIDENTS_API_URL"].split("/v2/")[0] + "/admin/"
COLLECTORS = {"prefect": "flows/incidents_by_pop.py", "asyncio": "flows/collect.py"}
DEADLINE = 240  # seconds, for one run on a busy machine
BROKEN = {"kind": "broken"}  # some rows are always unreadable
FAULTS: list[dict[str, Any]] = [
    {"kind": "error", "share": 0.1},
    {"kind": "busy", "share": 0.05, "seconds": 1},
    {"kind": "hang", "share": 0.03, "seconds": 3},
    {"kind": "slow", "share": 0.3, "seconds": 0.2},
    {"kind": "truncated", "share": 0.1},
    {"kind": "schema", "times": 1},
    {"kind": "duplicates"},
    {"kind": "late"},
    {"kind": "corrected"},
]


def call(what: str, body: Any = None) -> Any:
    """Ask the API's admin. With a body it is a POST."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(ADMIN + what, data, {"Content-Type": "application/json"}), timeout=60) as answer:
        return json.loads(answer.read())


def start(collector: str, folder: Path) -> "subprocess.Popen[bytes]":
    """Start a run, its output in a file beside the folder."""
    with Path(f"{folder}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, COLLECTORS[collector]], env=os.environ | {"FOLDER": str(folder)},
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def rows(file: Path) -> list[list[str]]:
    """The rows of a CSV file, its header left out; none if there is no file."""
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return list(csv.reader(lines))[1:]


class Chaos:
    """Runs of one collector, with faults and kills drawn from a seed, and what was found wrong after each."""

    def __init__(self, collector: str, folder: Path, seed: int) -> None:
        """An empty folder."""
        self.collector, self.folder, self.draw = collector, folder, random.Random(seed)
        self.file, self.half = folder / "incidents.csv", folder / ".incidents.csv.new"
        self.seen: Counter[str] = Counter()
        self.ids: set[str] = set()
        self.work = 1.0  # seconds from the first question to the end, as the last whole run took

    def run(self) -> None:
        """One run: sound, or killed at a random moment at work, or killed when it begins to write."""
        faults = self.draw.sample(FAULTS, self.draw.randint(0, 3))
        call("faults", [*faults, BROKEN])
        self.half.unlink(missing_ok=True)
        process = start(self.collector, self.folder)
        how = self.draw.choice(["whole", "at work", "at work", "writing"])
        begins = self.first_question(process)
        if how == "at work":
            time.sleep(self.draw.uniform(0, self.work))
        elif how == "writing":
            self.wait(process, self.half.exists, pause=0.0002)
        if how != "whole" and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait(DEADLINE)
        self.seen["killed -9" if code < 0 else f"ended with {min(code, 1)}"] += 1
        self.seen["killed while it wrote"] += self.half.exists()
        if how == "whole":
            self.work = time.monotonic() - begins
        self.look()

    def wait(self, process: "subprocess.Popen[bytes]", true: Any, pause: float) -> None:
        """Until something is true, or the process has ended."""
        end = time.monotonic() + DEADLINE
        while process.poll() is None and not true() and time.monotonic() < end:
            time.sleep(pause)

    def first_question(self, process: "subprocess.Popen[bytes]") -> float:
        """When the run had its first answer: what is before is the start of Python."""
        self.wait(process, lambda: call("record")["answers"], pause=0.05)
        return time.monotonic()

    def look(self) -> None:
        """Count what must not be: half a line, a row twice, a row that was there and is gone."""
        text = self.file.read_bytes() if self.file.exists() else b"\n"
        found = rows(self.file)
        ids = [row[0] for row in found if row]
        self.seen["torn lines"] += sum(len(row) != 10 for row in found) + (not text.endswith(b"\n"))
        self.seen["doubled rows"] += len(ids) - len(set(ids))
        self.seen["lost rows"] += len(self.ids - set(ids))
        self.ids = set(ids)

    def compare(self) -> None:
        """Heal the API, let its clock stand, run once more, and compare every row with what the API says it told."""
        call("faults", [BROKEN])
        call("freeze", {})
        if code := start(self.collector, self.folder).wait(DEADLINE):
            raise SystemExit(f"the last run ended with {code}: {Path(f'{self.folder}.log').read_text()[-2000:]}")
        self.look()
        truth = call("truth")
        kept = {row[0]: row for row in rows(self.file)}
        told = {id: [event["status"], event["bairro"], event["gravidade"]] for id, event in truth["rows"].items()}
        self.seen["rows expected"] = len(told)
        self.seen["rows in the CSV file"] = len(kept)
        self.seen["lost rows"] += len(told.keys() - kept.keys())
        self.seen["rows too many"] = len(kept.keys() - told.keys())
        self.seen["stale rows"] = sum(
            [kept[id][9], kept[id][3], kept[id][8]] != told[id] for id in kept.keys() & told.keys()
        )
        self.seen["rejects expected"] = truth["rejects"]
        self.seen["rows in the rejects file"] = len(rows(self.folder / "rejects.csv"))


def chaos(collector: str, runs: int, seed: int, seconds: float) -> dict[str, int]:
    """What was counted in so many runs, or as many as begin in so many seconds."""
    lane = Chaos(collector, Path(f"/data/chaos-{collector}-{seed}"), seed)
    end = time.monotonic() + seconds
    while lane.seen["runs"] < runs and time.monotonic() < end:
        lane.seen["runs"] += 1
        lane.run()
        Path(f"{lane.folder}.json").write_text(json.dumps(lane.seen))  # for whoever wants to know how far it is
    lane.compare()
    return dict(lane.seen)


def cost(collector: str) -> dict[str, float]:
    """One run on an API that takes 50 ms for an answer: requests, at once, seconds, processor seconds, peak memory."""
    call("faults", [{"kind": "slow", "seconds": 0.05}])
    began = time.monotonic()
    process = start(collector, Path(f"/data/cost-{collector}"))
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status:
        raise SystemExit(Path(f"/data/cost-{collector}.log").read_text()[-2000:])
    record = call("record")
    return {
        "requests": sum(record["answers"].values()),
        "at_once": record["most_at_once"],
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime,
        "mb": used.ru_maxrss * 1024 / 1e6,
        "rows": len(rows(Path(f"/data/cost-{collector}/incidents.csv"))),
    }


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["chaos", collector, runs, seed, seconds]:
            print(json.dumps(chaos(collector, int(runs), int(seed), float(seconds))))
        case ["cost", collector]:
            print(json.dumps(cost(collector)))
        case _:
            raise SystemExit(__doc__)
