"""Checks of 05-migration: what `lab migrate plan` and `lab migrate diff` find in the learner's file. No Docker is needed."""

import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from engine.core import ROOT, UserError
from lab.checks.registry import Outcome, check
from lab.checks.runner import unless_stopped
from lab.cron.crontab import parse, printable
from lab.migrate.diff import Outcome as Compared
from lab.migrate.diff import Window, compare, window_of
from lab.migrate.diff_command import lines_of, local, names
from lab.migrate.lines import Format
from lab.migrate.pairs import Line, Pair, paired
from lab.migrate.plan import Fate, plan
from lab.migrate.prefect_yaml import deployment_of, mapping, read_deployments
from lab.migrate.write import prefect_yaml

CRONTABS = ROOT / "05-migration/crontabs"
DAYS = 400  # so many are compared: every change of the clock, and a first of March
PATIENCE = 30  # seconds for a command, on a busy machine
RIO, BERLIN, UTC = (ZoneInfo(name) for name in ("America/Sao_Paulo", "Europe/Berlin", "UTC"))
JOBS = {  # a command → when its comment says that it starts, on a machine in UTC
    "cd /srv/shop && ./report": "0 10 * * 1-5",
    "cd /srv/shop && ./pictures": "*/15 * * * *",
    "cd /srv/shop && ./unpaid": "10 1 * * *",
    "rm -f /tmp/shop-*.lock": "0 4 * * 0",
}
EACH_NIGHT = "30 2 * * *"
LOCKED = {
    "flock -n /tmp/unpaid.lock /srv/shop/unpaid": "limit 1 CANCEL_NEW",
    "flock /tmp/stock.lock /srv/shop/recount": "limit 1 ENQUEUE",
}
BACKUP, COPY = "/srv/shop/backup", "/srv/shop/copy-backup"
HALF_AN_HOUR = timedelta(minutes=30)


def days_in(zone: ZoneInfo) -> Window:
    """The days that are compared, from midnight to midnight; always the same, so that a verdict does not age."""
    return window_of(datetime(2026, 11, 1, tzinfo=zone), DAYS, zone)


def planned(file: Path, zone: ZoneInfo) -> tuple[list[dict[str, Any]], str]:
    """The deployments that `lab migrate plan` writes for a crontab, and the first line that it refuses, if any."""
    made = plan(file.read_bytes(), Format.USER, zone, days_in(zone).start, "scheduler")
    for verdict in made.verdicts:
        if verdict.fate is Fate.REFUSED:
            return [], f"line {verdict.number} is refused: {printable(verdict.reasons[0].text)}"
    deployments: list[dict[str, Any]] = yaml.safe_load(prefect_yaml(made, file.name))["deployments"]
    return deployments, ""


def differing(pairs: Iterable[Pair], window: Window) -> Iterator[Compared]:
    """The commands that cron and Prefect do not start at the same instants, as `lab migrate diff` finds them."""
    for pair in pairs:
        if pair.lines or any(one.active for one in pair.schedules):
            outcome = unless_stopped(partial(compare, pair, window))
            if outcome.causes:
                yield outcome


def reason(pairs: Iterable[Pair], window: Window) -> str:
    """The first reason for which instants differ; where none does, that."""
    for outcome in differing(pairs, window):
        count = sum(map(len, outcome.causes))
        return f"{names(outcome.pair)}: {count:,} instants differ: {printable(outcome.causes[0].text)}"
    return "0 instants differ"


def first_instant(outcome: Compared, window: Window) -> str:
    """Of a command that differs, an instant at which it is not started, or is though nobody asks for it."""
    cause, command = outcome.causes[0], printable(outcome.pair.command)
    for instants, what in ((cause.cron_only, "is not started"), (cause.prefect_only, "is started")):
        if instants:
            return f"{command} {what} at {local(instants[0], window)}"
    return f"{command}: {printable(cause.text)}"


def left_by(parameters: dict[str, str]) -> str:
    """The files that a job makes in a folder with pictures, or its complaint."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pictures").mkdir()
        words = [parameters.get("shell", "/bin/sh"), "-c", parameters["command"]]
        given = parameters.get("stdin", "")
        try:
            ran = subprocess.run(
                words, input=given, capture_output=True, text=True, errors="replace", cwd=folder, timeout=PATIENCE
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return printable(str(error))
        made = sorted(path.name for path in Path(folder).iterdir() if path.name != "pictures")
        return " ".join(made) or printable([*ran.stderr.splitlines(), "no file"][0])


@check(
    "05-migration/refused",
    file="refused.txt",
)
def refused(file: Path) -> Outcome:
    """The plan refuses nothing, its schedules have the instants that the comments ask for, and the backup is run once."""
    day, window = date.today(), days_in(UTC)
    wanted = [f"backup-{one}.tar.gz" for one in (day, day + timedelta(days=1))]  # should it be midnight meanwhile
    expected = f"no line is refused, each job starts when its comment says, and the backup is called {wanted[0]}"
    deployments, refusal = planned(file, UTC)
    commands = [one["parameters"] for one in deployments if "command" in one["parameters"]]
    others = [one for one in commands if one["command"] not in JOBS]
    if refusal or not others:
        return Outcome(False, expected, refusal or "no job makes a backup")
    times = {**JOBS, others[0]["command"]: EACH_NIGHT}
    lines = [Line(0, parse(fields), command, command) for command, fields in times.items()]
    for outcome in differing(paired(lines, [deployment_of(one, "") for one in deployments]), window):
        return Outcome(False, expected, first_instant(outcome, window))
    made = left_by(others[0])
    return Outcome(made in wanted, expected, f"the backup leaves this: {made}")


def limit_of(raw: dict[str, Any]) -> str:
    """The limit of a deployment, as Prefect 3.9.1 takes it from prefect.yaml."""
    limit = raw.get("concurrency_limit")
    if limit is None:
        return "no limit"
    both = limit if isinstance(limit, dict) else {"limit": limit, "collision_strategy": "ENQUEUE"}
    number, strategy = both.get("limit"), both.get("collision_strategy")
    if strategy not in ("ENQUEUE", "CANCEL_NEW"):
        return f"Prefect refuses the collision_strategy {strategy}"
    return f"limit {number} {strategy}"


@check(
    "05-migration/lock-limit",
    file="lock_limit.yaml",
)
def lock_limit(file: Path) -> Outcome:
    """Two deployments: their instants are those of the crontab, their limits do what the locks do."""
    told = [f"{command.rpartition('/')[2]}: {limit}" for command, limit in LOCKED.items()]
    expected = "; ".join(["0 instants differ", *told, "a slug for each schedule"])
    lines, _ = lines_of(CRONTABS / "locks.txt", system=False)
    try:
        pairs = paired(lines, read_deployments(file))
    except UserError as error:
        return Outcome(False, expected, str(error))
    raw = yaml.safe_load(file.read_bytes())["deployments"]
    seen = [reason(pairs, days_in(RIO))]
    for command in LOCKED:
        limits = [limit_of(one) for one in raw if f"{mapping(one.get('parameters')).get('command')}".strip() == command]
        seen.append(f"{command.rpartition('/')[2]}: {' and '.join(limits) or 'no deployment'}")
    listed = [one["schedules"] for one in raw if isinstance(one.get("schedules"), list)]
    without = sum(not mapping(row).get("slug") for rows in listed for row in rows)
    seen.append(f"schedules without a slug: {without}" if without else "a slug for each schedule")
    return Outcome.of(expected, "; ".join(seen))


def odd_night(lines: list[Line], window: Window) -> str:
    """The first night without one backup after two and one copy half an hour later, before five; or an empty text."""
    starts: dict[tuple[str, date], list[datetime]] = defaultdict(list)
    for line in lines:
        for at in window.cron(line.schedule):
            starts[line.command, at.astimezone(window.zone).date()].append(at)
    first = window.start.astimezone(window.zone).date()
    for day in (first + timedelta(days=number) for number in range(DAYS)):
        backup, copy = starts[BACKUP, day], starts[COPY, day]
        early_enough = all(2 <= at.astimezone(window.zone).hour < 5 for at in (*backup, *copy))
        if len(backup) != 1 or len(copy) != 1 or not early_enough or copy[0] - backup[0] < HALF_AN_HOUR:
            times = [" ".join(f"{at.astimezone(window.zone):%H:%M}" for at in one) or "never" for one in (backup, copy)]
            return f"{day}: backup {times[0]}, copy {times[1]}"
    return ""


@check(
    "05-migration/spring-night",
    file="spring_night.txt",
)
def spring_night(file: Path) -> Outcome:
    """The plan for the crontab is compared with it, and each night is looked at."""
    nights = f"in {DAYS} nights one backup, and one copy half an hour later or more, from two to five"
    window = days_in(BERLIN)
    deployments, refusal = planned(file, BERLIN)
    lines, _ = lines_of(file, system=False)
    differs = reason(paired(lines, [deployment_of(one, "") for one in deployments]), window)
    return Outcome.of(f"0 instants differ; {nights}", f"{refusal or differs}; {odd_night(lines, window) or nights}")


@check(
    "05-migration/autumn-hour",
    file="autumn_hour.yaml",
)
def autumn_hour(file: Path) -> Outcome:
    """The deployment's instants are those of the crontab, in the hour that comes twice too."""
    lines, _ = lines_of(CRONTABS / "berlin.txt", system=False)
    try:
        pairs = paired(lines, read_deployments(file))
    except UserError as error:
        return Outcome(False, "0 instants differ", str(error))
    return Outcome.of("0 instants differ", reason(pairs, days_in(BERLIN)))
