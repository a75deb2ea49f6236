"""A move under way: the switch of each job, the ledger of both systems, and what Prefect has planned.

A switch is one small file. Cron's gate and Prefect's flow read it when they come to an instant, and the first of them
writes down whose it is (`05-migration/beside/ledger.py`). All else here may be killed half-way, and done again.
"""

import json
import os
import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from engine.core import UserError
from engine.docker import docker
from engine.web import PrefectApi

WORKER, SERVER = "worker-scheduler", "prefect-server"
LOCK = "/prefect/deploy.lock"
LOGIN = "admin:beyond-cron"  # of the lesson's stack
OURS = {"flows": {"name": {"any_": ["beside-cron"]}}}  # a deployment of another flow may have the name of a job
UNFINISHED = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")


@dataclass(frozen=True)
class Ends:
    """How both systems ended an instant of a job, and what its comparison showed: (well, text) by side."""

    instant: str
    by_side: dict[str, tuple[bool, str]]

    @property
    def agree(self) -> bool:
        """Whether cron and the shadow came to the same."""
        return self.by_side["cron"] == self.by_side["shadow"]


class Move:
    """The move in a folder that `lab migrate plan --beside-cron` wrote, inside the folder of its Compose stack."""

    def __init__(self, folder: Path) -> None:
        """Raises UserError where no such plan is."""
        self.folder = folder.resolve()
        self.files = {file.stem: file for file in sorted(self.folder.glob("jobs/*.toml"))}
        if not self.files:
            raise UserError(
                f"no move is planned in {folder}: lab migrate plan CRONTAB --into {folder} --beside-cron, "
                "or name its folder with --plan"
            )

    def state(self, job: str) -> dict[str, str]:
        """What the file of a job says. Raises UserError when it is broken, or there is no such job."""
        if job not in self.files:
            near = get_close_matches(job, self.files, 1, 0.5)
            help = f"did you mean {near[0]}?" if near else f"there is: {', '.join(self.files)}"
            raise UserError(f"there is no job {job!r}; {help}")
        try:
            found = tomllib.loads(self.files[job].read_text(encoding="utf-8"))
            if found.get("state") not in ("legacy", "shadow", "moved") or not isinstance(found.get("since"), str):
                raise ValueError("state or since is none")
        except ValueError as error:
            raise UserError(
                f"{self.files[job]} is no switch ({error}): lab migrate plan --force writes it again, as legacy"
            ) from None
        return found

    def throw(self, job: str, state: str, since: str = "") -> None:
        """Throw the switch of a job: its file is replaced as a whole, or not at all."""
        self.state(job)
        file = self.files[job]
        text = file.read_text(encoding="utf-8")
        for name, value in (("state", state), ("since", since)):
            text = re.sub(rf"(?m)^{name} = .*$", f'{name} = "{value}"', text, count=1)
        new = file.with_suffix(".new")
        with new.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)

    def compose(self, *words: str) -> str:
        """What docker compose prints in the stack that the plan's folder is a part of. Raises UserError."""
        return docker("compose", "--profile=*", *words, cwd=self.folder.parent)

    def inside(self, *command: str) -> str:
        """What a command prints in the worker, in the folder of the plan."""
        return self.compose("exec", "-T", "--workdir", f"/lesson/{self.folder.name}", WORKER, *command)

    def deploy(self, file: str, jobs: list[str]) -> None:
        """Deploy these jobs, and no other, from a file of the plan. A deployment that is there is brought up to date.

        That removes its planned runs, and the server plans them anew. A command that was killed may have left a deploy
        at work in the container: it is waited for, so that it removes nothing after the switch.
        """
        names = [word for job in jobs for word in ("--name", job)]
        self.inside("flock", LOCK, "prefect", "--no-prompt", "deploy", "--prefect-file", file, *names)

    def api(self) -> PrefectApi:
        """The server of the stack."""
        return PrefectApi(self.compose("port", SERVER, "4200").strip(), LOGIN)

    def runs(self, api: PrefectApi, job: str, **filters: Any) -> list[dict[str, Any]]:
        """The runs that a job's schedule made, the earliest first."""
        chosen = {"tags": {"all_": ["auto-scheduled"]}} | filters
        body = OURS | {"deployments": {"name": {"any_": [job]}}, "flow_runs": chosen}
        found: list[dict[str, Any]] = api("/flow_runs/filter", body | {"sort": "EXPECTED_START_TIME_ASC", "limit": 200})
        return found

    def planned(self, api: PrefectApi, job: str) -> list[dict[str, Any]]:
        """The runs to come: from the first of them on, every instant has one."""
        return self.runs(api, job, state={"type": {"any_": ["SCHEDULED"]}}, expected_start_time={"after_": now()})

    def due(self, api: PrefectApi, job: str) -> list[dict[str, Any]]:
        """The runs of instants that have come, as far as they have not ended."""
        return self.runs(api, job, state={"type": {"any_": UNFINISHED}}, expected_start_time={"before_": now()})

    def unschedule(self, api: PrefectApi, name: str) -> None:
        """Remove the schedules of a deployment, and with them the runs to come; a line that is deleted from a file does not."""
        for one in api("/deployments/filter", OURS | {"deployments": {"name": {"any_": [name]}}}):
            for schedule in one["schedules"]:
                api(f"/deployments/{one['id']}/schedules/{schedule['id']}", method="DELETE")

    def ends(self) -> dict[str, list[Ends]]:
        """For each job the instants that cron and a shadow have both run, the oldest first."""
        by_instant: dict[tuple[str, str], dict[str, tuple[bool, str]]] = defaultdict(dict)
        for job, instant, side, well, seen in json.loads(self.inside("python", "ledger.py"))["ends"]:
            by_instant[job, instant][side] = bool(well), seen
        found: dict[str, list[Ends]] = defaultdict(list)
        for (job, instant), sides in sorted(by_instant.items()):
            if {"cron", "shadow"} <= sides.keys():
                found[job].append(Ends(instant, sides))
        return found


def now() -> str:
    """This moment, as Prefect's API takes it."""
    return datetime.now(UTC).isoformat()


def agreeing(ends: list[Ends]) -> int:
    """In how many instants, counted back from the last one, both came to the same."""
    count = 0
    for one in reversed(ends):
        if not one.agree:
            break
        count += 1
    return count
