"""What a fault of `lab break` is, and the two kinds that many of them are."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.docker import ask, docker
from lab.faults.stack import CRON, PREFECT, Stack, wait_until_healthy


@dataclass(frozen=True, kw_only=True)
class Act:
    """How a fault is switched on and off in the stack of one lesson.

    `what` says what happens, `watch` is the command that shows it; {project} in it stands for the stack's project.
    `needs` names the services that must run for the three functions. Each of the three raises UserError when it fails.
    """

    what: str
    watch: str
    is_on: Callable[[Stack], bool]
    switch_on: Callable[[Stack], None]
    switch_off: Callable[[Stack], None] | None  # None: there is nothing to switch off
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NotHere:
    """A fault does not apply to a lesson's stack, for this reason."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault of the fault board, and what it is on each of the two stacks."""

    name: str
    on_cron: Act | NotHere
    on_prefect: Act | NotHere

    def on(self, lesson: str) -> Act | NotHere:
        """What the fault is on the stack of a lesson."""
        return {CRON: self.on_cron, PREFECT: self.on_prefect}[lesson]


def freeze_one(name: str) -> None:
    """Freeze a container. A busy engine refuses that now and then, "unable to freeze": it is asked again."""
    for _ in range(4):
        if ask("pause", name) is not None:
            return
        time.sleep(1)
    docker("pause", name)


def containers_frozen(*, what: str, watch: str, services: tuple[str, ...]) -> Act:
    """A fault that freezes the containers of some services in the middle of what they do."""

    def freeze(stack: Stack) -> None:
        stack.require(*services)
        for name in names_in(stack, "running", *reversed(services)):
            freeze_one(name)

    def thaw(stack: Stack) -> None:
        docker("unpause", *names_in(stack, "paused", *services))

    return Act(
        what=what,
        watch=watch,
        is_on=lambda stack: bool(names_in(stack, "paused", *services)),
        switch_on=freeze,
        switch_off=thaw,
    )


def containers_stopped(*, what: str, watch: str, services: tuple[str, ...]) -> Act:
    """A fault that stops the containers of some services."""

    def stop(stack: Stack) -> None:
        stack.require(*services)
        docker("stop", *names_in(stack, "running", *reversed(services)))

    def start(stack: Stack) -> None:
        for service in services:  # one after the other: a worker needs its server
            if names := names_in(stack, "exited", service):
                docker("start", *names)
                wait_until_healthy(stack.lesson, service)

    return Act(
        what=what,
        watch=watch,
        is_on=lambda stack: bool(names_in(stack, "exited", *services)),
        switch_on=stop,
        switch_off=start,
    )


def names_in(stack: Stack, state: str, *services: str) -> list[str]:
    """The names of the containers of these services that are in a state, in the order of the services."""
    return [container.name for container in stack.of(*services) if container.state == state]


def database_changed(*, what: str, watch: str, is_on: str, switch_on: str, switch_off: str) -> Act:
    """A fault in the shop's database: a query that answers true while it is on, and two statements."""

    def execute(statement: str) -> Callable[[Stack], None]:
        def in_stack(stack: Stack) -> None:
            stack.psql(statement)

        return in_stack

    return Act(
        what=what,
        watch=watch,
        is_on=lambda stack: stack.psql(is_on) == "t",
        switch_on=execute(switch_on),
        switch_off=execute(switch_off),
        needs=("shop",),
    )
