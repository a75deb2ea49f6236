"""The containers of one benchmark, on a network of their own: all gone at the end, after Ctrl-C too."""

import os
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from engine.core import ROOT, UserError, last_line, uninterrupted
from engine.docker import ask, docker, lines, logs, require_engine
from engine.images import CLICKHOUSE, PYTHON, ensure_base, ensure_stack

LESSON = ROOT / "03-prefect"
LESSON_IMAGE = "beyond-cron-prefect"
WAREHOUSE_IMAGE = CLICKHOUSE
WAREHOUSE_FILES = tuple(  # the lesson's settings, without which the server would be busy with notes about itself
    word
    for part in ("config", "users")
    for word in ("--volume", f"{LESSON}/warehouse/{part}.xml:/etc/clickhouse-server/{part}.d/lesson.xml:ro")
)
PASSWORD = "beyond-cron"  # that of the lesson, for databases that live as long as the benchmark and publish no port
HOUSE = "/house"  # where a container has bench.inside, and nothing else of the house
INSIDE = ("--volume", f"{ROOT / 'bench/inside'}:{HOUSE}/bench/inside:ro")


def require(who: str, *images: str) -> None:
    """Have an engine, these base images and the lesson's own. Raises UserError when that is not possible."""
    require_engine(who)
    for image in (PYTHON, *images):
        ensure_base(image)
    ensure_stack(LESSON)


class Containers:
    """`with Containers("etl") as containers:` starts containers that know each other by the names given here."""

    def __init__(self, benchmark: str) -> None:
        """Choose names that no other run uses."""
        self.prefix = f"bench-{benchmark}-{os.getpid()}"

    def __enter__(self) -> Self:
        """Make the network."""
        try:
            with uninterrupted():
                docker("network", "create", self.prefix)
        except BaseException:
            self.remove_all()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove everything."""
        self.remove_all()

    def remove_all(self) -> None:
        """Remove the containers, their volumes and the network."""
        with uninterrupted():
            if ids := (ask("ps", "--all", "--quiet", "--filter", f"network={self.prefix}") or "").split():
                ask("rm", "--force", "--volumes", *ids)
            ask("network", "rm", self.prefix)

    def start(
        self, name: str, image: str, *command: str, env: dict[str, str] | None = None, options: tuple[str, ...] = ()
    ) -> None:
        """Start a container in the background."""
        variables = [word for key, value in (env or {}).items() for word in ("--env", f"{key}={value}")]
        place = ("--network", self.prefix, "--network-alias", name, "--name", self.container(name), "--init")
        with uninterrupted():
            docker("run", "--detach", *place, *variables, *options, image, *command)

    def container(self, name: str) -> str:
        """The name that Docker knows a container by."""
        return f"{self.prefix}-{name}"

    def remove(self, name: str) -> None:
        """Remove a container and its volumes."""
        docker("rm", "--force", "--volumes", self.container(name))

    def restart(self, name: str) -> None:
        """Stop a container as Docker does it, and start it again on the same data."""
        docker("restart", self.container(name))

    def start_time(self, name: str) -> str:
        """When a container was started last, as an ISO date in UTC."""
        return docker("inspect", "--format", "{{.State.StartedAt}}", self.container(name))

    def run(self, name: str, *command: str, timeout: float = 600) -> str:
        """What a command prints in a container. Raises UserError with its last words when it fails."""
        return docker("exec", self.container(name), *command, timeout=timeout)

    def lines(self, name: str, *command: str) -> Iterator[str]:
        """The lines of a command in a container as they come, its standard error on ours.

        Raises UserError when it fails.
        """
        return lines("exec", self.container(name), *command)

    def wait_for(self, name: str, *command: str, seconds: int = 90) -> None:
        """Repeat a command in a container, ten times a second, until it succeeds.

        Raises UserError when it has not succeeded after so many seconds.
        """
        again = f'for i in $(seq {seconds * 10}); do "$@" >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1'
        try:
            self.run(name, "sh", "-c", again, "sh", *command)
        except UserError:
            words = last_line(logs(self.container(name), "--tail=1"), "nothing")
            raise UserError(f"{name} does not answer after {seconds} s; its log ends with: {words}") from None
