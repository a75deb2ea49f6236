"""The containers of one benchmark, on a network of their own: all gone at the end, after Ctrl-C too."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from lab.engine import ROOT, Trouble, docker, ready
from offline.images import ensure_base, ensure_stack

LESSON = ROOT / "03-prefect"
LESSON_IMAGE = "beyond-cron-prefect"
PASSWORD = "beyond-cron"  # that of the lesson, for databases that live as long as the benchmark and publish no port


def require(*images: str) -> None:
    """Have an engine, these base images and the lesson's own. Raises Trouble where that is not possible."""
    if not ready(install=False):
        raise Trouble("this benchmark needs a Docker engine, and none answers here: make up starts one where it can")
    for image in ("python:3.13-slim", *images):
        ensure_base(image)
    ensure_stack(LESSON)


def number(name: str, default: int) -> int:
    """A whole number above 0 from the environment. Raises Trouble when it is something else."""
    given = os.environ.get(name) or str(default)
    if not given.isdecimal() or int(given) < 1:
        raise Trouble(f"{name}={given} is not a whole number above 0: leave it out for {default}")
    return int(given)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until the end of this, so that nothing is half-way done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Boxes:
    """`with Boxes("etl") as boxes:` starts containers that know each other by the names given here."""

    def __init__(self, benchmark: str) -> None:
        """Choose names that no other run uses."""
        self.prefix = f"bench-{benchmark}-{os.getpid()}"

    def __enter__(self) -> Self:
        """Make the network."""
        signal.signal(signal.SIGTERM, lambda *_: exit(143))  # so that it cleans up as after Ctrl-C
        try:
            with uninterrupted():
                self._docker("network", "create", self.prefix)
        except BaseException:
            self.remove_all()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Remove everything."""
        self.remove_all()

    def remove_all(self) -> None:
        """Remove the containers, their volumes and the network."""
        with uninterrupted():
            if found := docker("ps", "--all", "--quiet", "--filter", f"network={self.prefix}").split():
                docker("rm", "--force", "--volumes", *found)
            docker("network", "rm", self.prefix)

    @staticmethod
    def _docker(*words: str) -> str:
        done = subprocess.run(("docker", *words), capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Trouble(f"docker {words[0]} failed: {last} (try: lab doctor)")
        return done.stdout.strip()

    def start(
        self, name: str, image: str, *command: str, env: dict[str, str] | None = None, options: tuple[str, ...] = ()
    ) -> None:
        """Start a container in the background."""
        variables = [word for key, value in (env or {}).items() for word in ("--env", f"{key}={value}")]
        place = ("--network", self.prefix, "--network-alias", name, "--name", self.container(name), "--init")
        with uninterrupted():
            self._docker("run", "--detach", *place, *variables, *options, image, *command)

    def container(self, name: str) -> str:
        """The name that Docker knows a container by."""
        return f"{self.prefix}-{name}"

    def stop(self, name: str) -> None:
        """Remove a container and its volumes."""
        self._docker("rm", "--force", "--volumes", self.container(name))

    def restart(self, name: str) -> None:
        """Stop a container as Docker does it, and start it again on the same data."""
        self._docker("restart", self.container(name))

    def started(self, name: str) -> str:
        """When a container was started last, as an ISO date in UTC."""
        return self._docker("inspect", "--format", "{{.State.StartedAt}}", self.container(name))

    def run(self, name: str, *command: str) -> str:
        """Run a command in a container and return what it printed. Raises Trouble with its last words if it fails."""
        return self._docker("exec", self.container(name), *command)

    def lines(self, name: str, *command: str) -> Iterator[str]:
        """Run a command in a container: its lines as they come, its standard error on ours.

        Raises Trouble when it fails.
        """
        words = ("docker", "exec", self.container(name), *command)
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            yield from process.stdout
        if process.returncode:
            raise Trouble(f"{' '.join(command)[:80]} failed with exit code {process.returncode}, see above")

    def wait_for(self, name: str, *command: str, seconds: int = 90) -> None:
        """Repeat a command in a container, ten times a second, until it succeeds. Raises Trouble when time is up."""
        again = f'for i in $(seq {seconds * 10}); do "$@" >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1'
        try:
            self.run(name, "sh", "-c", again, "sh", *command)
        except Trouble:
            said = docker("logs", "--tail", "1", self.container(name)) or "nothing"
            raise Trouble(f"{name} does not answer after {seconds} s; its log ends with: {said}") from None
