"""`lab migrate status, shadow, cutover, rollback`: move one job after the other from cron to Prefect."""

import difflib
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from engine.core import UserError
from engine.web import PrefectApi
from lab.console import judged, plural, show
from lab.migrate.move import Ends, Move, agreeing

Jobs = Annotated[list[str], typer.Argument(metavar="JOB...", help="Names of jobs, as status lists them.")]
PlanFolder = Annotated[Path, typer.Option("--plan", help="The folder of the plan.")]
MOVED = Path("moved")
PATIENCE = 60  # seconds until Prefect has planned


def status(
    job: Annotated[str | None, typer.Argument(help="One job: in what its last two runs differ.")] = None,
    plan: PlanFolder = MOVED,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say where each job stands, and whether cron and its shadow agree. Exit code 1 when the last runs differ."""
    move = Move(plan)
    jobs = {name: move.state(name) for name in ([job] if job else move.files)}
    ends = move.ends()
    if as_json:
        rows = {
            name: told | {"compared": len(ends[name]), "agreeing": agreeing(ends[name])} for name, told in jobs.items()
        }
        typer.echo(json.dumps(rows, indent=1))
    elif job:
        typer.echo("\n".join(difference(ends[job], jobs[job]["state"])))
    else:
        header = ["Job", "State", "Since (UTC)", "Agreeing", "Last compared"]
        show(header, [row(name, jobs[name], ends[name]) for name in jobs])
    shadows = [name for name in jobs if jobs[name]["state"] == "shadow"]
    judged(all(ends[name][-1].agree for name in shadows if ends[name]))


def row(name: str, told: dict[str, str], ends: list[Ends]) -> list[str]:
    """A job as a row of the table."""
    agree = f"{agreeing(ends)} of {len(ends)}" if ends else ""
    return [
        name,
        told["state"],
        told["since"].replace("T", " "),
        agree,
        ends[-1].instant.replace("T", " ") if ends else "",
    ]


def difference(ends: list[Ends], state: str) -> list[str]:
    """What the last instant of a job showed on both sides."""
    if not ends:
        return [f"{state}: nothing has been compared yet"]
    last = ends[-1]
    if last.agree:
        return [f"{state}: equal at {last.instant}, and so {agreeing(ends)} of {len(ends)} times in a row"]
    cron, shadow = (shown(*last.by_side[side]) for side in ("cron", "shadow"))
    return [
        f"{state}: differs at {last.instant}",
        *difflib.unified_diff(cron, shadow, "cron", "shadow", n=1, lineterm=""),
    ]


def shown(well: bool, seen: str) -> list[str]:
    """How a run ended, as lines."""
    return [f"ended {'well' if well else 'with a failure'}", *seen.splitlines()]


def shadow(jobs: Jobs, plan: PlanFolder = MOVED) -> None:
    """Let Prefect run jobs too, in the shadow world; cron goes on, and the ledger compares."""
    move = Move(plan)
    if moved := [job for job in jobs if move.state(job)["state"] == "moved"]:
        raise UserError(f"{', '.join(moved)}: moved already: lab migrate rollback {' '.join(moved)} first")
    for job in jobs:
        move.throw(job, "shadow")
    move.deploy("shadow.yaml", [f"{job}-shadow" for job in jobs])
    typer.echo(f"{', '.join(jobs)}: cron and a shadow run from now on; lab migrate status compares")


def cutover(
    jobs: Jobs,
    plan: PlanFolder = MOVED,
    force: Annotated[bool, typer.Option("--force", help="Even if no shadow agreed.")] = False,
) -> None:
    """Give jobs to Prefect, from the next instant on that it has planned. Killed half-way, it can be run again."""
    move = Move(plan)
    states = {job: move.state(job)["state"] for job in jobs}
    waiting = [job for job in jobs if states[job] != "moved"]
    if waiting and not force:
        refuse_unseen(move, waiting, states)
    api = move.api()
    if waiting:
        move.deploy("prefect.yaml", waiting)
    for job in waiting:
        since = first_planned(move, api, job)
        move.throw(job, "moved", since)
        typer.echo(f"{job}: Prefect's from {since.replace('T', ' ')} UTC on")
    for job in jobs:
        move.unschedule(api, f"{job}-shadow")
        if job not in waiting:
            typer.echo(f"{job}: moved already")


def refuse_unseen(move: Move, jobs: list[str], states: dict[str, str]) -> None:
    """Raise UserError when a job has not been seen to agree."""
    if unseen := [job for job in jobs if states[job] == "legacy"]:
        raise UserError(f"{', '.join(unseen)}: no shadow has run: lab migrate shadow {' '.join(unseen)}")
    ends = move.ends()
    for job in jobs:
        if not ends[job]:
            raise UserError(f"{job}: nothing has been compared yet: lab migrate status, or cutover --force")
        if not ends[job][-1].agree:
            raise UserError(f"{job}: cron and its shadow differ: lab migrate status {job}, or cutover --force")


def first_planned(move: Move, api: PrefectApi, job: str) -> str:
    """The first instant from which on Prefect has planned all. Raises UserError when it plans nothing."""
    deadline = time.monotonic() + PATIENCE
    while not (runs := move.planned(api, job)):
        if time.monotonic() > deadline:
            raise UserError(f"{job}: Prefect has planned nothing for a minute, and nothing is moved: lab why")
        time.sleep(0.5)
    return f"{datetime.fromisoformat(runs[0]['expected_start_time']):%Y-%m-%dT%H:%M}"


def rollback(
    jobs: Jobs,
    plan: PlanFolder = MOVED,
    wait: Annotated[int, typer.Option(min=0, help="Seconds to wait for runs of Prefect that are due.")] = 300,
) -> None:
    """Give jobs back to cron at once. What Prefect has begun it ends; then its schedules are removed."""
    move = Move(plan)
    for job in jobs:
        move.state(job)  # all names are known, or nothing is done
    for job in jobs:
        move.throw(job, "legacy")
    api, deadline = move.api(), time.monotonic() + wait
    for job in jobs:
        while why := at_work(move, api, job):
            if time.monotonic() > deadline:
                raise UserError(f"{job} is cron's again, but {why}: when that is settled, lab migrate rollback {job}")
            time.sleep(0.5)
        for name in (job, f"{job}-shadow"):
            move.unschedule(api, name)
        typer.echo(f"{job}: cron's again, Prefect plans nothing more")


def at_work(move: Move, api: PrefectApi, job: str) -> str:
    """Why the schedules of a job cannot be removed yet: runs of instants that are Prefect's, or a server that is busy."""
    try:
        runs = move.due(api, job)
    except UserError as error:
        return str(error)
    if not runs:
        return ""
    return f"Prefect has yet to end {plural(len(runs), 'run')} ({runs[0]['name']}, {runs[0]['state_name']})"
