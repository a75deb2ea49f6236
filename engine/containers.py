"""The containers of a Compose project, as `docker inspect` shows them."""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.docker import docker

LABEL = "com.docker.compose"


@dataclass(frozen=True)
class Container:
    """A container as `docker inspect` shows it.

    `state` is created, running, paused, restarting or exited; `health` is "" where there is no healthcheck, else
    starting, healthy or unhealthy, and `checked` is what the last check printed. `error` is why Docker could not start
    it, `started` when it was started last, `restarts` counts how often Docker has started it again by itself.
    `out_of_memory` says that the kernel has killed a process in it, its first one or another. `needs` has the services
    that Compose starts before it, with the condition, and `ports` those of the host, as 127.0.0.1:4200.
    """

    id: str
    created: datetime
    name: str
    service: str
    image: str
    command: tuple[str, ...]
    state: str
    exit_code: int
    out_of_memory: bool
    error: str
    started: str
    restarts: int
    health: str
    checked: str
    env: tuple[str, ...]
    labels: dict[str, str]
    needs: dict[str, str]
    ports: tuple[str, ...]

    def variable(self, name: str) -> str:
        """A variable of its environment, "" where it has none of that name."""
        return next((line.partition("=")[2] for line in self.env if line.startswith(f"{name}=")), "")


def project_of(lesson: str) -> str:
    """The name of the learner's Compose project: COMPOSE_PROJECT_NAME, or else that of the lesson's folder."""
    return os.environ.get("COMPOSE_PROJECT_NAME") or lesson


def of_project(project: str) -> list[Container]:
    """All containers of a Compose project, stopped ones too, but for those of `docker compose run`."""
    filters = (f"--filter=label={LABEL}.project={project}", f"--filter=label={LABEL}.oneoff=False")
    ids = docker("ps", "--all", "--quiet", *filters).split()
    return [container_of(inspected) for inspected in json.loads(docker("inspect", *ids))] if ids else []


def container_of(inspected: dict[str, Any]) -> Container:
    """A container, from what `docker inspect` prints of it."""
    config, state = inspected["Config"], inspected["State"]
    labels, health = config["Labels"], state.get("Health") or {}
    bindings = (inspected["HostConfig"].get("PortBindings") or {}).values()
    return Container(
        id=inspected["Id"],
        created=datetime.fromisoformat(inspected["Created"]),
        name=inspected["Name"].strip("/"),
        service=labels[f"{LABEL}.service"],
        image=config["Image"],
        command=(inspected["Path"], *inspected["Args"]),
        state=state["Status"],
        exit_code=state["ExitCode"],
        out_of_memory=state.get("OOMKilled", False),
        error=state.get("Error", ""),
        started=state.get("StartedAt", ""),
        restarts=inspected.get("RestartCount", 0),
        health=health.get("Status", ""),
        checked=(health.get("Log") or [{}])[-1].get("Output", "").strip(),
        env=tuple(config["Env"]),
        labels=labels,
        needs=dict(word.split(":")[:2] for word in labels.get(f"{LABEL}.depends_on", "").split(",") if word),
        ports=tuple(f"{one['HostIp']}:{one['HostPort']}" for of in bindings for one in of or []),
    )
