"""Run a crontab under real cron and a fast clock, in containers of the lesson's image, and read what ran."""

import os
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.core import ROOT
from engine.docker import ask, build, docker, logs
from lab.checks.runner import pause, unless_stopped
from lab.checks.sandbox import LABEL

LESSON = ROOT / "02-cron"
IMAGE = "02-cron-python-app"
LOG = "/var/log/cron.log"
MORE_CPU = ("--cpu-shares", "8192")  # a clock sixty times as fast has no second to give to other containers
HELD = (  # a crontab may be a stranger's: lab verify
    *("--network=none", "--pids-limit=512", "--memory=1g", "--ulimit=fsize=16000000"),
    *("--log-driver=local", "--log-opt=max-size=1m", "--log-opt=max-file=1", "--log-opt=compress=false"),
)
MOST = "1000000"  # bytes of a log
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@dataclass(frozen=True)
class Window:
    """A span of time in which cron runs: its start by the clock of `zone`, its minutes, and the speed of the clock.

    A job whose work is real falls behind a fast clock on a busy machine: the window stays open for up to a minute more,
    until the log has `enough`, if it has anything.
    """

    start: datetime
    minutes: int
    zone: str = "UTC"
    rate: int = 60
    enough: Callable[[list[str]], bool] = lambda log: True

    @property
    def seconds(self) -> float:
        """How long the window takes in real seconds."""
        return self.minutes * 60 / self.rate

    @property
    def end(self) -> datetime:
        """What the clock of `zone` shows at the end, after any clock change."""
        zone = ZoneInfo(self.zone)
        start = self.start.replace(tzinfo=zone).astimezone(ZoneInfo("UTC"))
        return (start + timedelta(minutes=self.minutes)).astimezone(zone).replace(tzinfo=None)


@dataclass(frozen=True)
class Session:
    """What came of a window: the lines of the log, the container's own output, and cron's refusal, if any.

    `jobs` is how many processes of cron looked after a job at the end.
    """

    window: Window
    log: list[str]
    output: list[str]
    refusal: str = ""
    jobs: int = 0

    @property
    def stamps(self) -> list[datetime]:
        """The first time stamp (wall clock) of every log line that has one and lies in the window."""
        stamps = [datetime.fromisoformat(match[0]) for line in self.log if (match := STAMP.search(line))]
        return [stamp for stamp in stamps if stamp <= self.window.end]


def read_log(name: str) -> list[str]:
    """The lines of cron's log in a container, the last of a long one, none if it has stopped."""
    return (ask("exec", name, "tail", "-c", MOST, LOG) or "").splitlines()


def run_window(crontab: Path, window: Window, env: Mapping[str, str], start_script: str) -> Session:
    """Run cron through one window, in a container of its own that is removed at the end."""
    name = f"lab-check-{uuid.uuid4().hex[:8]}"
    variables = {"TZ": window.zone, "START": f"{window.start:%F %T}", "RATE": str(window.rate), **env}
    options = [word for key, value in variables.items() for word in ("--env", f"{key}={value}")]
    mounts = ["--volume", f"{LESSON}:/lesson:ro", "--volume", f"{crontab.parent.resolve()}:/exercise:ro"]
    command = f"crontab /exercise/{crontab.name} && {start_script}"
    try:
        docker(
            *("run", "--detach", "--init", "--name", name, f"--label={LABEL}={os.getpid()}", "--workdir", "/lesson"),
            *(*MORE_CPU, *HELD, *options, *mounts, IMAGE, "timelapse", "sh", "-c", command),
        )
        pause(window.seconds + 0.5)
        log = read_log(name)
        deadline = time.monotonic() + 60
        while log and not window.enough(log) and time.monotonic() < deadline:
            pause(1)
            log = read_log(name)
        names = (ask("exec", name, "sh", "-c", "cat /proc/[0-9]*/comm") or "").split()
        state = ask("inspect", "--format", "{{.State.Running}}", name)
        output = logs(name).splitlines()
        refusal = "" if state == "true" else (output or ["the container stopped at once"])[0]
        return Session(window, log, output, refusal, max(names.count("cron") - 1, 0))
    finally:
        ask("rm", "--force", "--volumes", name)


def knows(zone: ZoneInfo) -> bool:
    """Whether the image has this zone too: the one of an old name, such as US/Eastern, is in a package of its own."""
    noon = datetime(2026, 7, 4, 12, tzinfo=UTC)
    seen = ask(
        "run", "--rm", "--network=none", "--env", f"TZ={zone.key}", IMAGE, "date", f"--date={noon.isoformat()}", "+%z"
    )
    return seen in (None, f"{noon.astimezone(zone):%z}")  # None: Docker does not tell


def run_windows(
    crontab: Path, windows: Sequence[Window], env: Mapping[str, str] | None = None, start_script: str = "exec cron -f"
) -> list[Session]:
    """Run cron through all windows, side by side; `env` is the containers' environment, `start_script` starts cron.

    Raises UserError when Docker cannot run the containers.
    """
    unless_stopped(lambda: build(IMAGE, LESSON))
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda window: run_window(crontab, window, env or {}, start_script), windows))
