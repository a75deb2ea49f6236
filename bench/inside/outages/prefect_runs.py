"""Real Prefect through outages: `python -m bench.inside.outages.prefect_runs BATCH`, the batch and the answer as JSON.

A batch is a server, which this program starts, and deployments, each with a work pool and a worker of its own. The
workers are Prefect's, in this one process; the runs are coroutines in it, where a process pool would start processes.
libfaketime gives all of them a clock that this program sets: it shows the next moment at which a run is due, an outage
begins or ends, or a run has been at work for long enough, as soon as all is done that was due before. So hours take
seconds, and what the scheduler plans ahead is Prefect's default. Other than by default, no slot is taken from a run
whose lease the clock has jumped over, and of the server's services only the scheduler runs: this program calls it once
after each step of the clock. Times are in minutes after the batch has begun.
"""

import asyncio
import json
import os
import runpy
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import prefect.concurrency._leases as leases
from prefect import flow, runtime
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.flow_engine import run_flow_async
from prefect.server.services.scheduler import schedule_deployments
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Completed, Running, State
from prefect.utilities.engine import propose_state
from prefect.workers.base import BaseJobConfiguration, BaseWorker, BaseWorkerResult

GATE, GUARD = (runpy.run_path(f"/policies/{name}.py") for name in ("gate", "guard"))
CLOCK = Path("/tmp/clock")  # what libfaketime adds to the time, in seconds
BEGUN = datetime(2027, 3, 1, tzinfo=UTC)
PATIENCE = 240  # seconds, for what is sure to come
COLLISION = {"prefect-cancel-new": "CANCEL_NEW", "prefect-enqueue": "ENQUEUE"}
KEEP = {"prefect-gate-none": 0, "prefect-gate-newest": 1}
ENDED = ("Completed", "Skipped", "Cancelled")

leases._RENEWAL_FRACTION = 10**6  # the clock jumps, so there is no time to renew a lease in; nor does one expire here


def now() -> float:
    """What the clock shows."""
    return (datetime.now(UTC) - BEGUN).total_seconds() / 60


def set_clock(minute: float) -> None:
    """Let the clock show that minute, unless it is later already. The file has the same length always: others read it."""
    if minute > now():
        offset = float(CLOCK.read_text()) + (minute - now()) * 60
        with CLOCK.open("r+b", buffering=0) as file:
            file.write(f"{offset:+020.3f}\n".encode())


async def sure(what: str, come: Any) -> None:
    """Wait until `come()` is true. Ends the program when that takes longer than PATIENCE, in real seconds."""
    deadline = time.monotonic() + PATIENCE
    while not await come():
        if time.monotonic() > deadline:
            raise SystemExit(f"after {PATIENCE} s at minute {now():.1f}: {what}")
        await asyncio.sleep(0.2)


running: dict[str, float | None] = {}  # id of a run → the minute in which it is to end, None as long as it starts


@flow
async def guarded(minutes: float, not_older: float) -> State | None:
    """Begin with the guard: a run that is older than `not_older` minutes skips itself."""
    if skipped := GUARD["skip_older"](timedelta(minutes=not_older)):
        return skipped
    await work(str(runtime.flow_run.id), minutes)
    return None


async def work(run: str, minutes: float) -> None:
    """Be at work for so many minutes of the clock."""
    running[run] = end = now() + minutes
    while now() < end:
        await asyncio.sleep(0.1)


class Result(BaseWorkerResult):
    """How a run ended."""


class Worker(BaseWorker[BaseJobConfiguration, Any, Result]):
    """Prefect's worker. It has no infrastructure to start, and tells the server none of what it would know about it."""

    type = "coroutine"
    job_configuration = BaseJobConfiguration

    async def sync_with_backend(self) -> None:
        """Tell the server by a call that it is there, and not over a web socket, which costs more than all runs."""
        self._ensure_worker_channel()
        await self._worker_channel.sync(None)
        await self._initialize_after_sync()

    async def _submit_run(self, flow_run: FlowRun) -> None:
        """Ask the server whether the run may start, as Prefect's own method does, and start it."""
        if await self._propose_pending_state(flow_run):
            running[str(flow_run.id)] = None
            self._runs_task_group.start_soon(self.execute, flow_run)
        self._submitting_flow_run_ids.remove(flow_run.id)

    async def execute(self, flow_run: FlowRun) -> None:
        """Bring the run to its end. Only a flow with a guard needs Prefect's engine, which tells it what run it is."""
        parameters = flow_run.parameters
        if "not_older" in parameters:
            await run_flow_async(guarded, flow_run=flow_run, parameters=parameters, return_type="state")
        else:
            await propose_state(self.client, Running(), flow_run_id=flow_run.id)
            await work(str(flow_run.id), parameters["minutes"])
            await propose_state(self.client, Completed(), flow_run_id=flow_run.id)
        del running[str(flow_run.id)]

    async def run(self, flow_run: FlowRun, configuration: BaseJobConfiguration, task_status: Any = None) -> Result:
        """Prefect wants it; nothing here calls it."""
        raise NotImplementedError


class Server:
    """Prefect's server, on the database that the environment names."""

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        with Path("/tmp/server.log").open("a") as log:
            command = ("prefect", "server", "start", "--no-services")
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        await sure("the server does not answer", self.answers)

    async def answers(self) -> bool:
        """Whether it answers."""
        try:
            await asyncio.to_thread(lambda: urllib.request.urlopen(f"{os.environ['PREFECT_API_URL']}/ready").close())
        except OSError:
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, and all that it has started."""
        os.killpg(self.process.pid, number)


class Deployment:
    """A deployment of the batch, with its worker."""

    def __init__(self, case: dict[str, Any]) -> None:
        """`due` are the times of its schedule that count."""
        self.case, self.name, self.off, self.on = case, case["name"], case["off"], case["on"]
        self.due = [case["first"] + number * case["step"] for number in range(case["count"])]
        self.polls = {float(at) for at in (*(due for due in self.due if not self.off <= due < self.on), self.on)}
        self.filter = DeploymentFilter(name=DeploymentFilterName(any_=[self.name]))
        self.queues = case["policy"] == "prefect-enqueue"

    async def create(self, client: PrefectClient, flow_id: UUID) -> Worker:
        """Make it known to the server, without a schedule; returns its worker."""
        template = Worker.get_default_base_job_template()
        await client.create_work_pool(WorkPoolCreate(name=self.name, type=Worker.type, base_job_template=template))
        collision = COLLISION.get(self.case["policy"])
        self.id = await client.create_deployment(
            flow_id,
            self.name,
            work_pool_name=self.name,
            parameters={"minutes": self.case["length"]}
            | {key: self.case[key] for key in ("not_older",) if key in self.case},
            concurrency_limit=1 if collision else None,
            concurrency_options={"collision_strategy": collision} if collision else None,
        )
        self.worker = Worker(work_pool_name=self.name)
        return self.worker

    async def schedule(self, client: PrefectClient) -> None:
        """Give it its schedule."""
        await client.create_deployment_schedules(
            self.id, [(CronSchedule(cron=self.case["cron"], timezone="UTC"), True)]
        )

    async def forget(self, client: PrefectClient) -> None:
        """Delete what has been planned for before the first time that counts."""
        for run in await client.read_flow_runs(deployment_filter=self.filter):
            if (planned(run) - BEGUN).total_seconds() / 60 < self.due[0]:
                await client.delete_flow_run(run.id)

    async def poll(self, client: PrefectClient) -> None:
        """Let the worker ask for runs; when the outage is over, the gate goes before it."""
        keep = KEEP.get(self.case["policy"])
        if keep is not None and self.on in self.polls and now() >= self.on:
            with get_client(sync_client=True) as gate_client:
                await asyncio.to_thread(GATE["skip_missed"], gate_client, f"collect/{self.name}", keep)
        self.polls = {at for at in self.polls if at > now()}
        await self.worker.get_and_submit_flow_runs()
        if self.queues and now() >= self.on and not all(run["state"] in ENDED for run in await self.runs(client)):
            self.polls.add(now() // 5 * 5 + 8)  # between the minutes in which runs are due

    async def runs(self, client: PrefectClient) -> list[dict[str, Any]]:
        """Every run that the server has for the times that count, in their order."""
        found = await client.read_flow_runs(
            deployment_filter=self.filter,
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        )
        runs = []
        for run in found:
            due = (planned(run) - BEGUN).total_seconds() / 60
            if self.due[0] <= due <= self.due[-1]:
                start, end = (
                    at and round((at - BEGUN).total_seconds() / 60, 1) for at in (run.start_time, run.end_time)
                )
                runs.append({"due": round(due), "state": run.state_name, "start": start, "end": end})
        return sorted(runs, key=lambda run: run["due"])


def planned(run: FlowRun) -> datetime:
    """For when the schedule planned a run: one that waits for a slot has another time to start next."""
    return datetime.fromisoformat((run.idempotency_key or "").split(" ", 3)[3])


class Batch:
    """The deployments of a batch, and the one clock of all."""

    def __init__(self, batch: dict[str, Any], client: PrefectClient, server: Server) -> None:
        """`down` is what is away during an outage."""
        self.down, self.client, self.server = batch["down"], client, server
        self.deployments = [Deployment(case) for case in batch["cases"]]
        self.common = batch["cases"][0] if self.down != "worker" else {"off": 10**9, "on": 10**9}

    async def is_settled(self) -> bool:
        """Whether everything that the workers have taken is at work, and nothing is that should have ended."""
        taken = any(one.worker._submitting_flow_run_ids for one in self.deployments)
        return not taken and all(end and end > now() for end in running.values())

    async def live(self) -> None:
        """Go from moment to moment, until every run has ended."""
        while True:
            ends = [end + 0.02 for end in running.values() if end]
            moments = [at for one in self.deployments for at in one.polls] + ends + [self.common["off"]]
            if (moment := min(moments)) == 10**9:
                return
            set_clock(moment)
            if now() >= self.common["off"]:
                await self.outage()
            await schedule_deployments()
            asking = [one for one in self.deployments if one.polls and min(one.polls) <= now()]
            await asyncio.gather(*(one.poll(self.client) for one in asking))
            await sure(f"something does not start or end: {running}", self.is_settled)

    async def outage(self) -> None:
        """Let the server go away as the clock shows `off`, and come back at `on`."""
        await schedule_deployments()
        self.server.send(signal.SIGKILL if self.down == "machine" else signal.SIGSTOP)
        set_clock(self.common["on"])
        if self.down == "machine":
            await self.server.start()
        else:
            self.server.send(signal.SIGCONT)
        self.common = {"off": 10**9, "on": 10**9}


async def through(batch: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The runs of every case of the batch."""
    set_clock(-1000)
    server = Server()
    try:
        await server.start()
        async with get_client() as client, AsyncExitStack() as stack:
            all_of_it = Batch(batch, client, server)
            flow_id = await client.create_flow_from_name("collect")
            for one in all_of_it.deployments:
                await stack.enter_async_context(await one.create(client, flow_id))
            set_clock(0)
            for one in all_of_it.deployments:
                await one.schedule(client)
            await schedule_deployments()
            for one in all_of_it.deployments:
                await one.forget(client)
            if now() > 8:
                raise SystemExit("eight minutes are not enough to schedule the deployments: this machine is too busy")
            await all_of_it.live()
            return [await one.runs(client) for one in all_of_it.deployments]
    finally:
        server.send(signal.SIGKILL)


if __name__ == "__main__":
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        print(json.dumps(asyncio.run(through(json.loads(sys.argv[1])))))
