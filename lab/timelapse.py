"""Run a crontab under real cron and a fast clock, in containers of the lesson's image, and read what ran."""

import re
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

LESSON = Path(__file__).parents[1] / "02-cron"
IMAGE = "02-cron-python-app"
LOG = "/var/log/cron.log"
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class NoEngine(RuntimeError):
    """Docker does not answer, or cannot build the lesson's image; the message is for the learner."""


@dataclass(frozen=True)
class Window:
    """A stretch of clock time to live through: wall clock start in `zone`, length in minutes, speed of the clock."""

    start: datetime
    minutes: int
    zone: str = "UTC"
    rate: int = 60

    @property
    def seconds(self) -> float:
        """How long the window takes in real seconds."""
        return self.minutes * 60 / self.rate

    @property
    def end(self) -> datetime:
        """The wall clock in `zone` at the end, transitions of that zone counted."""
        zone = ZoneInfo(self.zone)
        start = self.start.replace(tzinfo=zone).astimezone(ZoneInfo("UTC"))
        return (start + timedelta(minutes=self.minutes)).astimezone(zone).replace(tzinfo=None)


@dataclass(frozen=True)
class Session:
    """What a window left behind: the lines of the log in it, the container's own output, cron's refusal if any."""

    window: Window
    log: list[str]
    output: list[str]
    refusal: str = ""

    @property
    def stamps(self) -> list[datetime]:
        """The first time stamp (wall clock) of every log line that has one and lies in the window."""
        found = [datetime.fromisoformat(m[0]) for line in self.log if (m := STAMP.search(line))]
        return [stamp for stamp in found if stamp <= self.window.end]


def docker(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a docker command and return its output, whatever its exit code."""
    try:
        return subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NoEngine("docker is not installed; this check runs real cron in a container (try: lab doctor)") from None


def build_image() -> None:
    """Build the lesson's image, from cache when nothing changed.

    Raises:
        NoEngine: the engine does not answer or the build fails; the message has the last line of why.
    """
    built = docker("build", "--quiet", "--tag", IMAGE, str(LESSON))
    if built.returncode:
        reason = (built.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NoEngine(f"the image of 02-cron cannot be built: {reason} (try: lab doctor)")


def run_window(crontab: Path, window: Window, env: Mapping[str, str], start_script: str) -> Session:
    """Live through one window in a container of its own, which is removed at the end."""
    name = f"lab-check-{uuid.uuid4().hex[:8]}"
    variables = {"TZ": window.zone, "START": f"{window.start:%F %T}", "RATE": str(window.rate), **env}
    options = [word for key, value in variables.items() for word in ("--env", f"{key}={value}")]
    mounts = ["--volume", f"{LESSON}:/lesson:ro", "--volume", f"{crontab.parent.resolve()}:/exercise:ro"]
    command = f"crontab /exercise/{crontab.name} && {start_script}"
    try:
        started = docker(
            *("run", "--detach", "--init", "--name", name, "--workdir", "/lesson", *options, *mounts, IMAGE),
            *("timelapse", "sh", "-c", command),
        )
        if started.returncode:
            raise NoEngine(f"docker run failed: {started.stderr.strip().splitlines()[-1]}")
        time.sleep(window.seconds + 0.5)
        log = docker("exec", name, "cat", LOG).stdout.splitlines()
        state = docker("inspect", "--format", "{{.State.Running}}", name).stdout.strip()
        printed = docker("logs", name)
        output = (printed.stdout + printed.stderr).splitlines()
        refusal = "" if state == "true" else (output or ["the container stopped at once"])[0]
        return Session(window, log, output, refusal)
    finally:
        docker("rm", "--force", "--volumes", name)


def run_windows(
    crontab: Path, windows: Sequence[Window], env: Mapping[str, str] | None = None, start_script: str = "exec cron -f"
) -> list[Session]:
    """Live through all windows side by side; `env` is the containers' environment, `start_script` starts cron.

    Raises:
        NoEngine: Docker cannot run the containers.
    """
    build_image()
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda window: run_window(crontab, window, env or {}, start_script), windows))
