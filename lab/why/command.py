"""`lab why`: where it looks, in which order, and what it prints."""

import re
from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from engine.containers import Container, of_project, project_of
from engine.core import ROOT, UserError
from engine.docker import why_silent
from engine.web import PrefectApi
from lab.console import judged, out, plural
from lab.why import containers as boxes
from lab.why import crontab, host, plans, waiting
from lab.why.cause import Look
from lab.why.crontab import Lint
from lab.why.prefect import Server, answer_of, ask_facts, container_client, failed_last, refused

CRON = "python-scheduler-cron"


def command(lint: Lint) -> Callable[..., None]:
    """The command, with the linter of another wing for the crontabs."""

    def why(
        lesson: Annotated[str | None, typer.Argument(help="02-cron or another; without it: all that are here.")] = None,
    ) -> None:
        """Say why nothing runs: the cause, the evidence, and the paragraph to read. Exit code 1 when one is found."""
        with out.status("looking"):
            looks = look_around(lint, lesson)
        for look in looks:
            typer.echo("\n".join(lines(look)))
        judged(not any(look.causes for look in looks))

    return why


def look_around(lint: Lint, only: str | None = None) -> list[Look]:
    """A look at each lesson of which there is something here, or at one only.

    Raises UserError when there is nothing of any, and when there is no such lesson.
    """
    lessons = sorted(path.parent.name for path in ROOT.glob("[0-9][0-9]-*/docker-compose.yml"))
    if only not in (None, *lessons):
        raise UserError(f"there is no lesson {only!r}; there is: {', '.join(lessons)}")
    lessons = [only] if only else lessons
    silent, looks = why_silent(), []
    for lesson in [] if silent else lessons:
        if stack := [one for one in of_project(project_of(lesson)) if is_of(one, lesson)]:
            looks.append(look_at(lesson, stack, lint))
    if host.LESSON.name in lessons and (found := host.server()):
        look, server = found
        if server:
            look_at_server(look, server, ready=True)
        looks.append(look)
    if not looks and silent:
        raise UserError(f"there is nothing to look at, for Docker does not answer ({silent}): lab doctor")
    if not looks:
        what = f"{only} has no container" if only else "no lesson has a container"
        up = f"docker compose --project-directory {ROOT / lessons[0]} up --detach --wait"
        raise UserError(f"there is nothing to look at: {what}; start one: {up}")
    return looks


def is_of(container: Container, lesson: str) -> bool:
    """Whether a container was made from the compose file of a lesson, in whatever clone or copy of it."""
    folder = container.labels.get("com.docker.compose.project.working_dir", "")
    return folder.rstrip("/").endswith(f"/{lesson}")


def look_at(lesson: str, stack: list[Container], lint: Lint) -> Look:
    """What keeps things from running in the stack of a lesson."""
    look = Look(lesson)
    ready = boxes.look_at(look, stack)
    cron = next((one for one in stack if one.name == CRON and one.state == "running"), None)
    if cron:
        crontab.look_at(look, cron, lint)
    server = next((one for one in stack if boxes.is_server(one) and one.state == "running"), None)
    if server and server.health != "starting":
        look_at_server(look, server_of(server, stack), ready)
    if not look.causes and ready:
        look.causes += boxes.unhealthy(stack)
    return look


def server_of(container: Container, stack: list[Container]) -> Server:
    """The Prefect server in a container, with those in the stack that ask it."""
    clients = tuple(
        container_client(one, works=boxes.is_worker(one), limit=limit_of(one)) for one in stack if boxes.is_client(one)
    )
    login = container.variable("PREFECT_SERVER_API_AUTH_STRING")
    address = next(iter(container.ports), "127.0.0.1:4200")
    worker = next((one.name for one in stack if boxes.is_worker(one) and one.state == "running"), "")
    settings = f"--env PREFECT_API_URL=http://localhost:4200/api --env PREFECT_API_AUTH_STRING={login}"
    return Server(
        api=PrefectApi(address, login, patience=1),
        address=address,
        command=f"docker exec {worker or f'{settings} {container.name}'} prefect",
        show=f"docker logs --tail 20 {container.name}",
        clients=clients,
    )


def limit_of(container: Container) -> int | None:
    """How many runs a worker takes at a time, None when it has no `--limit`."""
    found = re.search(r"--limit[ =](\d+)", " ".join(container.command))
    return int(found[1]) if found else None


def look_at_server(look: Look, server: Server, ready: bool) -> None:
    """Add what a Prefect server and its workers say; what is planned is judged only once all is `ready`."""
    look.looked.append(f"the API at {server.address}")
    look.causes += [] if look.has("database away") else server.unreachable()
    if look.has("no server", "database away") and server.not_ready():
        return
    seen = ask_facts(server.api)
    answers = [answer_of(client, [*plans.files_of(seen)]) for client in server.clients]
    look.causes += refused(answers)
    if not ready or look.has("wrong API address", "wrong API password"):
        return
    look.looked += [
        plural(len(seen.deployments), "deployment"),
        f"{plural(len(seen.waiting), 'planned run')} and {len(seen.at_work)} at work",
    ]
    look.causes += plans.nothing_deployed(server, seen)
    look.causes += plans.paused(server, seen)
    look.causes += plans.no_scheduled_runs(server, seen)
    look.causes += plans.flow_file_missing(server, seen, answers)
    dead = waiting.zombies(server, seen, answers)
    look.causes += waiting.zombie_runs(server, seen, dead)
    look.causes += waiting.waiting_runs(server, seen, dead, {cause.name for cause in look.causes})
    look.causes += waiting.cancelled_by_limit(server, seen, dead)
    look.causes += waiting.tag_limits(server, dead)
    look.notes += failed_last(server, seen)


def lines(look: Look) -> Iterator[str]:
    """What was found in one place, in plain lines."""
    if not look.causes:
        yield f"{look.place}: nothing found; looked at {', '.join(look.looked)}"
    for cause in look.causes:
        yield f"{look.place}: {cause.name}"
        yield f"  seen: {cause.seen}"
        yield f"  show: {cause.show}"
        yield f"  read: {cause.read}"
    if look.has("unknown"):
        yield f"{look.place}: looked at {', '.join(look.looked)}"
    for note in look.notes:
        yield f"  note: {note}"
