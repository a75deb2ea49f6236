"""The stack of the board: lanes, upstream, sink, ledger; all gone at the end, after Ctrl-C too."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.boxes import uninterrupted
from lab.engine import ROOT, Trouble, ready
from offline.images import ensure_base, ensure_stack

FOLDER = ROOT / "contrast"
CRON = ("plain", "hardened")
LANES = (*CRON, "prefect")
TICK = 4.0  # seconds: a minute of cron's fast clock, and the interval of Prefect's schedule


class Refused(Trouble):
    """Cron does not take the crontab of a lane; the message has its reason."""


class Stack:
    """`with Stack() as stack:` has the lanes ready, with nothing to do; `lanes` may name fewer than all."""

    def __init__(
        self, lanes: Sequence[str] = LANES, folder: Path = FOLDER / "lanes", project: str = "contrast"
    ) -> None:
        """Choose the lanes, the folder with their crontabs and deployments, and a name for Compose."""
        self.lanes = tuple(lanes)
        self.env = {"COMPOSE_PROJECT_NAME": project} | os.environ | {"LANES": str(folder.resolve())}
        self.env.pop("COMPOSE_FILE", None)
        self.schedules: list[str] = []
        self.addresses: dict[str, str] = {}  # service → host and port, until it is started again

    def __enter__(self) -> Self:
        """Start what the lanes need, and wait until it answers. Raises Trouble where that is not possible."""
        if not ready(install=False):
            raise Trouble("the board needs a Docker engine, and none answers here: make up starts one where it can")
        for image in ("python:3.13-slim", "postgres:17"):
            ensure_base(image)
        if "prefect" in self.lanes:
            ensure_stack(ROOT / "03-prefect")
        ensure_stack(FOLDER)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: exit(143))  # so that it cleans up as after Ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self.down()
            self.compose("up", "--detach", "--wait", "sink", "upstream", "monitor", *self.services("prefect"))
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Remove containers, volumes and the network."""
        self.down()

    def down(self) -> None:
        """Remove everything, undisturbed by another Ctrl-C."""
        with uninterrupted():
            self.compose("down", "--volumes", "--remove-orphans", "--timeout", "1")

    def services(self, *lanes: str) -> list[str]:
        """Those of these lanes that take part."""
        return [lane for lane in lanes if lane in self.lanes]

    def compose(self, *words: str, stdin: str | None = None) -> str:
        """What a docker compose command prints. Raises Trouble with its last words when it fails."""
        return self.docker("compose", "--project-directory", str(FOLDER), *words, stdin=stdin)

    def docker(self, *words: str, stdin: str | None = None) -> str:
        """What a docker command prints. Raises Trouble with its last words when it fails."""
        done = subprocess.run(
            ("docker", *words), env=self.env, text=True, input=stdin, capture_output=True, start_new_session=True
        )  # in a session of its own it does not hear Ctrl-C, so nothing is half-way done
        if done.returncode:
            said = ((done.stderr or done.stdout).strip().splitlines() or ["no reason given"])[-1]
            raise Trouble(f"docker {' '.join(words[:6])} failed: {said} (try: lab doctor)")
        return done.stdout

    def start(self, files: dict[str, str], t0: float, tick: float) -> None:
        """Start both crons with the crontabs that `files` names; for them it is 09:00 at `t0`, in Unix seconds."""
        self.env |= {"T0": f"{t0:.3f}", "TICK": f"{tick:g}"} | {lane.upper(): files[lane] for lane in CRON}
        if crons := self.services(*CRON):
            self.compose("up", "--detach", "--no-deps", "--force-recreate", "--timeout", "1", *crons)

    def end_cron(self) -> None:
        """Let cron start nothing more; what runs goes on. Raises Refused when it has never run."""
        for lane in self.services(*CRON):
            if not self.compose("ps", "--quiet", lane):
                said = self.compose("logs", "--no-log-prefix", lane).strip().splitlines() or ["nothing"]
                raise Refused(f"cron of lane {lane} does not run; it said: {said[0]}")
            self.compose("exec", "-T", lane, "sh", "-c", "kill -STOP $(cat /run/crond.pid)")

    def http(self, service: str, port: int, path: str, body: str | None = None, method: str | None = None) -> Any:
        """Call a service of the stack, JSON back. Raises Trouble when it does not answer."""
        address = self.addresses.setdefault(service, "") or self.compose("port", service, str(port)).strip()
        self.addresses[service] = address
        data = None if body is None else body.encode()
        request = urllib.request.Request(f"http://{address}{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                return json.loads(answer.read() or "null")
        except OSError as error:
            said = error.read().decode()[:300] if isinstance(error, urllib.request.HTTPError) else error
            raise Trouble(f"{service} does not answer as it should at {path}: {said}") from None

    def admin(self, **settings: object) -> None:
        """Change how the upstream behaves; see contrast/upstream.py."""
        self.http("upstream", 8080, "/admin", json.dumps(settings))

    def sql(self, command: str) -> list[dict[str, Any]]:
        """Ask or tell the sink; each row of a SELECT as a dictionary."""
        if not command.startswith("SELECT"):
            self.compose("exec", "-T", "sink", "psql", "-U", "contrast", "-qv", "ON_ERROR_STOP=1", stdin=command)
            return []
        question = f"SELECT coalesce(json_agg(found), '[]') FROM ({command}) AS found"
        found = self.compose("exec", "-T", "sink", "psql", "-U", "contrast", "-At", stdin=question)
        rows: list[dict[str, Any]] = json.loads(found)
        return rows

    def prefect(self, path: str, body: object, method: str = "POST") -> Any:
        """Call the API of Prefect's server."""
        return self.http("prefect-server", 4200, f"/api{path}", json.dumps(body), method)

    def deployments(self, name: str) -> list[str]:
        """The ids of the deployments of that name."""
        found = self.prefect("/deployments/filter", {"deployments": {"name": {"any_": [name]}}})
        if not found:
            raise Trouble(f"there is no deployment {name!r}: contrast/lanes/prefect/prefect.yaml has none of that name")
        return [deployment["id"] for deployment in found]

    def schedule(self, name: str, schedule: dict[str, object], start: datetime, end: datetime) -> None:
        """Give deployments a schedule, and have all its runs from `start` until `end` planned, sixty at most."""
        for deployment in self.deployments(name):
            [made] = self.prefect(f"/deployments/{deployment}/schedules", [{"schedule": schedule, "active": True}])
            self.schedules.append(f"/deployments/{deployment}/schedules/{made['id']}")
            window = {"start_time": start.isoformat(), "end_time": end.isoformat(), "min_runs": 60, "max_runs": 60}
            self.prefect(f"/deployments/{deployment}/schedule", window)

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
        state = {"type": "CANCELLED", "name": "Skipped", "message": "the window is over"}
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
        while self.schedules:
            self.prefect(self.schedules.pop(), None, "DELETE")

    def forget_runs(self) -> None:
        """Take the schedules away, and all flow runs."""
        self.drop_schedules()
        while self.prefect("/flow_runs/bulk_delete", {"flow_runs": {}, "limit": 50})["deleted"]:
            pass


def until(moment: float) -> None:
    """Wait for a moment of the real clock, in Unix seconds."""
    time.sleep(max(0.0, moment - time.time()))
