"""The part of `make bench-prefect` that talks to the server: `python -m bench.inside.overhead.probe burst 30`.

The answer is one line of JSON on standard output.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from urllib.request import urlopen

POOL, DEPLOYMENT = "lab", "empty/bench"


def ready() -> float:
    """Wait for the server; return the time of its first answer that it is ready, in seconds since 1970."""
    for _ in range(2400):
        try:
            urlopen("http://server:4200/api/ready", timeout=2)
            return time.time()
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server is not ready after two minutes")


def overhead(flows: int, tasks: int) -> dict[str, float]:
    """Seconds for the import of Prefect, for a warm empty flow, and for a task, against a server."""
    start = time.perf_counter()
    from bench.inside.overhead import empty_flows

    took = {"import": time.perf_counter() - start}

    def call(flow: Any) -> float:
        begin = time.perf_counter()
        state = flow(return_state=True)
        if asyncio.iscoroutine(state):
            asyncio.run(state)
        return time.perf_counter() - begin

    took["first flow"] = call(empty_flows.empty)
    took["flow"] = median(call(empty_flows.empty) for _ in range(flows))
    call(empty_flows.empty_async)
    took["async flow"] = median(call(empty_flows.empty_async) for _ in range(flows))
    all_ways = [empty_flows.tasks(tasks) for _ in range(3)]
    return took | {f"task, {way}": median(one[way] for one in all_ways) for way in all_ways[0]}


async def runs_of(client: Any, ids: list[Any]) -> list[Any]:
    """Those flow runs as the server knows them now."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    chosen = FlowRunFilter(id=FlowRunFilterId(any_=ids))
    runs: list[Any] = await client.read_flow_runs(flow_run_filter=chosen, limit=200)
    return runs


async def all_ended(client: Any, ids: list[Any], seconds: float) -> list[Any]:
    """Wait until all those runs have ended. Ends the program when one has failed, or when time is up."""
    for _ in range(int(seconds / 0.5)):
        runs = await runs_of(client, ids)
        if bad := [run for run in runs if run.state.is_final() and not run.state.is_completed()]:
            raise SystemExit(f"a run of the empty flow ended as {bad[0].state.name}: {bad[0].state.message}")
        if all(run.state.is_completed() for run in runs):
            return runs
        await asyncio.sleep(0.5)
    raise SystemExit(f"the runs have not ended after {seconds:.0f} s; is a worker there?")


async def burst(count: int) -> dict[str, float]:
    """Ask for so many runs at once; runs a minute, from the first request to the end of the last run."""
    from prefect import get_client

    async with get_client() as client:
        deployment = await client.read_deployment_by_name(DEPLOYMENT)
        start = datetime.now(UTC)
        ids = [(await client.create_flow_run_from_deployment(deployment.id)).id for _ in range(count)]
        runs = await all_ended(client, ids, 60 + 20 * count)
        seconds = (max(run.end_time for run in runs) - start).total_seconds()
        return {"runs": count, "seconds": seconds, "per_minute": count / seconds * 60}


async def latency(count: int, ahead: int) -> list[float]:
    """Seconds from the time that a run is scheduled for to its start.

    One after the other if `ahead` is 0, so that each is asked for now; else all in advance, the first `ahead` seconds.
    """
    from prefect import get_client
    from prefect.states import Scheduled

    apart = 8 if ahead else 0  # seconds; a run takes less, also on a slow machine
    async with get_client() as client:
        deployment = await client.read_deployment_by_name(DEPLOYMENT)
        start, runs = datetime.now(UTC), []
        for turn in range(count):
            at = start + timedelta(seconds=ahead + turn * apart) if ahead else datetime.now(UTC)
            state = Scheduled(scheduled_time=at)
            runs.append(await client.create_flow_run_from_deployment(deployment.id, state=state))
            if not ahead:
                await all_ended(client, [runs[-1].id], 120)
        ended = await all_ended(client, [run.id for run in runs], 120 + ahead + count * apart)
        return [(run.start_time - run.expected_start_time).total_seconds() for run in ended]


def main(question: str, *counts: int) -> Any:
    """The answer to one of the four questions."""
    match question:
        case "ready":
            return ready()
        case "overhead":
            return overhead(*counts)
        case "burst":
            return asyncio.run(burst(*counts))
        case "latency":
            return asyncio.run(latency(*counts))
    raise SystemExit(f"no question {question}: ready, overhead, burst, latency")


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], *map(int, sys.argv[2:]))))
