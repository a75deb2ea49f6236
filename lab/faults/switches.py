"""How the faults that need more than a statement or a state of a container are switched on and off."""

import os
import re
import time
from pathlib import Path

from engine.containers import LABEL
from engine.core import UserError, step
from engine.docker import docker
from lab.faults.stack import Stack

FOLDER = Path(__file__).parent
LOCKER = "lab break slow-run"  # the name under which PostgreSQL lists the session that holds the lock


# slow-run: a session in the shop's container holds a lock.


def is_locked(stack: Stack) -> bool:
    """Whether the session that holds the lock is there."""
    return stack.psql(f"SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = '{LOCKER}'") == "t"


def lock(stack: Stack) -> None:
    """Leave a psql in the shop's container that locks order_lines. Raises UserError when it has no lock after 10 s."""
    statements = "BEGIN; LOCK TABLE order_lines IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(86400)"  # a day
    psql = ("psql", "--username=shop", "--dbname=shop", "--command", statements)
    docker("exec", "--detach", f"--env=PGAPPNAME={LOCKER}", stack.of("shop")[0].name, *psql)
    deadline = time.monotonic() + 10
    while not is_locked(stack):
        if time.monotonic() > deadline:
            raise UserError(f"{stack.lesson}: psql took no lock in 10 s: docker compose -p {stack.project} logs shop")
        time.sleep(0.1)


def unlock(stack: Stack) -> None:
    """End the session, and the lock with it."""
    stack.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{LOCKER}'")


# no-env: the workers are created again without a variable.


def is_without_source(stack: Stack) -> bool:
    """Whether a worker has no SOURCE_URL."""
    return any(not any(line.startswith("SOURCE_URL=") for line in worker.env) for worker in stack.of("worker"))


def deploy_without_source(stack: Stack) -> None:
    """Create the workers again, without SOURCE_URL."""
    deploy_workers(stack, FOLDER / "without_source_url.yml")


def deploy_with_source(stack: Stack) -> None:
    """Create the workers again, as their lesson has them."""
    deploy_workers(stack)


def deploy_workers(stack: Stack, *overrides: Path) -> None:
    """Create the workers again, as many as there are, from the files of their stack and `overrides`."""
    stack.require("prefect-server", "worker")
    # Another service's labels: those of a worker that was created here name the override too.
    labels = next(container.labels for container in stack.containers if container.service != "worker")
    files = [*labels[f"{LABEL}.project.config_files"].split(","), *map(str, overrides)]
    folder = labels[f"{LABEL}.project.working_dir"]
    # The port that the stack was started with is known to its workers only, if another terminal started it.
    port = re.search(r"PREFECT_UI_URL=\S+:(\d+)", "\n".join(stack.of("worker")[0].env))
    docker(
        *("compose", f"--project-name={stack.project}", f"--project-directory={folder}"),
        *(f"--file={file}" for file in files),
        *("up", "--detach", "--wait", "--no-deps", "--no-build", f"--scale=worker={len(stack.of('worker'))}", "worker"),
        env=os.environ | ({"PREFECT_PORT": port[1]} if port else {}),
    )


# silent-failure on cron: the program of the job is moved away.


def is_app_away(stack: Stack) -> bool:
    """Whether app.py lies under another name in the container."""
    return "A /app/app.py.away" in docker("diff", stack.of("python-app")[0].name).splitlines()


def move_app_away(stack: Stack) -> None:
    """Give app.py another name in the container."""
    docker("exec", stack.of("python-app")[0].name, "mv", "/app/app.py", "/app/app.py.away")


def bring_app_back(stack: Stack) -> None:
    """Give app.py its name back."""
    shell(stack.of("python-app")[0].name, FOLDER / "bring_back_app.sh")


def shell(container: str, program: Path) -> str:
    """What a shell program prints in a container."""
    return docker("exec", "--interactive", container, "sh", "-s", stdin=program.read_text(encoding="utf-8"))


# crash: the process of a run is killed, once.


def is_never_on(stack: Stack) -> bool:
    """False: a crash is over as soon as it has happened."""
    return False


def kill_a_run(stack: Stack) -> None:
    """Wait until a run reads from the shop, and kill its process. Raises UserError when none does within 130 s."""
    deadline = time.monotonic() + 130
    with step(f"{stack.lesson}: waiting for a run at work, the schedule has one every two minutes"):
        while time.monotonic() < deadline:
            if stack.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'etl'") != "0":
                workers = [worker.name for worker in stack.of("worker") if worker.state == "running"]
                if any(shell(worker, FOLDER / "kill_runs.sh") != "0" for worker in workers):
                    return
            time.sleep(0.1)
    command = f"docker compose -p {stack.project} exec worker prefect deployment run sales-etl/backfill -p full=true"
    raise UserError(f"{stack.lesson}: no run was at work in 130 s; start one: {command}")
