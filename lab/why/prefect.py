"""What a Prefect server and its workers say: whether they can be reached, and the facts from which causes are told."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.containers import Container
from engine.core import UserError
from engine.docker import ask, logs
from engine.web import PrefectApi
from lab.why.cause import Cause

INSIDE = Path(__file__).with_name("inside_worker.py").read_text(encoding="utf-8")
BUSY = 15  # seconds for which a busy server may fail to answer, or say that its database does not
MOST = 200  # what the API gives at a time: its default page size
# How the log of a worker or a deployer says that it was refused, or found nobody (Prefect 3.9.1).
REFUSED, NOBODY = (
    "401 Unauthorized",
    ("Unable to reach the Prefect API", "Failed to reach API", "connection attempts failed"),
)


@dataclass(frozen=True)
class Client:
    """A worker, or what deploys: something that asks the API by settings of its own.

    `works` says that it is a worker, `running` that it has a process. `ask` runs INSIDE where it runs, with files as
    words, and returns what that prints; None when it cannot be run.
    `log` returns the end of its log, `show` is the command for it.
    """

    name: str
    url: str
    works: bool
    running: bool
    ask: Callable[..., str | None]
    log: Callable[[], str]
    show: str
    limit: int | None = None


@dataclass(frozen=True)
class Answer:
    """What a client has seen from where it runs.

    `status` is that of the API, 0 when nobody answers, None when that is not known, and `said` what it said. `runs` have
    a process there, `missing` are files that are not there; both are None when the client could not be asked.
    """

    client: Client
    status: int | None
    said: str
    runs: set[str] | None = None
    missing: set[str] | None = None


@dataclass(frozen=True)
class Server:
    """A Prefect server: its API, the command with which the learner asks it, and its clients.

    `names` are those of its workers here, where others may have workers elsewhere; None: all of them are clients.
    """

    api: PrefectApi
    address: str
    command: str
    show: str
    clients: tuple[Client, ...]
    names: frozenset[str] | None = None

    def unreachable(self) -> Iterator[Cause]:
        """Why the server cannot be asked.

        `/health` answers while the process lives, `/ready` when its database answers too (prefect.server.api.server).
        """
        try:
            self.api("/health")
        except UserError as reason:
            yield Cause("no server", str(reason), self.show)
            return
        deadline = time.monotonic() + BUSY
        while why := self.not_ready():
            if time.monotonic() > deadline:
                seen = f"the server answers, and its own database does not: {why}"
                yield Cause("database away", seen, self.show)
                return
            time.sleep(1)

    def not_ready(self) -> str:
        """Why the server has no database, "" when it has."""
        try:
            self.api("/ready")
        except UserError as reason:
            return str(reason)
        return ""


def answer_of(client: Client, files: list[str]) -> Answer:
    """What a client says: asked where it runs, with its own settings; its log, where it does not run."""
    if printed := client.ask(INSIDE, *files):
        said = json.loads(printed)
        status, reason = said["api"]
        # An answer that takes too long on a busy machine says nothing about address and password.
        return Answer(client, None if "timed out" in reason else status, reason, {*said["runs"]}, {*said["missing"]})
    log = " ".join(client.log().split())
    if REFUSED in log:
        return Answer(client, 401, f"its log says {REFUSED}")
    found = next((words for words in NOBODY if words in log), "")
    return Answer(client, 0 if found else None, f"its log says {found}")


def refused(answers: list[Answer]) -> Iterator[Cause]:
    """Clients that find no API at their address, or whose password it refuses.

    `/admin/version` answers with the version in quotes, to those with the password. The pages of the server answer to any
    path outside of /api, with HTML.
    """
    for answer in answers:
        client = answer.client
        if answer.status == 401:
            yield Cause("wrong API password", f"{client.name} is refused by {client.url}: {answer.said}", client.show)
        elif answer.status not in (None, 200) or (answer.status == 200 and not answer.said.startswith('"')):
            seen = f"{client.name} finds no API at {client.url or 'no address at all'}: {answer.said}"
            yield Cause("wrong API address", seen, client.show)


@dataclass(frozen=True)
class Facts:
    """What the API says at one moment.

    `pools` and `queues` are by id, `deployments` by id too, each with its whole name, flow/deployment, under "called".
    `waiting` are the runs that are due or wait for a slot, the oldest first; `at_work` those that hold slots.
    """

    pools: dict[str, Any]
    queues: dict[str, Any]
    workers: dict[str, list[Any]]
    deployments: dict[str, Any]
    waiting: list[Any]
    at_work: list[Any]

    def called(self, run: Any) -> str:
        """A run as a message names it."""
        deployment = self.deployments.get(run["deployment_id"] or "")
        return f"{deployment['called']} ({run['name']})" if deployment else run["name"]


def ask_facts(api: PrefectApi) -> Facts:
    """Everything that is asked at once. A busy server that fails is asked again; raises UserError when it goes on."""
    deadline = time.monotonic() + BUSY
    while True:
        try:
            return facts_now(api)
        except UserError:
            if time.monotonic() > deadline:
                raise
        time.sleep(1)


def facts_now(api: PrefectApi) -> Facts:
    """The answers of this moment. Raises UserError when the API does not answer."""
    flows = {one["id"]: one["name"] for one in api("/flows/filter", {"limit": MOST})}
    pools = {one["id"]: one for one in api("/work_pools/filter", {"limit": MOST})}
    deployments = {one["id"]: one for one in api("/deployments/filter", {"limit": MOST})}
    for one in deployments.values():
        one["called"] = f"{flows.get(one['flow_id'], '?')}/{one['name']}"
    return Facts(
        pools=pools,
        queues={one["id"]: one for one in api("/work_queues/filter", {"limit": MOST})},
        workers={id: api(f"/work_pools/{pool['name']}/workers/filter", {}) for id, pool in pools.items()},
        deployments=deployments,
        waiting=runs(api, "SCHEDULED", "NEXT_SCHEDULED_START_TIME_ASC"),
        at_work=runs(api, "RUNNING", "START_TIME_ASC") + runs(api, "PENDING", "START_TIME_ASC"),
    )


def runs(api: PrefectApi, type: str, sort: str, **filters: Any) -> list[Any]:
    """The runs in a type of state, in an order."""
    wanted = {"flow_runs": {"state": {"type": {"any_": [type]}}, **filters}, "sort": sort, "limit": MOST}
    return list(api("/flow_runs/filter", wanted))


def container_client(container: Container, *, works: bool, limit: int | None) -> Client:
    """A client in a container. Only one that runs, or that has failed, can tell."""
    name, ended_well = container.name, container.state == "exited" and container.exit_code == 0

    def asked(*words: str) -> str | None:
        return ask("exec", name, "python3", "-c", *words) if container.state == "running" else None

    def log() -> str:
        return "" if ended_well else logs(name, "--tail=20")

    url = container.variable("PREFECT_API_URL")
    running = container.state == "running"
    return Client(name, url, works, running, asked, log, f"docker logs --tail 20 {name}", limit)


def failed_last(server: Server, facts: Facts) -> Iterator[str]:
    """Deployments whose newest run has failed: a reason of its own, which its log tells. Runs do start."""
    ended = ["COMPLETED", "FAILED", "CRASHED"]
    wanted = {"flow_runs": {"state": {"type": {"any_": ended}}}, "sort": "END_TIME_DESC", "limit": 50}
    newest: dict[str, Any] = {}
    for run in server.api("/flow_runs/filter", wanted):
        newest.setdefault(run["deployment_id"], run)
    for run in newest.values():
        if run["state_type"] != "COMPLETED" and run["deployment_id"] in facts.deployments:
            message = (run["state"]["message"] or "").strip().partition("\n")[0]
            logs = f"{server.command} flow-run logs {run['id']}"
            yield f"the last run of {facts.called(run)} is {run['state_name']}: {message}; its log: {logs}"
