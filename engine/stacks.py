"""A Compose project that leaves nothing behind."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.core import uninterrupted
from engine.docker import docker


class Project:
    """`with Project(folder, "name") as project:` removes its containers, networks and volumes before and after."""

    def __init__(self, folder: Path, name: str, env: Mapping[str, str] | None = None) -> None:
        """The stack of `folder`, under a name of its own; `env` is what its docker-compose.yml is given."""
        self.folder, self.name = folder, name
        self.env = os.environ | {"COMPOSE_PROJECT_NAME": name} | dict(env or {})
        self.env.pop("COMPOSE_FILE", None)

    def __enter__(self) -> Self:
        """Remove what an earlier run may have left."""
        self.down()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove everything."""
        self.down()

    def compose(self, *words: str, stdin: str | None = None, timeout: float | None = 600) -> str:
        """What a docker compose command prints. Raises UserError, with the last line of its output, when it fails."""
        return docker("compose", *words, stdin=stdin, env=self.env, cwd=self.folder, timeout=timeout)

    def up(self, *words: str) -> None:
        """Start services, or all, and wait until they are healthy."""
        self.compose("up", "--detach", "--wait", *words)

    def down(self) -> None:
        """Remove everything; Ctrl-C waits until that is done."""
        with uninterrupted():
            self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "1")

    def exec(self, service: str, *command: str, stdin: str | None = None) -> str:
        """What a command prints in the container of a service."""
        return self.compose("exec", "-T", service, *command, stdin=stdin)

    def container(self, service: str) -> str:
        """The name of the first container of a service."""
        return f"{self.name}-{service}-1"

    def address(self, service: str, port: int) -> str:
        """Where a port of a service is published: host:port."""
        return self.compose("port", service, str(port))
