"""The learner's running stacks as `lab break` and `lab fix` see them: containers, their state, the shop's database."""

import time
from dataclasses import dataclass

from engine.containers import Container, of_project, project_of
from engine.core import ROOT, UserError, step
from engine.docker import docker

CRON, PREFECT = LESSONS = ("02-cron", "03-prefect")
PREFECT_SERVICES = {"shop", "generator", "warehouse", "prefect-db", "prefect-server", "worker", "webhook"}


def start_command(lesson: str) -> str:
    """The command that starts the stack of a lesson, from whichever folder."""
    return f"docker compose --project-directory {ROOT / lesson} up --detach --wait"


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
        """Raise UserError when one of these services does not run, with the command that brings it back."""
        for service in services:
            states = {container.state for container in self.of(service)}
            if not states:
                raise UserError(f"{self.lesson} has no container of {service}: {start_command(self.lesson)}")
            if "running" not in states:
                by_hand = f"docker {'unpause' if 'paused' in states else 'start'} {self.of(service)[0].name}"
                raise UserError(f"{self.lesson}: {service} is {states.pop()}: lab fix, or {by_hand}")

    def psql(self, statement: str) -> str:
        """What psql answers in the shop. Raises UserError when it fails, or waits five seconds for a lock."""
        flags = ("--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--command", statement)
        shop = ("exec", "--env=PGOPTIONS=-c lock_timeout=5s", self.of("shop")[0].name)
        return docker(*shop, "psql", "--username=shop", "--dbname=shop", *flags)


def find(lesson: str) -> Stack | None:
    """The learner's stack of a lesson, None when it does not run.

    02-cron with its one container stopped is asleep, and counts. 03-prefect counts when any of its containers runs.
    """
    project = project_of(lesson)
    containers = of_project(project)
    if lesson == CRON:
        containers = [container for container in containers if container.name == "python-scheduler-cron"]
    else:
        containers = [container for container in containers if container.service in PREFECT_SERVICES]
        if not {"running", "paused"} & {container.state for container in containers}:
            return None
    return Stack(lesson, project, tuple(containers)) if containers else None


def wait_until_healthy(lesson: str, service: str) -> None:
    """Wait until the containers of a service are healthy. Raises UserError after 90 s."""
    deadline = time.monotonic() + 90
    with step(f"{lesson}: waiting for {service}"):
        while time.monotonic() < deadline:
            stack = find(lesson)
            containers = stack.of(service) if stack else []
            if containers and all(one.state == "running" and one.health in ("healthy", "") for one in containers):
                return
            time.sleep(0.3)
    logs = f"docker compose -p {project_of(lesson)} logs {service}"
    raise UserError(f"{lesson}: {service} is not healthy after 90 s: {logs}")
