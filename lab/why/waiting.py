"""Why runs that are due do not start: nobody who would take them, a limit, or a slot that a dead run holds."""

import time
from collections.abc import Iterator
from typing import Any

from lab.why.cause import Cause
from lab.why.prefect import Answer, Facts, Server, ask_facts, runs

GRACE = 15  # seconds: PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS, from when on the server calls a run Late
# What may pass by itself, and for how many seconds: a worker that has just started says so, and asks its queues, some
# seconds later; a slow machine starts runs late.
PASSING = {"no worker": 30, "queue that nobody polls": 15, "unknown": 15}
SLOT = "AwaitingConcurrencySlot"
REACHED = "Deployment concurrency limit reached."  # what a run is told that CANCEL_NEW has cancelled
AGAIN = 2  # seconds after which a run without a process is looked at again: it may have ended in that moment


def is_due(run: Any) -> bool:
    """Whether a run should have started: by the clock of the server, or because it waits for a slot."""
    return run["state_name"] == SLOT or float(run["estimated_start_time_delta"]) > GRACE


def zombies(server: Server, facts: Facts, answers: list[Answer]) -> list[Any]:
    """The runs that are Running and have no process in any worker.

    A worker gives each process the id of its run, in PREFECT__FLOW_RUN_ID (prefect.runner). Runs without a pool have
    no worker either: their process is the learner's own. Where a worker cannot be asked, nothing is said.
    """
    online = {worker["name"] for of in facts.workers.values() for worker in of if worker["status"] == "ONLINE"}
    elsewhere = online - server.names if server.names is not None else set()
    if elsewhere or any(one.client.works and one.client.running and one.runs is None for one in answers):
        return []
    alive = {run for one in answers for run in one.runs or ()}
    dead = [one for one in facts.at_work if one["state_name"] == "Running" and one["work_pool_name"]]
    dead = [one for one in dead if one["id"] not in alive]
    if dead:
        time.sleep(AGAIN)
        dead = [one for one in dead if server.api(f"/flow_runs/{one['id']}")["state_name"] == "Running"]
    return dead


def zombie_runs(server: Server, facts: Facts, dead: list[Any]) -> Iterator[Cause]:
    """Each run that is Running on the server only, with the slots that it holds."""
    for run in dead:
        deployment = facts.deployments.get(run["deployment_id"] or "", {})
        limit = deployment.get("global_concurrency_limit")
        slot = f", and holds a slot of {limit['active_slots']} of {limit['limit']}" if limit else ""
        seen = f"{facts.called(run)} is Running since {run['start_time']:.19} UTC, no worker has a process of it{slot}"
        yield Cause("zombie run", seen, f"{server.command} flow-run inspect {run['id']}")


def waiting_runs(server: Server, facts: Facts, dead: list[Any], known: set[str]) -> list[Cause]:
    """What keeps the runs that are due, looked at again and again while it may pass by itself.

    `known` are causes that have been found already, and wait for nothing.
    """
    start = time.monotonic()
    while True:
        found = list(kept(server, facts, {one["id"] for one in dead}))
        patience = max((PASSING.get(cause.name, 0) for cause in found if cause.name not in known), default=0)
        if time.monotonic() - start >= patience:
            return [cause for cause in found if cause.name not in known]
        time.sleep(1)
        facts = ask_facts(server.api)


def kept(server: Server, facts: Facts, dead: set[str]) -> Iterator[Cause]:
    """The causes that keep runs, each once, with how many it keeps; "unknown" when nothing that is known does."""
    causes: dict[tuple[str, str], list[Cause]] = {}
    for run in filter(is_due, facts.waiting):
        if cause := why(server, facts, run, dead):
            causes.setdefault((cause.name, cause.show), []).append(cause)
    for same in causes.values():
        waits = f"{len(same)} run{'s are' if len(same) > 1 else ' is'} due"
        yield Cause(same[0].name, f"{same[0].seen}; {waits}", same[0].show)


def why(server: Server, facts: Facts, run: Any, dead: set[str]) -> Cause | None:
    """Why one run does not start; None when what keeps it is a cause that is found elsewhere: a pause, a zombie."""
    pool, queue = facts.pools.get(run["work_pool_id"] or ""), facts.queues.get(run["work_queue_id"] or "")
    deployment = facts.deployments.get(run["deployment_id"] or "")
    if not pool or not queue or pool["is_paused"] or queue["is_paused"]:
        return None
    at_work = [one for one in facts.at_work if one["work_pool_id"] == pool["id"]]
    if dead & {one["id"] for one in at_work}:
        return None
    return (
        no_worker(server, facts, pool)
        or (deployment_limit(server, facts, deployment, run) if deployment else None)
        or pool_limit(server, pool)
        or queue_limit(server, queue)
        or unpolled_queue(server, queue)
        or worker_limit(server, at_work)
        or unknown(server, facts, run)
    )


def no_worker(server: Server, facts: Facts, pool: Any) -> Cause | None:
    """No worker of the pool is ONLINE: three heartbeats of each have not come (prefect.server.models.workers)."""
    workers = facts.workers[pool["id"]]
    if any(one["status"] == "ONLINE" for one in workers):
        return None
    last = max((one["last_heartbeat_time"] for one in workers), default="")
    heard = f"the last heartbeat of one came at {last:.19} UTC" if last else "none has ever been there"
    show = f"{server.command} work-pool inspect {pool['name']}"
    return Cause("no worker", f"no worker of the pool {pool['name']} is online, {heard}", show)


def deployment_limit(server: Server, facts: Facts, deployment: Any, run: Any) -> Cause | None:
    """The run waits for a slot of its deployment, or the limit is 0: SecureFlowConcurrencySlots of Prefect's core_policy."""
    limit = deployment["global_concurrency_limit"]
    if not limit or (run["state_name"] != SLOT and limit["limit"] > 0):
        return None
    holders = [one["name"] for one in facts.at_work if one["deployment_id"] == deployment["id"]]
    held = f", held by {', '.join(holders)}" if holders else ""
    seen = f"{deployment['called']} may have {limit['limit']} at a time, {limit['active_slots']} slots are taken{held}"
    return Cause("deployment limit", seen, f"{server.command} deployment inspect {deployment['called']}")


def cancelled_by_limit(server: Server, facts: Facts, dead: list[Any]) -> Iterator[Cause]:
    """Deployments of which the limit cancels one run after the other, while one that started before them is at work.

    One that is cancelled is what the limit is for.
    """
    cancelled = runs(server.api, "CANCELLED", "END_TIME_DESC")
    for one in facts.at_work:
        deployment = facts.deployments.get(one["deployment_id"] or "")
        if not deployment or not one["start_time"] or one in dead:
            continue
        refused = [
            run for run in cancelled
            if run["deployment_id"] == deployment["id"]
            and run["state"]["message"] == REACHED
            and run["end_time"] > one["start_time"]
        ]  # fmt: skip
        if len(refused) > 1:
            since = f"since {one['start_time']:.19} UTC {one['name']} is at work"
            seen = f"{deployment['called']}: {since}, {len(refused)} runs that came after it were cancelled: {REACHED}"
            yield Cause("deployment limit", seen, f"{server.command} deployment inspect {deployment['called']}")


def pool_limit(server: Server, pool: Any) -> Cause | None:
    """As many runs as the pool's limit are Running or Pending: get-runs-from-worker-queues.sql.jinja counts so."""
    limit, taken = pool["concurrency_limit"], pool["active_slots"] or 0
    if limit is None or taken < limit:
        return None
    seen = f"the pool {pool['name']} may have {limit} at a time, {taken} slots are taken"
    return Cause("pool limit", seen, f"{server.command} work-pool inspect {pool['name']}")


def queue_limit(server: Server, queue: Any) -> Cause | None:
    """As many runs as the queue's limit are Running or Pending, counted as for the pool."""
    limit, taken = queue["concurrency_limit"], queue["active_slots"] or 0
    if limit is None or taken < limit:
        return None
    seen = f"the queue {queue['name']} may have {limit} at a time, {taken} slots are taken"
    show = f"{server.command} work-queue inspect {queue['name']} --pool {queue['work_pool_name']}"
    return Cause("queue limit", seen, show)


def unpolled_queue(server: Server, queue: Any) -> Cause | None:
    """No worker asks the queue: its last poll is over a minute ago, and so it is NOT_READY (models/work_queues.py)."""
    if queue["status"] != "NOT_READY":
        return None
    last = f"was last asked at {queue['last_polled']:.19} UTC" if queue["last_polled"] else "has never been asked"
    seen = f"the workers of the pool {queue['work_pool_name']} do not ask the queue {queue['name']}, which {last}"
    show = f"{server.command} work-queue inspect {queue['name']} --pool {queue['work_pool_name']}"
    return Cause("queue that nobody polls", seen, show)


def worker_limit(server: Server, at_work: list[Any]) -> Cause | None:
    """As many runs are at work as all workers together may have, by their `--limit`."""
    workers = [client for client in server.clients if client.works and client.running]
    limits = [client.limit for client in workers if client.limit is not None]
    if not limits or len(limits) < len(workers) or len(at_work) < sum(limits):
        return None
    seen = f"runs at work: {len(at_work)}; the workers take {sum(limits)} at most (--limit)"
    return Cause("worker limit", seen, f"{server.command} flow-run ls --state Running")


def unknown(server: Server, facts: Facts, run: Any) -> Cause:
    """Nothing that is known keeps the run."""
    late = f"{run['estimated_start_time_delta']:.0f} s"
    seen = f"{facts.called(run)} is {run['state_name']}, {late} after its time, and nothing known keeps it"
    return Cause("unknown", seen, f"{server.command} flow-run inspect {run['id']}")


def pending(server: Server, tag: str, dead: list[Any]) -> list[Any]:
    """The tasks with a tag that are Pending, in runs that are Running and not `dead`."""
    tasks = {"tags": {"all_": [tag]}, "state": {"type": {"any_": ["PENDING"]}}}
    of = {"state": {"type": {"any_": ["RUNNING"]}}}
    found = server.api("/task_runs/filter", {"task_runs": tasks, "flow_runs": of, "limit": 200})
    return [task for task in found if task["flow_run_id"] not in {run["id"] for run in dead}]


def tag_limits(server: Server, dead: list[Any]) -> Iterator[Cause]:
    """Tasks that wait for a slot of a tag.

    A task that has a tag takes a slot of the global limit `tag:NAME` before it is Running, and is Pending until then
    (prefect.task_engine). So one that has just got its slot is Pending too: what is found is looked at again.
    """
    for limit in server.api("/v2/concurrency_limits/filter", {"limit": 200}):
        name = limit["name"].removeprefix("tag:")
        if name == limit["name"] or not limit["active"] or limit["active_slots"] < limit["limit"]:
            continue
        if not pending(server, name, dead):
            continue
        time.sleep(AGAIN)
        if waiting := pending(server, name, dead):
            taken = f"{limit['active_slots']:.0f} of {limit['limit']} slots of the tag {name} are taken"
            count = f"{len(waiting)} task{'s' * (len(waiting) > 1)} with it wait{'s' * (len(waiting) == 1)}"
            seen = f"{taken}, {count}: {', '.join(sorted({task['name'] for task in waiting}))}"
            yield Cause("tag limit", seen, f"{server.command} concurrency-limit inspect {name}")
