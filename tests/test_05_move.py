"""A move of lesson 05 for real: shadows of all jobs beside cron, then switches thrown and killed at random moments."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.engine import until
from support.records import commit, proving

from engine.core import ROOT
from engine.images import ensure_stack
from engine.stacks import Project
from lab.cron.crontab import Job, read

pytestmark = [pytest.mark.stack, pytest.mark.timeout(5400)]
NAME = "lab-test-move"
LAB = Path(sys.executable).with_name("lab")
ENV = {"PREFECT_PORT": "14208", "RABBITMQ_PORT": "15676", "COMPOSE_PROFILES": "legacy,prefect,shadow"}
HEADER, _, _ = (ROOT / "05-migration/legacy/crontab.txt").read_text().partition("\n\n")
JOBS = [job for job in read((ROOT / "05-migration/legacy/crontab.txt").read_bytes()) if isinstance(job, Job)]
ALL = list(dict.fromkeys(job.rest for job in JOBS))  # two lines are one job
WHOLE = proving() or "MINUTES" in os.environ
COMMANDS = ALL if WHOLE else random.Random(commit()).sample(ALL, 5)
MINUTES = int(os.environ.get("MINUTES") or (12 if proving() else 4))  # that jobs run beside their shadows
KILLS = 50 if proving() else 6
COUNTERS = 4  # jobs of each minute: all of them at once are no more than the worker can do
PATIENCE = 900  # seconds; the machine may be busy


class Stack:
    """The lesson's stack in a copy of its folder, and `lab migrate` as its learner calls it."""

    def __init__(self, project: Project) -> None:
        self.project, self.env = project, project.env

    def start(self, *words: str) -> subprocess.Popen[str]:
        program = [str(LAB), "migrate", *words, "--plan", str(self.project.folder / "moved")]
        return subprocess.Popen(
            program, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def lab(self, *words: str, judged: bool = False) -> str:
        """What a command says; one that judges may find fault."""
        with self.start(*words) as process:
            said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode in (0, int(judged)), said
        return said

    def status(self) -> dict[str, Any]:
        """Where each job stands."""
        told: dict[str, Any] = json.loads(self.lab("status", "--json", judged=True))
        return told

    def begin(self, jobs: list[str]) -> list[str]:
        """Give cron these jobs, all under the gate, and plan their move; return their names."""
        folder, project = self.project.folder, self.project
        (folder / "legacy/crontab.txt").write_text("\n".join([HEADER, *jobs, ""]))
        shutil.rmtree(folder / "moved", ignore_errors=True)
        project.exec("legacy", "sh", "legacy/crontab.sh")
        (folder / "crontab.txt").write_text(project.exec("legacy", "crontab", "-u", "shop", "-l") + "\n")
        words = [str(LAB), "migrate", "plan", str(folder / "crontab.txt"), "--into", str(folder / "moved")]
        words += ["--beside-cron", "--pool", "queues"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 1, done.stdout + done.stderr  # CRON_TZ is refused, and no other line
        shutil.copy(folder / "beside/compare.toml", folder / "moved")
        project.exec("legacy", "sh", "legacy/crontab.sh")
        return sorted(file.stem for file in folder.glob("moved/jobs/*.toml"))

    def command(self, job: str) -> str:
        """What the switch of a job says it runs."""
        return str(tomllib.loads((self.project.folder / f"moved/jobs/{job}.toml").read_text())["command"])

    def ledger(self, table: str) -> list[list[str]]:
        rows: list[list[str]] = json.loads(self.project.exec("legacy", "python", "moved/ledger.py"))[table]
        return rows


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    ensure_stack(ROOT / "05-migration")
    folder = tmp_path_factory.mktemp("lesson") / "05-migration"
    shutil.copytree(ROOT / "05-migration", folder, ignore=shutil.ignore_patterns("moved", "__pycache__"))
    with Project(folder, NAME, ENV) as project:
        project.up()
        yield Stack(project)


def copy_the_world(project: Project) -> None:
    """As the page has it: databases and files of the real world into the shadow's."""
    dump = "mariadb-dump --user shop --password=beyond-cron shop"
    project.exec("shop", "sh", "-c", f"{dump} | mariadb --host shop-shadow --user shop --password=beyond-cron shop")
    psql = "PGPASSWORD=beyond-cron psql --quiet --host warehouse-shadow --username etl warehouse"
    project.exec("warehouse", "sh", "-c", f"pg_dump --clean --username etl warehouse | {psql}")
    project.exec("worker-shadow", "sh", "-c", "cp -a /srv/real/. /srv/shop")


def begin_alike(stack: Stack, jobs: list[str]) -> None:
    """Copy the world, and begin the shadows before cron runs a job again: they are due in even minutes.

    On a busy machine that may take longer than a minute; then the worlds are no longer alike, and it is done again.
    """
    for _ in range(6):
        # Some seconds after an odd minute has begun, what ran in the even one is over.
        assert until(lambda: MINUTES >= 60 or time.time() % 120 > 65, 180, every=1)
        even = time.time() // 120
        copy_the_world(stack.project)
        stack.lab("shadow", *jobs)
        if MINUTES >= 60 or time.time() // 120 == even:
            return
        stack.lab("rollback", *jobs)
    raise AssertionError("the world is not copied within a minute")


def ends_well(command: str, instant: str) -> bool:
    """Whether a command of the legacy crontab should, in both worlds: no dump does, and invoices on Mondays alone."""
    monday = datetime.fromisoformat(instant).weekday() == 0
    return "mariadb-dump" not in command and (monday or "invoices.sql" not in command)


def test_jobs_agree_with_their_shadows(stack: Stack) -> None:
    """Commands of the legacy crontab, by real cron and by Prefect, on two worlds that begin alike: all, or a sample."""
    minutes = [f"{n}-59/{len(COMMANDS)}" if MINUTES >= 60 else "*/2" for n in range(len(COMMANDS))]
    jobs = stack.begin([f"{minute} * * * * {command}" for minute, command in zip(minutes, COMMANDS, strict=True)])
    assert len(ALL) == 13 and len(jobs) == len(COMMANDS)
    begin_alike(stack, jobs)
    began = time.monotonic()
    wanted = max(1, MINUTES // (13 if MINUTES >= 60 else 2) - 1)
    done = until(
        lambda: min(one["compared"] for one in stack.status().values()) >= wanted, MINUTES * 60 + PATIENCE, every=5
    )
    told = stack.status()
    assert done, told
    apart = [name for name, one in told.items() if one["agreeing"] != one["compared"]]
    assert not apart, [stack.lab("status", name, judged=True) for name in apart]
    stack.lab("rollback", *jobs)
    compared = sum(one["compared"] for one in told.values())
    print(f"{compared} runs of {len(jobs)} jobs compared in {time.monotonic() - began:.0f} s")
    wrong = [
        (stack.command(job), instant, side)
        for job, instant, side, well, _ in stack.ledger("ends")
        if bool(well) != ends_well(stack.command(job), instant)
    ]
    assert not wrong


def test_killed_switches_lose_no_instant_and_double_none(stack: Stack) -> None:
    """Jobs of each minute are cut over and rolled back, and many of these commands killed half-way."""
    draw = random.Random(commit())
    command = "echo $(hostname) $(date -u +\\%FT\\%T) >> /srv/shop/log/count-{}"
    jobs = stack.begin([f"* * * * * {command.format(n)}" for n in range(COUNTERS)])
    thrown, killed, longest, states = 0, 0, 4.0, dict[str, str]()
    while killed < KILLS:
        job = draw.choice(jobs)
        words = ["rollback", job] if states.get(job) == "moved" else ["cutover", job, "--force"]
        thrown, began = thrown + 1, time.monotonic()
        with stack.start(*words) as process:
            try:
                process.wait(draw.uniform(0, longest))  # seconds
                longest = max(longest, time.monotonic() - began)
            except subprocess.TimeoutExpired:
                process.kill()
                killed += 1
        states = {name: one["state"] for name, one in stack.status().items()}
    stack.lab("cutover", *jobs, "--force")
    last = f"{datetime.now(UTC) + timedelta(minutes=1):%Y-%m-%dT%H:%M}"  # one more instant by Prefect, then one by cron
    assert until(lambda: all(instants(stack, job)[-1] > last for job in jobs), PATIENCE, every=5)

    def rolled_back() -> bool:  # what Prefect still has to end is told, and the same command asked for again
        with stack.start("rollback", *jobs, "--wait", "60") as process:
            return process.wait(PATIENCE) == 0

    assert until(rolled_back, PATIENCE), stack.lab("status", judged=True)
    back = f"{datetime.now(UTC):%Y-%m-%dT%H:%M}"
    assert until(lambda: all(instants(stack, job)[-1] > back for job in jobs), PATIENCE, every=5)
    first = {job: instants(stack, job)[0] for job in jobs}
    turns: dict[str, Counter[str]] = defaultdict(Counter)
    ran: dict[str, Counter[str]] = defaultdict(Counter)

    def settled() -> bool:
        turns.clear()
        ran.clear()
        for job, _, side, _ in stack.ledger("turns"):
            turns[job][side] += 1
        for n, job in enumerate(jobs):
            for line in stack.project.exec("legacy", "cat", f"/srv/shop/log/count-{n}").splitlines():
                host, at = line.split()
                if at >= first[job]:  # before that it ran without a gate
                    ran[job]["cron" if host == "legacy" else "prefect"] += 1
        return {job: turns[job] for job in jobs} == dict(ran)

    assert until(settled, 60, every=1), ({job: turns[job] for job in jobs}, dict(ran))
    for job in jobs:
        seen = instants(stack, job)
        start = datetime.fromisoformat(seen[0])
        assert seen == [f"{start + timedelta(minutes=n):%Y-%m-%dT%H:%M}" for n in range(len(seen))]
    sides = Counter(side for job in jobs for side in turns[job].elements())
    print(
        f"{thrown} switches thrown, {killed} of them killed; "
        f"{sides['cron']} instants by cron, {sides['prefect']} by Prefect"
    )
    assert sides["cron"] and sides["prefect"]


def instants(stack: Stack, job: str) -> list[str]:
    """The instants of a job that have been decided."""
    return [instant for name, instant, _, _ in stack.ledger("turns") if name == job] or [""]
