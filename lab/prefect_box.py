"""The box in which the exercises of 03-prefect are checked: a container with a real Prefect server.

It is made once for each `lab check`, has no network and no mount, and goes when `lab` ends, in whatever way.
"""

import atexit
import json
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lab.checks import ROOT
from lab.timelapse import NoEngine, docker

LESSON = ROOT / "03-prefect"
IMAGE = "beyond-cron-prefect"
INSIDE = Path(__file__).with_name("prefect_inside.py")
LABEL = "beyond-cron.check"
ALONE = ("--network=none", "--read-only", "--tmpfs=/tmp:exec,size=1g", "--cap-drop=ALL", "--memory=2g")
NO_MORE = ("--security-opt=no-new-privileges", "--pids-limit=512", f"--label={LABEL}", "--init", "--rm")
IDLE = ("SCHEDULER", "LATE_RUNS", "EVENT_PERSISTER", "TRIGGERS", "FOREMAN", "CANCELLATION_CLEANUP", "PAUSE_EXPIRATIONS")
# So begins the line in which the command prefect says why it failed.
CLI_REASONS = ("Unable to ", "Could not ", "Value error", "Input should ", "An entrypoint ")
ENVIRONMENT = {
    "COLUMNS": "500",
    "HOME": "/tmp",
    "PYTHONDONTWRITEBYTECODE": "1",
    "DO_NOT_TRACK": "1",
    "PREFECT_HOME": "/tmp/prefect",
    "PREFECT_API_URL": "http://127.0.0.1:4200/api",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    # SQLite locks when several write at once, so the server does nothing by itself: a check asks for the runs it needs.
    **{f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false" for service in IDLE},
    # Task runs it does note: once a second, since each time may cost a flow that asks then two seconds.
    **{f"PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_{size}": "100" for size in ("BATCH_SIZE", "READ_BATCH_SIZE")},
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
}


class Box:
    """The container, and what can be asked of it."""

    def __init__(self) -> None:
        """Start the container; its server needs some seconds, for which this waits.

        Raises:
            NoEngine: Docker cannot run it, or the server in it does not start.
        """
        self.name = f"lab-check-{uuid.uuid4().hex[:8]}"
        environment = [f"--env={name}={value}" for name, value in ENVIRONMENT.items()]
        command = ["docker", "run", "--interactive", "--name", self.name, *ALONE, *NO_MORE, *environment, IMAGE]
        self.client = subprocess.Popen(
            [*command, "python", "-c", INSIDE.read_text()], text=True, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        atexit.register(self.close)
        self.read()

    def read(self) -> Any:
        """The next answer of the box."""
        assert self.client.stdout and self.client.stderr
        if line := self.client.stdout.readline():
            return json.loads(line)
        reason = (self.client.stderr.read().strip().splitlines() or ["no reason given"])[-1]
        raise NoEngine(f"the container of the check ended: {reason} (try: lab doctor)")

    def ask(self, **request: Any) -> Any:
        """Send a request to the program in the box and return its answer."""
        assert self.client.stdin
        self.client.stdin.write(json.dumps(request) + "\n")
        self.client.stdin.flush()
        return self.read()

    def close(self) -> None:
        """Remove the container."""
        with self.client:
            docker("rm", "--force", "--volumes", self.name)


@cache
def box() -> Box:
    """The box of this process; the first call builds the lesson's image and starts it.

    Raises:
        NoEngine: Docker cannot do that; the message has the last line of why.
    """
    built = docker("build", "--quiet", "--tag", IMAGE, str(LESSON))
    if built.returncode:
        reason = (built.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NoEngine(f"the image of 03-prefect cannot be built: {reason} (try: lab doctor)")
    return Box()


@dataclass(frozen=True)
class Ran:
    """What a program left: exit code (None: stopped after its time), output, errors, and visits to the web server."""

    code: int | None
    output: str
    errors: str
    visits: list[dict[str, Any]]

    @property
    def complaint(self) -> str:
        """Why it failed, in one line that names the error; empty if it did not."""
        if self.code is None:
            return "the program did not end, and was stopped"
        lines = [line.strip() for line in (self.errors.strip() or self.output).splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith("For further information")]
        reasons = [line for line in lines if line.startswith(CLI_REASONS)] or lines[-1:] or [f"exit code {self.code}"]
        return reasons[0] if self.code else ""


def api(path: str, body: Any = None, method: str = "POST") -> Any:
    """Ask the API of the Prefect server in the box."""
    return box().ask(do="api", path=path, method=method, body=body)


def flow_runs(body: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The runs that the server knows, at most 200, in the order of their planned times; none of a subflow."""
    runs = api("/flow_runs/filter", {"sort": "EXPECTED_START_TIME_ASC", **(body or {})})
    return [run for run in runs if not run["parent_task_run_id"]]


class Place:
    """A new folder in the box, and a server that has neither deployments nor runs."""

    def __init__(self) -> None:
        """Take a name that no folder has yet, and delete what an earlier check left on the server."""
        self.folder = uuid.uuid4().hex[:8]
        for what in ("deployments", "flow_runs"):
            while api(f"/{what}/bulk_delete", {})["deleted"]:
                pass

    def run(
        self,
        *words: str,
        files: Mapping[str, str | Path] | None = None,
        settings: Mapping[str, str] | None = None,
        answers: Mapping[str, list[int]] | None = None,
        seconds: float = 60,
    ) -> Ran:
        """Run a program in the folder: a Python file and its arguments, or `prefect` and its own.

        `files` are written there first, `settings` are added to its environment, `answers` are the status codes that
        http://127.0.0.1:8080 gives for a path, before it goes on with 200.
        """
        texts = {
            name: text.read_text(encoding="utf-8", errors="replace") if isinstance(text, Path) else text
            for name, text in (files or {}).items()
        }
        answer = box().ask(
            do="run", folder=self.folder, words=words, seconds=seconds, files=texts, settings=dict(settings or {}),
            answers=dict(answers or {}),
        )  # fmt: skip
        return Ran(**answer)

    def attempt(self, file: Path, *arguments: str, **options: Any) -> tuple[Ran, str]:
        """Run the learner's program; with it, the state in which its newest flow run is, or why there is none."""
        ran = self.run(file.name, *arguments, **{**options, "files": {file.name: file, **options.get("files", {})}})
        runs = flow_runs()
        if ran.code is None or not runs:
            return ran, ran.complaint or "no run of a flow"
        return ran, str(runs[-1]["state_name"])

    def deploy(self, plan: str | Path, **flows: str | Path) -> tuple[str, str]:
        """Deploy a prefect.yaml with the flows that it names; return the deployment's id, or an empty one and why."""
        files = {"prefect.yaml": plan} | {f"{name}.py": flow for name, flow in flows.items()}
        ran = self.run("prefect", "--no-prompt", "deploy", "--all", files=files)
        deployments = api("/deployments/filter", {})
        if ran.code == 0 and len(deployments) == 1:
            return deployments[0]["id"], ""
        return "", ran.complaint or f"{len(deployments)} deployments instead of one"

    def work(self) -> tuple[Ran, list[str]]:
        """Let a worker do all that is due, side by side; then the states of their runs, in the order of their times."""
        ran = self.run("prefect", "worker", "start", "--pool", "lab", "--run-once")
        return ran, [run["state_name"] for run in flow_runs() if run["deployment_id"]]
