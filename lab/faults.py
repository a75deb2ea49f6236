"""The faults that `lab break` switches on in the learner's own stacks, and `lab mend` off again.

What is on is read from the containers and from the shop's database. Nothing is written down, so nothing can be stale.
"""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.engine import Trouble, step
from lab.faults_stack import CRON, LABEL, PREFECT, Stack, docker, find, wait_until_healthy

BENCH = ("step-order", "branch", "lost-window", "dst-night", "backfill", "sub-minute", "overhead")
LOCKER = "lab break slow-run"  # the name under which the session that holds the lock is seen
# The brackets keep this shell, whose command line has the pattern in it, from killing itself.
KILL_RUNS = """n=0; for p in /proc/[0-9]*; do grep -q '[p]refect.engine' $p/cmdline 2>/dev/null &&
kill -9 ${p#/proc/} && n=$((n+1)); done; echo $n"""
NO_SOURCE = "services: { worker: { environment: { SOURCE_URL: !reset null } } }"
AHEAD = "interval '180 years'"
LINES = "docker exec python-scheduler-cron tail -n 3 /var/log/cron.log"
ALERTS = "docker compose -p {project} logs --follow webhook"
RUNS = "docker compose -p {project} exec worker prefect flow-run ls"


@dataclass(frozen=True)
class Act:
    """A fault on one stack: in words, the command that shows it, how to see it, to switch it on, and to switch it off.

    In `watch`, {project} stands for the name of the stack's project. `needs` names the services that must run for the
    three functions. Each of them may raise Trouble.
    """

    what: str
    watch: str
    is_on: Callable[[Stack], bool]
    on: Callable[[Stack], object]
    off: Callable[[Stack], object] | None  # None: there is nothing to switch off
    needs: tuple[str, ...] = ()


def containers(what: str, watch: str, services: tuple[str, ...], verbs: tuple[str, str], state: str) -> Act:
    """A fault that brings the containers of some services into a state by a verb of docker, and back by another."""

    def on(stack: Stack) -> None:
        stack.require(*services)
        docker(verbs[0], *(one.name for one in reversed(stack.of(*services)) if one.state == "running"))

    def off(stack: Stack) -> None:
        for service in services:  # one after the other: a worker needs its server
            if names := [one.name for one in stack.of(service) if one.state == state]:
                docker(verbs[1], *names)
                if verbs[1] == "start":  # what was frozen goes on at once
                    wait_until_healthy(stack.lesson, service)

    return Act(what, watch, lambda stack: state in {one.state for one in stack.of(*services)}, on, off)


def database(what: str, watch: str, *, seen: str, on: str, off: str) -> Act:
    """A fault in the shop's database: a condition that is true when it is on, and the two statements."""
    return Act(
        what, watch, lambda stack: stack.psql(f"SELECT {seen}") == "t", lambda stack: stack.psql(on),
        lambda stack: stack.psql(off), needs=("shop",),
    )  # fmt: skip


def take_lock(stack: Stack) -> None:
    """Leave a psql in the shop's container that locks a table; it goes with its session."""
    lock = "BEGIN; LOCK TABLE order_lines IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(86400)"  # else the session ends
    shop = stack.of("shop")[0].name
    docker("exec", "--detach", f"--env=PGAPPNAME={LOCKER}", shop, "psql", "-U", "shop", "-d", "shop", "-c", lock)
    deadline = time.monotonic() + 10
    while not SLOW_RUN.is_on(stack):
        if time.monotonic() > deadline:
            raise Trouble(f"{stack.lesson}: psql took no lock in 10 s: docker compose -p {stack.project} logs shop")
        time.sleep(0.1)


def deploy_worker(stack: Stack, override: str) -> None:
    """Create the workers again, as many as there are, from the files of their stack and what is laid over them."""
    stack.require("prefect-server", "worker")
    # Another service's labels: those of a worker that was created here name the override too.
    labels = next(one.labels for one in stack.containers if one.service != "worker")
    files = [f"--file={file}" for file in labels[f"{LABEL}.project.config_files"].split(",")]
    folder = f"--project-directory={labels[f'{LABEL}.project.working_dir']}"
    # The port that the stack was started with is known to its workers only, if another terminal started it.
    port = re.search(r"PREFECT_UI_URL=\S+:(\d+)", "\n".join(stack.of("worker")[0].env))
    env = os.environ | ({"PREFECT_PORT": port[1]} if port else {})
    up = ("up", "--detach", "--wait", "--no-deps", "--no-build", f"--scale=worker={len(stack.of('worker'))}", "worker")
    docker("compose", f"--project-name={stack.project}", folder, *files, "--file=-", *up, stdin=override, env=env)


def kill_a_run(stack: Stack) -> None:
    """Wait until a run reads from the shop, and kill its process. Raises Trouble when none does within 130 s."""
    deadline = time.monotonic() + 130
    with step(f"{stack.lesson}: waiting for a run at work, the schedule has one every two minutes"):
        while time.monotonic() < deadline:
            if stack.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'etl'") != "0":
                workers = [worker.name for worker in stack.of("worker") if worker.state == "running"]
                if any(docker("exec", worker, "sh", "-c", KILL_RUNS) != "0" for worker in workers):
                    return
            time.sleep(0.1)
    command = f"docker compose -p {stack.project} exec worker prefect deployment run sales-etl/backfill -p full=true"
    raise Trouble(f"{stack.lesson}: no run was at work in 130 s; start one: {command}")


def move_job(stack: Stack, script: str) -> str:
    """Run a line of shell in the container of 02-cron, beside the job."""
    return docker("exec", "--workdir=/app", stack.of("python-app")[0].name, "sh", "-c", script)


SLOW_RUN = Act(
    "a migration locks order_lines: the run that reads it waits, those that are due meanwhile are cancelled",
    RUNS,
    lambda stack: stack.psql(f"SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = '{LOCKER}'") == "t",
    take_lock,
    lambda stack: stack.psql(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{LOCKER}'"
    ),
    needs=("shop",),
)

# Fault → lesson → how to do it, or why it does not apply. In this order they are mended: what must run comes first.
FAULTS: dict[str, dict[str, Act | str]] = {
    "paused": {
        CRON: containers(
            "cron and its clock are frozen: minutes pass without a run",
            LINES, ("python-app",), ("pause", "unpause"), "paused",
        ),
        PREFECT: containers(
            "server and worker are frozen in the middle of what they do; the shop goes on",
            "docker compose -p {project} ps", ("prefect-server", "worker"), ("pause", "unpause"), "paused",
        ),
    },
    "host-asleep": {
        CRON: containers(
            "the machine is off: the container is stopped, and its minutes are lost",
            "docker ps --all --filter name=python-scheduler-cron", ("python-app",), ("stop", "start"), "exited",
        ),
        PREFECT: containers(
            "the machine is off: server and worker are stopped; the shop goes on",
            "docker compose -p {project} ps --all", ("prefect-server", "worker"), ("stop", "start"), "exited",
        ),
    },
    "upstream-down": {
        CRON: "its job asks nobody for anything",
        PREFECT: containers(
            "the shop's database is stopped: runs fail, and an alert says so",
            ALERTS, ("shop",), ("stop", "start"), "exited",
        ),
    },
    "slow-run": {CRON: "its job takes a tenth of a second and waits for nobody", PREFECT: SLOW_RUN},
    "no-env": {
        CRON: "always so: cron gives a job no GREETING, whatever the compose file says",
        PREFECT: Act(
            "the worker is deployed without SOURCE_URL: each run fails, and an alert says so",
            ALERTS,
            lambda stack: any("SOURCE_URL=" not in "\n".join(one.env) for one in stack.of("worker")),
            lambda stack: deploy_worker(stack, NO_SOURCE),
            lambda stack: deploy_worker(stack, "services: {}"),
        ),
    },
    "silent-failure": {
        CRON: Act(
            "app.py is gone: the job fails each minute, and nobody is told",
            LINES,
            lambda stack: "A /app/app.py.away" in docker("diff", stack.of("python-app")[0].name).splitlines(),
            lambda stack: move_job(stack, "mv app.py app.py.away"),
            lambda stack: move_job(stack, "if [ -e app.py ]; then rm -f app.py.away; else mv app.py.away app.py; fi"),
            needs=("python-app",),
        ),
        PREFECT: database(
            "the role etl may not read orders any more: each run fails, and an alert says so",
            ALERTS,
            seen="NOT has_table_privilege('etl', 'orders', 'select')",
            on="REVOKE SELECT ON orders FROM etl",
            off="GRANT SELECT ON orders TO etl",
        ),
    },
    "burst": {
        CRON: "it has one job, and nothing that several could crowd",
        PREFECT: database(
            "the shop grants etl two connections, a run wants three: tasks are refused, and try again",
            "docker compose -p {project} logs --follow worker",
            seen="rolconnlimit > -1 FROM pg_roles WHERE rolname = 'etl'",
            on="ALTER ROLE etl CONNECTION LIMIT 2",
            off="ALTER ROLE etl CONNECTION LIMIT -1",
        ),
    },
    "crash": {
        CRON: "its job is over before anybody could kill it",
        PREFECT: Act(
            "the run that is at work is killed -9, once: Crashed, and the next one brings its rows",
            ALERTS, lambda _: False, kill_a_run, None, needs=("shop", "worker"),
        ),
    },
    "poison": {
        CRON: "its job reads no data",
        # ClickHouse's DateTime ends in 2106: what arrives is another date, and the fingerprints differ.
        PREFECT: database(
            "an order is dated 180 years ahead, which the warehouse cannot hold: the check refuses each load",
            ALERTS,
            seen="count(*) > 0 FROM orders WHERE ordered_at > '2106-01-01'",
            on=f"UPDATE orders SET ordered_at = ordered_at + {AHEAD} WHERE id = (SELECT max(id) FROM orders)",
            off=f"UPDATE orders SET ordered_at = ordered_at - {AHEAD} WHERE ordered_at > '2106-01-01'",
        ),
    },
}  # fmt: skip


def acts(lesson: str) -> dict[str, Act]:
    """The faults that apply to a lesson's stack, by name, in the order in which they are mended."""
    return {name: act for name, on in FAULTS.items() if isinstance(act := on[lesson], Act)}


def is_on(stack: Stack, act: Act) -> bool:
    """Whether a fault is on. Raises Trouble when the stack cannot be asked, because a service does not run."""
    stack.require(*act.needs)
    return act.is_on(stack)


def mend(lesson: str) -> tuple[list[str], list[str]]:
    """Switch off all that is on in a lesson's stack; return the names, and in a line each what could not be done."""
    mended, troubles = [], []
    for name, act in acts(lesson).items():
        try:
            if (stack := find(lesson)) and act.off and is_on(stack, act):
                act.off(stack)
                mended.append(name)
        except Trouble as trouble:
            troubles.append(str(trouble))
    return mended, list(dict.fromkeys(troubles))
