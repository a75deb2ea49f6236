"""The stack of the fault board: lanes, upstream, sink, ledger; all gone at the end, after Ctrl-C too."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from engine.core import ROOT, UserError
from engine.docker import docker, require_engine
from engine.images import POSTGRES, PYTHON, ensure_base, ensure_stack
from engine.stacks import Project
from engine.system import command
from engine.web import PrefectApi, call

FOLDER = ROOT / "contrast"
CRON = ("plain", "hardened")
LANES = (*CRON, "prefect")
TICK = 4.0  # seconds: a minute of cron's fast clock, and the interval of Prefect's schedule
PORTS = {"upstream": 8080, "monitor": 8060, "prefect-server": 4200}
CLOCKS_APART = 0.2  # seconds that the clock of the containers may be away from this machine's: a twentieth of a tick
RESTART_DEADLINE = 120  # seconds until a service that was started again must answer, on a busy machine too


class CrontabRejected(UserError):
    """Cron does not take the crontab of a lane; the message has its reason."""


class Stack(Project):
    """`with Stack() as stack:` has the lanes ready, with nothing to do; `lanes` may name fewer than all."""

    def __init__(
        self,
        lanes: Sequence[str] = LANES,
        files: Path = FOLDER / "lanes",
        name: str = "contrast",
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Choose the lanes, the folder with their crontabs and deployments, and a name for Compose.

        `wait` waits for so many seconds; what it raises ends a scenario run.
        """
        super().__init__(FOLDER, name, {"LANES": str(files.resolve())})
        self.lanes, self.files, self.wait = tuple(lanes), files, wait
        self.addresses: dict[str, str] = {}  # service → host and port, until it is started again

    def __enter__(self) -> Self:
        """Start what the lanes need, and wait until it answers. Raises UserError where that is not possible."""
        require_engine("the fault board")
        for image in (PYTHON, POSTGRES):
            ensure_base(image)
        if "prefect" in self.lanes:
            ensure_stack(ROOT / "03-prefect")
        ensure_stack(FOLDER)
        super().__enter__()
        try:
            self.up("sink", "upstream", "monitor", *self.services("prefect"))
            self.require_one_clock()
        except BaseException:
            self.down()
            raise
        return self

    def require_one_clock(self) -> None:
        """Raise UserError when the containers have another time than this machine, which says when a tick is due.

        Each answer of the sink came between two moments of this machine. What is refused is proven by one of them: a
        slow answer is no reason.
        """
        away = 0.0
        for _ in range(3):
            asked = time.time()
            [now] = self.sql("SELECT extract(epoch FROM clock_timestamp())::float8 AS seconds")
            away = max(away, asked - now["seconds"], now["seconds"] - time.time())
        if away > CLOCKS_APART:
            raise UserError(
                f"the clock of the containers is {away:.1f} s away from this machine's, and the fault board mixes both: "
                f"{command('restart Docker')}, then lab doctor"
            )

    def services(self, *lanes: str) -> list[str]:
        """Those of these lanes that take part."""
        return [lane for lane in lanes if lane in self.lanes]

    def crontab(self, lane: str, name: str) -> str:
        """Where the crontab of that name lies, within the folder of the lanes: the lane's own, or that of both."""
        own = f"{lane}/{name}.txt"
        return own if (self.files / own).exists() else f"both/{name}.txt"

    def start(self, files: dict[str, str], tick: float) -> None:
        """Start both cron lanes with the crontabs that `files` names; cron itself waits for `set_clock`."""
        self.env |= {"TICK": f"{tick:g}"} | {lane.upper(): self.crontab(lane, files[lane]) for lane in CRON}
        if crons := self.services(*CRON):
            self.compose("up", "--detach", "--no-deps", "--force-recreate", "--timeout", "1", *crons)

    def set_clock(self, t0: float) -> None:
        """Let cron begin: for it, it is 09:00 at `t0`, in Unix seconds."""
        crons = self.services(*CRON)
        with ThreadPoolExecutor(len(CRON)) as pool:
            list(pool.map(lambda lane: self.inside(lane, "sh", "-c", f"echo {t0:.3f} > /run/t0"), crons))

    def end_cron(self) -> None:
        """Let cron start nothing more; what runs goes on. Raises CrontabRejected when it has never run."""
        for lane in self.services(*CRON):
            if not self.compose("ps", "--quiet", lane):
                said = self.compose("logs", "--no-log-prefix", lane).splitlines() or ["nothing"]
                raise CrontabRejected(f"cron of lane {lane} does not run; it said: {said[0]}")
            self.inside(lane, "sh", "-c", "kill -STOP $(cat /run/crond.pid)")

    def inside(self, service: str, *command: str, stdin: str | None = None) -> str:
        """What a command prints in the container of a service; quicker than `exec`, for what is timed."""
        return docker("exec", "--interactive", self.container(service), *command, stdin=stdin)

    def reach(self, service: str) -> str:
        """Where a service answers, host:port; Docker gives it another port each time it is started."""
        if service not in self.addresses:
            self.addresses[service] = self.address(service, PORTS[service])
        return self.addresses[service]

    def http(self, service: str, path: str, body: object = None) -> Any:
        """Call a service of the stack: POST with a body, else GET. Raises UserError when it does not answer."""
        return call(f"http://{self.reach(service)}{path}", body)

    def admin(self, **settings: object) -> None:
        """Change how the upstream behaves; see contrast/inside/upstream.py."""
        self.http("upstream", "/admin", settings)

    def sql(self, command: str) -> list[dict[str, Any]]:
        """Ask or tell the sink; each row of a SELECT as a dictionary."""
        if not command.startswith("SELECT"):
            self.inside("sink", "psql", "-U", "contrast", "-qv", "ON_ERROR_STOP=1", stdin=command)
            return []
        question = f"SELECT coalesce(json_agg(found), '[]') FROM ({command}) AS found"
        rows: list[dict[str, Any]] = json.loads(self.inside("sink", "psql", "-U", "contrast", "-At", stdin=question))
        return rows

    def prefect(self, path: str, body: object = None, method: str | None = None) -> Any:
        """Call the API of Prefect's server; while it is coming back the call is repeated, so make none that adds up."""
        return PrefectApi(self.reach("prefect-server"), patience=RESTART_DEADLINE)(path, body, method)

    def deployments(self, name: str) -> list[str]:
        """The ids of the deployments of that name."""
        found = self.prefect("/deployments/filter", {"deployments": {"name": {"any_": [name]}}})
        if not found:
            raise UserError(
                f"there is no deployment {name!r}: contrast/lanes/prefect/prefect.yaml has none of that name"
            )
        return [deployment["id"] for deployment in found]

    def schedule(self, name: str, schedule: dict[str, object], start: datetime, end: datetime) -> None:
        """Give deployments this schedule alone, and have all its runs from `start` until `end` planned, sixty at most.

        To repeat it changes nothing: the schedules are replaced, and the server plans each run of a schedule once.
        """
        for deployment in self.deployments(name):
            given = {"schedules": [{"schedule": schedule, "active": True}]}
            self.prefect(f"/deployments/{deployment}", given, "PATCH")
            period = {"start_time": start.isoformat(), "end_time": end.isoformat(), "min_runs": 60, "max_runs": 60}
            self.prefect(f"/deployments/{deployment}/schedule", period)

    def repeat(self, name: str, start: float, end: float, interval: float) -> None:
        """Give deployments a schedule of so many seconds, from `start` until `end` in Unix seconds."""
        first, last = (datetime.fromtimestamp(second, UTC) for second in (start, end))
        every: dict[str, object] = {"interval": interval, "anchor_date": first.isoformat(), "timezone": "UTC"}
        self.schedule(name, every, first, last)

    def end_schedule(self, end: float) -> None:
        """Let Prefect start nothing that its schedule has due from `end` on; what is late goes on."""
        due = {"after_": datetime.fromtimestamp(end, UTC).isoformat()}
        future = {
            "next_scheduled_start_time": due,
            "state": {"name": {"any_": ["Scheduled", "Late"]}},
            "tags": {"all_": ["auto-scheduled"]},
        }
        state = {"type": "CANCELLED", "name": "Skipped", "message": "the scenario is over"}
        accepted = True
        while accepted:  # the server changes at most fifty at a time
            done = self.prefect("/flow_runs/bulk_set_state", {"flow_runs": future, "state": state})
            accepted = any(result["status"] == "ACCEPT" for result in done["results"])

    def unfinished(self) -> int:
        """How many flow runs are due, at work, or waiting for another try."""
        kinds = ["SCHEDULED", "PENDING", "RUNNING", "CANCELLING"]
        found: int = self.prefect("/flow_runs/count", {"flow_runs": {"state": {"type": {"any_": kinds}}}})
        return found

    def drop_schedules(self) -> None:
        """Take the schedules away, and what they have planned; what is at work goes on."""
        for deployment in self.prefect("/deployments/filter", {}):
            if deployment["schedules"]:
                self.prefect(f"/deployments/{deployment['id']}", {"schedules": []}, "PATCH")

    def forget_runs(self) -> None:
        """Take the schedules away, and all flow runs."""
        self.drop_schedules()
        while self.prefect("/flow_runs/bulk_delete", {"flow_runs": {}, "limit": 50})["deleted"]:
            pass
