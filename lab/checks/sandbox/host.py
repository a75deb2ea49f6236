"""The sandbox in which the exercises of 03-prefect are checked: a container with a real Prefect server.

It is started once for each `lab check`. It has no network and no mount, and is removed when `lab` ends, however it ends.
"""

import json
import os
import re
import subprocess
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engine.core import ROOT, UserError, last_line
from engine.docker import ask, build
from lab.checks.runner import unless_stopped
from lab.checks.sandbox import LABEL

LESSON = ROOT / "03-prefect"
IMAGE = "beyond-cron-prefect"
INSIDE = Path(__file__).with_name("inside.py")
ISOLATION = ("--network=none", "--read-only", "--tmpfs=/tmp:exec,size=1g", "--cap-drop=ALL", "--memory=2g")
LIMITS = ("--security-opt=no-new-privileges", "--pids-limit=512", f"--label={LABEL}={os.getpid()}", "--init", "--rm")
PATIENCE = 300  # seconds for an answer of the program inside; the longest program has 180
MOST = 20_000_000  # characters of one
IDLE = ("SCHEDULER", "LATE_RUNS", "EVENT_PERSISTER", "TRIGGERS", "FOREMAN", "CANCELLATION_CLEANUP", "PAUSE_EXPIRATIONS")
# So begins the line in which the command prefect says why it failed.
CLI_REASONS = ("• ", "Unable to ", "Could not ", "Value error", "Input should ", "An entrypoint ")
RAISED = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)+(\S.*)", re.MULTILINE)
LOG_LINE = re.compile(r"\d\d:\d\d:\d\d\.\d+ \| ")
LOGGED = re.compile(r"^\d\d:\d\d:\d\d\.\d+ \| INFO +\| (?:Flow|Task) run '[^']*' - (.*)$", re.MULTILINE)
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
    # It records task runs, once a second: a flow that asks at that moment may wait for two seconds.
    **{f"PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_{size}": "100" for size in ("BATCH_SIZE", "READ_BATCH_SIZE")},
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
}


class Sandbox:
    """`with Sandbox() as sandbox:` starts the container, asks it, and removes it."""

    def __init__(self) -> None:
        """Choose a name that no other container has."""
        self.name = f"lab-check-{uuid.uuid4().hex[:8]}"

    def __enter__(self) -> Self:
        """Build the lesson's image and start the container; its server needs some seconds, for which this waits.

        Raises UserError when Docker cannot run it, or the server in it does not start.
        """
        unless_stopped(lambda: build(IMAGE, LESSON))
        environment = [f"--env={name}={value}" for name, value in ENVIRONMENT.items()]
        command = ["docker", "run", "--interactive", "--name", self.name, *ISOLATION, *LIMITS, *environment, IMAGE]
        self.client = subprocess.Popen(
            [*command, "python", "-c", INSIDE.read_text()], text=True, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            unless_stopped(self.read)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove the container."""
        self.close()

    def close(self) -> None:
        """Remove the container. It would also end by itself, when its standard input ends."""
        with self.client:
            self.remove()

    def remove(self) -> None:
        """Remove the container, so that its client ends too."""
        ask("rm", "--force", "--volumes", self.name)

    def read(self) -> Any:
        """The next answer of the program inside.

        Raises UserError when the container has ended; it is ended when there is no answer: what it runs may be a
        stranger's, who can stop the program inside, or write for ever (`lab verify`).
        """
        assert self.client.stdout and self.client.stderr
        alarm = threading.Timer(PATIENCE, self.remove)
        alarm.start()
        try:
            line = self.client.stdout.readline(MOST)
        finally:
            alarm.cancel()
        if line:
            return json.loads(line)
        raise UserError(f"the container of the check ended: {last_line(self.client.stderr.read())} (try: lab doctor)")

    def ask(self, **request: Any) -> Any:
        """Send a request to the program inside and return its answer."""
        assert self.client.stdin
        self.client.stdin.write(json.dumps(request) + "\n")
        self.client.stdin.flush()
        return self.read()

    def api(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """What the API of the Prefect server inside answers."""
        return self.ask(do="api", path=path, method=method, body=body)

    def flow_runs(self, body: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The runs that the server knows, at most 200, in the order of their planned times; no subflows."""
        runs = self.api("/flow_runs/filter", {"sort": "EXPECTED_START_TIME_ASC", **(body or {})})
        return [run for run in runs if not run["parent_task_run_id"]]

    def workspace(self) -> "Workspace":
        """A new folder inside, and a server that has neither deployments nor runs."""
        for what in ("deployments", "flow_runs"):
            while self.api(f"/{what}/bulk_delete", {})["deleted"]:
                pass
        return Workspace(self, uuid.uuid4().hex[:8])


@dataclass(frozen=True)
class ProgramResult:
    """How a program ended: exit code (None: it took too long), output, errors, and its visits to the web server."""

    code: int | None
    output: str
    errors: str
    visits: list[dict[str, Any]]

    @property
    def printed(self) -> list[str]:
        """The lines that the program printed, those too that log_prints=True has put into the log, on standard error."""
        return [*self.output.splitlines(), *LOGGED.findall(self.errors)]

    @property
    def complaint(self) -> str:
        """Why it failed, in one line that names the error; empty if it did not."""
        if self.code is None:
            return "the program did not end, and was stopped"
        lines = [line.strip() for line in (self.errors.strip() or self.output).splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith("For further information")]
        said = [line for line in lines if not LOG_LINE.match(line)]  # a thread may log something after the error
        reasons = [line for line in said if line.startswith(CLI_REASONS)] or self.raised() or said[-1:] or lines[-1:]
        reasons = reasons or [f"exit code {self.code}"]
        return reasons[0] if self.code else ""

    def raised(self) -> list[str]:
        """The first line of the message of the error that ended it, if a traceback has one.

        A message may have many lines, and end with an example. pydantic's has its reason at the end.
        """
        return [] if "[type=" in self.errors else RAISED.findall(self.errors)[-1:]


@dataclass(frozen=True)
class Workspace:
    """A folder in the sandbox, in which a check runs programs."""

    sandbox: Sandbox
    folder: str

    def run(
        self,
        *words: str,
        files: Mapping[str, str | Path] | None = None,
        settings: Mapping[str, str] | None = None,
        answers: Mapping[str, list[Any]] | None = None,
        seconds: float = 60,
    ) -> ProgramResult:
        """Run a program in the folder: a Python file and its arguments, or `prefect` and its own.

        `files` are written there first, `settings` are added to its environment, `answers` are what http://127.0.0.1:8080 gives
        for a path before it goes on with 200: status codes, or objects with `status`, `headers` and `body`.
        """
        texts = {
            name: text.read_text(encoding="utf-8", errors="replace") if isinstance(text, Path) else text
            for name, text in (files or {}).items()
        }
        answer = self.sandbox.ask(
            do="run", folder=self.folder, words=words, seconds=seconds, files=texts, settings=dict(settings or {}),
            answers=dict(answers or {}),
        )  # fmt: skip
        return ProgramResult(**answer)

    def attempt(self, file: Path, *arguments: str, **options: Any) -> tuple[ProgramResult, str]:
        """Run the learner's program. Also returns the state of its newest flow run, or why there is no run."""
        ran = self.run(file.name, *arguments, **{**options, "files": {file.name: file, **options.get("files", {})}})
        runs = self.sandbox.flow_runs()
        if ran.code is None or not runs:
            return ran, ran.complaint or "no run of a flow"
        return ran, str(runs[-1]["state_name"])

    def deploy(self, plan: str | Path, **flows: str | Path) -> tuple[str, str]:
        """Deploy a prefect.yaml with the flows that it names. Returns the deployment's id, or "" and the reason."""
        files = {"prefect.yaml": plan} | {f"{name}.py": flow for name, flow in flows.items()}
        ran = self.run("prefect", "--no-prompt", "deploy", "--all", files=files, seconds=180)
        deployments = self.sandbox.api("/deployments/filter", {})
        if ran.code == 0 and len(deployments) == 1:
            return deployments[0]["id"], ""
        return "", ran.complaint or f"{len(deployments)} deployments instead of one"

    def work(self) -> tuple[ProgramResult, list[str]]:
        """Let a worker do all runs that are due. Also returns their states, in the order of their planned times."""
        ran = self.run("prefect", "worker", "start", "--pool", "lab", "--run-once", seconds=180)
        return ran, [run["state_name"] for run in self.sandbox.flow_runs() if run["deployment_id"]]
