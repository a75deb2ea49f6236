"""The learner's running stacks as `lab break` and `lab mend` see them: containers, their state, the shop's database."""

import json
import os
import subprocess
import time
from dataclasses import dataclass

from lab.engine import Trouble, step

CRON, PREFECT = LESSONS = ("02-cron", "03-prefect")
PREFECT_SERVICES = {"shop", "generator", "warehouse", "prefect-db", "prefect-server", "worker", "webhook"}
LABEL = "com.docker.compose"


def docker(*words: str, stdin: str | None = None, env: dict[str, str] | None = None) -> str:
    """What a docker command printed. Raises Trouble with the last line of why when it fails or takes two minutes."""
    command = ("docker", *words)
    try:
        done = subprocess.run(command, capture_output=True, text=True, input=stdin, env=env, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        raise Trouble(f"docker {words[0]} did not end in 120 s: docker ps shows what there is") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Trouble(f"docker {words[0]} failed ({reason}): docker ps --all shows what there is")
    return done.stdout.strip()


@dataclass(frozen=True)
class Container:
    """A container as `docker inspect` saw it; `state` is running, paused, exited, …; `health` is "" without a check."""

    name: str
    service: str
    state: str
    health: str
    env: tuple[str, ...]
    labels: dict[str, str]


@dataclass(frozen=True)
class Stack:
    """The containers of a lesson's stack at one moment."""

    lesson: str
    project: str
    containers: tuple[Container, ...]

    def of(self, *services: str) -> list[Container]:
        """The containers of these services, in the order in which the services are named."""
        return [container for name in services for container in self.containers if container.service == name]

    def require(self, *services: str) -> None:
        """Raise Trouble when one of these services does not run, with the command that brings it back."""
        for service in services:
            states = {container.state for container in self.of(service)}
            if not states:
                up = f"docker compose --project-directory {self.lesson} up --detach --wait"
                raise Trouble(f"{self.lesson} has no container of {service}: {up}")
            if "running" not in states:
                raise Trouble(f"{self.lesson}: {service} is {states.pop()}: lab mend")

    def psql(self, statement: str) -> str:
        """What psql answers in the shop; raises Trouble when it fails, or waits five seconds for a lock."""
        flags = ("--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--command", statement)
        shop = ("exec", "--env=PGOPTIONS=-c lock_timeout=5s", self.of("shop")[0].name)
        return docker(*shop, "psql", "--username=shop", "--dbname=shop", *flags)


def project_of(lesson: str) -> str:
    """The name of the learner's Compose project: COMPOSE_PROJECT_NAME, or else that of the lesson's folder."""
    return os.environ.get("COMPOSE_PROJECT_NAME") or lesson


def find(lesson: str) -> Stack | None:
    """The learner's stack of a lesson, None when it does not run.

    02-cron with its one container stopped is asleep, and counts. 03-prefect counts when any of its containers runs.
    """
    project = project_of(lesson)
    mine = (f"--filter=label={LABEL}.project={project}", f"--filter=label={LABEL}.oneoff=False")
    numbers = docker("ps", "--all", "--quiet", *mine).split()
    found = []
    for seen in json.loads(docker("inspect", *numbers)) if numbers else []:
        labels, state = seen["Config"]["Labels"], seen["State"]
        health = state.get("Health", {}).get("Status", "")
        service, env = labels[f"{LABEL}.service"], tuple(seen["Config"]["Env"])
        found.append(Container(seen["Name"].strip("/"), service, state["Status"], health, env, labels))
    if lesson == CRON:
        found = [one for one in found if one.name == "python-scheduler-cron"]
    else:
        found = [one for one in found if one.service in PREFECT_SERVICES]
        found = found if {"running", "paused"} & {one.state for one in found} else []
    return Stack(lesson, project, tuple(found)) if found else None


def wait_until_healthy(lesson: str, service: str) -> None:
    """Return when the containers of a service are healthy. Raises Trouble after 90 s."""
    deadline = time.monotonic() + 90
    with step(f"{lesson}: waiting for {service}"):
        while time.monotonic() < deadline:
            stack = find(lesson)
            there = stack.of(service) if stack else []
            if there and all(one.state == "running" and one.health in ("healthy", "") for one in there):
                return
            time.sleep(0.3)
    logs = f"docker compose -p {project_of(lesson)} logs {service}"
    raise Trouble(f"{lesson}: {service} is not healthy after 90 s: {logs}")
