"""Why runs are not even planned: nothing is deployed, something is paused, the scheduler is silent, a file is gone."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from lab.why.cause import Cause
from lab.why.prefect import Answer, Facts, Server

STEP = "prefect.deployments.steps.set_working_directory"
# The scheduler looks at every deployment once a minute (PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS), at one that has
# just changed within 5 seconds, if it is not busy. So one that is young may have no runs for a minute.
YOUNG = timedelta(seconds=120)
PATIENCE, WITH_YOUNG = 10, 75  # seconds


def nothing_deployed(server: Server, facts: Facts) -> Iterator[Cause]:
    """Without a deployment nothing is planned, whatever else runs."""
    if not facts.deployments:
        yield Cause("nothing deployed", "the server knows no deployment", f"{server.command} deployment ls")


def paused(server: Server, facts: Facts) -> Iterator[Cause]:
    """Pools, queues, deployments and schedules that are paused.

    The API: `is_paused` of pool and queue, `paused` of a deployment, `active` of each of its schedules. A deployment
    without a schedule is started by a person, and a pause keeps nothing from running.
    """
    used = {(one["work_pool_name"], one["work_queue_name"]) for one in facts.deployments.values()}
    for pool in facts.pools.values():
        if pool["is_paused"] and pool["name"] in {name for name, _ in used}:
            show = f"{server.command} work-pool inspect {pool['name']}"
            yield Cause("paused pool", f"the pool {pool['name']} is paused: no worker gets a run from it", show)
    for queue in facts.queues.values():
        if queue["is_paused"] and (queue["work_pool_name"], queue["name"]) in used:
            where = f"{queue['name']} of the pool {queue['work_pool_name']}"
            show = f"{server.command} work-queue inspect {queue['name']} --pool {queue['work_pool_name']}"
            yield Cause("paused queue", f"the queue {where} is paused: no worker gets a run from it", show)
    for one in facts.deployments.values():
        if one["paused"] and one["schedules"]:
            show = f"{server.command} deployment inspect {one['called']}"
            yield Cause("paused deployment", f"{one['called']} is paused: its schedule plans no runs", show)
        elif off := [schedule for schedule in one["schedules"] if not schedule["active"]]:
            show = f"{server.command} deployment schedule ls {one['called']}"
            seen = f"{len(off)} of {len(one['schedules'])} schedules of {one['called']} not active: it plans no runs"
            yield Cause("paused schedule", seen, show)


def no_scheduled_runs(server: Server, facts: Facts) -> Iterator[Cause]:
    """Deployments that have an active schedule and not one planned run.

    The scheduler keeps at least three runs of each schedule ahead (PREFECT_SERVER_SERVICES_SCHEDULER_MIN_RUNS).
    """
    wanted = [one for one in facts.deployments.values() if not one["paused"] and has_active_schedule(one)]
    start = time.monotonic()
    while empty := [one for one in wanted if not is_planned(server, one)]:
        if time.monotonic() - start > (WITH_YOUNG if any(map(is_young, empty)) else PATIENCE):
            names = ", ".join(one["called"] for one in empty)
            seen = f"the schedule is active, and the scheduler has planned no run, of {names}; its log has the reason"
            yield Cause("no scheduled runs", seen, server.show)
            return
        time.sleep(1)


def is_young(deployment: Any) -> bool:
    """Whether it was made or changed a moment ago."""
    return datetime.now(UTC) - datetime.fromisoformat(deployment["updated"]) < YOUNG


def has_active_schedule(deployment: Any) -> bool:
    """Whether a schedule of it is active."""
    return any(schedule["active"] for schedule in deployment["schedules"])


def is_planned(server: Server, deployment: Any) -> bool:
    """Whether a run of it is planned, or due."""
    state = {"type": {"any_": ["SCHEDULED"]}}
    wanted = {"deployments": {"id": {"any_": [deployment["id"]]}}, "flow_runs": {"state": state}}
    return bool(server.api("/flow_runs/count", wanted))


def files_of(facts: Facts) -> dict[str, list[str]]:
    """The files of flows, as workers look for them → the deployments that name them.

    Only those whose folder is written in the deployment: a pull step such as a git clone brings its own.
    """
    found: dict[str, list[str]] = {}
    for one in facts.deployments.values():
        steps = one["pull_steps"] or []
        folder = next((step[STEP]["directory"] for step in steps if STEP in step), one["path"] if not steps else None)
        if folder and one["entrypoint"] and ":" in one["entrypoint"]:
            file = PurePosixPath(folder, one["entrypoint"].rpartition(":")[0])
            found.setdefault(str(file), []).append(one["called"])
    return found


def flow_file_missing(server: Server, facts: Facts, answers: list[Answer]) -> Iterator[Cause]:
    """Deployments whose file no worker finds; without a worker that can be asked nobody knows."""
    asked = [one.missing for one in answers if one.client.works and one.missing is not None]
    missing = set.intersection(*asked) if asked else set()
    for file, deployments in files_of(facts).items():
        if file in missing:
            seen = f"no worker finds {file}, the file of {', '.join(deployments)}"
            yield Cause("flow file missing", seen, f"{server.command} deployment inspect {deployments[0]}")
