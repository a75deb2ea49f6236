"""What the containers of a lesson say, before anybody in them is asked: their states, exit codes and errors."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from engine.containers import LABEL, Container
from engine.core import last_line
from engine.docker import ask, logs
from lab.why.cause import Cause, Look

DONE = "service_completed_successfully"  # the condition under which Compose makes others wait for the end of a service
STARTING = timedelta(minutes=5)  # a container that Compose has created, and that waits for others
RESTARTS = 3  # from so many on it is no accident
MEMORY_SECONDS = 600  # how long ago a process was killed that still explains something
DATABASES = ("postgres:", "clickhouse/clickhouse-server:", "mariadb:")
TAKEN = ("port is already allocated", "address already in use")  # Docker's words, and those of the kernel


def is_server(container: Container) -> bool:
    """Whether it is Prefect's server."""
    return "server start" in " ".join(container.command)


def is_worker(container: Container) -> bool:
    """Whether it is a worker of Prefect."""
    return "worker start" in " ".join(container.command)


def role(container: Container) -> str:
    """The cause that it is when this container does not run."""
    if is_server(container):
        return "no server"
    if is_worker(container):
        return "no worker"
    return "database away" if container.image.startswith(DATABASES) else "container stopped"


def is_client(container: Container) -> bool:
    """Whether it asks Prefect's server: a worker, or what deploys."""
    return is_worker(container) or bool(container.variable("PREFECT_API_URL"))


def needed(containers: list[Container]) -> list[Container]:
    """The containers without which no run starts: server and clients, and all that Compose starts before them.

    Where there is no Prefect, all of them.
    """
    services = {one.service for one in containers if is_client(one) or is_server(one)}
    while more := {need for one in containers if one.service in services for need in one.needs} - services:
        services |= more
    return [one for one in containers if one.service in services or not services]


def ends_by_itself(container: Container, containers: list[Container]) -> bool:
    """Whether it is a job, such as the deployer of lesson 03: what deploys, or what others wait for the end of.

    A container that was made with `--no-deps` has forgotten whom it waits for.
    """
    deploys = is_client(container) and not is_worker(container)
    return deploys or any(one.needs.get(container.service) == DONE for one in containers)


def look_at(look: Look, containers: list[Container]) -> bool:
    """Add what keeps containers from running. False: they are still starting, so it is too early to judge the rest."""
    look.looked.append(f"{len(containers)} container{'s' * (len(containers) > 1)}")
    project = containers[0].labels[f"{LABEL}.project"]
    if all(one.state == "exited" for one in containers if not ends_by_itself(one, containers)):
        seen = "every container of the stack is stopped"
        look.causes.append(Cause("container stopped", seen, show_states(project)))
        return True
    look.causes += killed_for_memory(containers)
    look.causes += not_started(unexplained(containers, look))  # too little memory keeps one from starting, too
    look.causes += not_running(unexplained(needed(containers), look), project)
    waiting = [one for one in needed(containers) if is_starting(one, containers)]
    if waiting and not look.causes:
        look.notes.append(f"still starting: {', '.join(one.name for one in waiting)}")
    return not waiting


def show_states(project: str) -> str:
    """The command that lists the containers of a project."""
    return f"docker ps --all --filter label={LABEL}.project={project}"


def show_state(container: Container) -> str:
    """The command that shows all of a container's state."""
    return f"docker inspect --format '{{{{json .State}}}}' {container.name}"


def unexplained(containers: list[Container], look: Look) -> list[Container]:
    """The containers that no cause has named yet."""
    known = {cause.show for cause in look.causes}
    return [one for one in containers if show_state(one) not in known]


def killed_for_memory(containers: list[Container]) -> Iterator[Cause]:
    """Containers in which the kernel has killed a process.

    Docker's API: State.OOMKilled. Versions differ in whether a restart clears it; the event `oom` stays.
    """
    until = f"--until={time.time():.0f}"
    events = ask("events", f"--since={MEMORY_SECONDS}s", until, "--filter=event=oom", "--format={{.Actor.ID}}") or ""
    for one in containers:
        if one.out_of_memory or one.id in events.split():
            now = f"it is {one.state}" + (f" with exit code {one.exit_code}" if one.exit_code else "")
            seen = f"{one.name}: the kernel killed a process for memory (signal 9, exit code 137); {now}"
            yield Cause("killed for memory", seen, show_state(one))


def not_started(containers: list[Container]) -> Iterator[Cause]:
    """Containers that Docker could not start, by the error that it keeps until the next start (State.Error)."""
    for one in containers:
        if one.error and one.state in ("created", "exited"):
            name = "port taken" if any(words in one.error for words in TAKEN) else "container stopped"
            port = f", it wants {', '.join(one.ports)}" if one.ports else ""
            yield Cause(name, f"{one.name} is {one.state}{port}: {last_line(one.error)}", show_state(one))


def not_running(containers: list[Container], project: str) -> Iterator[Cause]:
    """Containers that are paused, or have ended; one cause for all of a kind.

    A service that still runs in another container is not away.
    """
    running = {one.service for one in containers if one.state == "running"}
    found = defaultdict(list)
    for one in sorted(containers, key=lambda one: one.name):
        if one.state == "paused":
            found["container paused"].append(f"{one.name} is paused")
        elif one.state in ("exited", "dead") and not ends_by_itself(one, containers):
            name = "container stopped" if one.service in running else role(one)
            found[name].append(f"{one.name} is {one.state} with exit code {one.exit_code}")
    for name, seen in found.items():
        yield Cause(name, "; ".join(seen), show_states(project))


def is_starting(container: Container, containers: list[Container]) -> bool:
    """Whether it is on its way: a healthcheck has not passed yet, or Compose still waits for others before it.

    Compose creates all containers first, and starts each when what it depends on is healthy or done.
    """
    if container.state == "created":
        return datetime.now(UTC) - container.created < STARTING
    waits = container.health == "starting" or ends_by_itself(container, containers)
    return container.state == "running" and waits and not comes_and_goes(container)


def comes_and_goes(container: Container) -> bool:
    """Whether it ends again and again, and Docker starts it each time."""
    return container.state == "restarting" or (container.restarts >= RESTARTS and container.health == "starting")


def unhealthy(containers: list[Container]) -> Iterator[Cause]:
    """What is wrong with a container, and nothing else explains: for when no other cause was found."""
    tests: dict[str, Callable[[Container], bool]] = {
        "container restarts": comes_and_goes,
        "container unhealthy": lambda one: one.health == "unhealthy" and one.state == "running",
        "nothing deployed": lambda one: one.exit_code != 0 and ends_by_itself(one, containers),
        "no worker": lambda one: one.state == "created",
    }
    for one in needed(containers):
        for name, test in tests.items():
            if test(one):
                said = one.checked if name == "container unhealthy" else last_line(logs(one.name, "--tail=20"), "")
                seen = f"{one.name} is {one.health or one.state}, restarts: {one.restarts}, exit code: {one.exit_code}"
                yield Cause(name, f"{seen}: {said or 'it said nothing'}", f"docker logs --tail 20 {one.name}")
                break
