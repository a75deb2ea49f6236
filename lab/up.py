"""`lab up` and `lab down`: the course at http://localhost:8000, in a container or, without an engine, from `.venv`."""

import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from engine.core import CACHE, ROOT, UserError, last_line, run, say, step
from engine.docker import ask, docker, ready, why_silent
from engine.images import MONITORING, PYTHON, ensure_all, ensure_base, ensure_stack
from lab.console import ended_by_signals

PROJECT = "beyond-cron"  # the `name:` in the root's docker-compose.yml
LOG, LOCK = CACHE / "site.log", CACHE / "site.lock"

NEXT = """
What next:
  source .venv/bin/activate
  lab doctor
"""
NEXT_WITH_ENGINE = "  cd 01-intro && docker compose up --detach --wait"
NEXT_WITHOUT = """
Docker does not run here. The lessons' containers and some of `lab check` need it; the pages, their questions,
`lab check 01-intro` and `lab cron` do not. Install it (https://docs.docker.com/engine/install/), then: make up"""


def up() -> None:
    """Serve the course, then make the lessons ready to start, with what this machine has and a registry gives.

    Environment: LAB_PORT, the port on 127.0.0.1 (8000); LAB_ENGINE=no, do without Docker.
    Exit code 2, and one line, when a port is taken, a daemon does not answer or a disk is full.
    """
    port = chosen_port()
    engine = ready()
    if engine:
        if not (f":{port}->" in containers() or server_port() == port):
            require_port(port)
        stop_server()
        serve_from_container(port)
    else:
        serve_from_venv(port)
    say(f"\nThe course is at http://localhost:{port}")
    prepare_playground()
    if engine:
        prepare_lessons()
    say(NEXT + (NEXT_WITH_ENGINE if engine else NEXT_WITHOUT))


def down() -> None:
    """Stop the course, in whichever form it runs; the lessons' own stacks are left alone.

    Environment: LAB_ENGINE=no, leave Docker alone too.
    """
    stopped = stop_server()
    mine = ("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}")
    if os.environ.get("LAB_ENGINE") != "no" and not why_silent() and ask(*mine):
        docker("compose", "down", "--remove-orphans")
        stopped = True
    say("The course is stopped." if stopped else "The course was not running.")


def chosen_port() -> int:
    """The port of LAB_PORT, 8000 by default. Raises UserError when it is no port."""
    text = os.environ.get("LAB_PORT") or "8000"
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise UserError(f"LAB_PORT={text} is not a port: a number from 1 to 65535, e.g. LAB_PORT=8001 make up")
    return int(text)


def serve_from_container(port: int) -> None:
    """Build the site's image where it is missing, and start its container, unless it runs already."""
    ensure_base(PYTHON)
    ensure_stack(ROOT)
    with step("starting the course"):
        try:
            docker("compose", "up", "--detach", "--wait", "--no-build", "--remove-orphans")
        except UserError as error:
            raise UserError(f"the course's container did not start ({error}): docker compose logs site") from None
        wait_until_it_answers(port, "docker compose logs site")


def prepare_playground() -> None:
    """Bring the page that runs `lab cron` in the browser up to date; where npm cannot give it, that is said in a line."""
    try:
        with step("bringing the playground up to date, 6 MB the first time"):
            run(sys.executable, "-m", "docs.playground", log="playground")
    except UserError:
        say(last_line((CACHE / "playground.log").read_text(errors="replace")))


def prepare_lessons() -> None:
    """Get the images of the lessons as far as possible: the site is served all the same, and each that is missing named.

    Those of the profile `monitoring` are left to it: they are two thirds as large as all others together.
    """
    try:
        ensure_all(but=MONITORING)
    except UserError as error:
        say("\n".join(f"Not ready yet: {line}" for line in str(error).splitlines()))


def serve_from_venv(port: int) -> None:
    """Start `mkdocs serve` in the background; one that runs already on that port is left as it is."""
    if server_port() == port:
        return
    require_port(port)
    stop_server()
    CACHE.mkdir(exist_ok=True)
    with step("starting the course from .venv"), LOCK.open("w") as lock, LOG.open("w") as log:
        # The server holds this lock as long as it lives: a process id in a file could be anyone's by then.
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = (sys.executable, "-m", "mkdocs", "serve", "--livereload", "--dev-addr", f"127.0.0.1:{port}")
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            pass_fds=[lock.fileno()],
        )  # fmt: skip
        try:
            lock.write(f"{process.pid} {port}")
            lock.flush()
            with ended_by_signals():
                wait_until_it_answers(port, f"cat {LOG.relative_to(ROOT)}", process)
        except BaseException:  # nothing is left running
            process.terminate()
            process.wait(10)
            raise


def server() -> tuple[int, int] | None:
    """Process id and port of the course's own server, None when it does not run."""
    if not LOCK.exists():
        return None
    with LOCK.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            deadline = time.monotonic() + 5
            while not (found := lock.read().split()) and time.monotonic() < deadline:  # it is starting
                time.sleep(0.05)
            if not found:
                raise UserError("the course is starting in another terminal: try again in a moment") from None
            return int(found[0]), int(found[1])
    LOCK.unlink(missing_ok=True)
    return None


def server_port() -> int | None:
    """The port of the course's own server, None when it does not run."""
    running = server()
    return running[1] if running else None


def stop_server() -> bool:
    """Stop the course's own server and wait until it is gone; False when it did not run."""
    running = server()
    if not running:
        return False
    os.kill(running[0], signal.SIGTERM)
    deadline = time.monotonic() + 2
    while server():
        if time.monotonic() > deadline:
            os.kill(running[0], signal.SIGKILL)
        time.sleep(0.05)
    return True


def wait_until_it_answers(port: int, look: str, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until the site answers on 127.0.0.1.

    Raises UserError, which names the command `look` that shows why, when the process ends or after 60 s.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status < 400:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise UserError(f"the course does not answer on port {port}: {look}")


def containers() -> str:
    """The published ports of the course's running containers, as `docker ps` writes them."""
    return ask("ps", "--filter", f"label=com.docker.compose.project={PROJECT}", "--format", "{{.Ports}}") or ""


def require_port(port: int) -> None:
    """Raise UserError, which names the program that has it where that is known, when a port cannot be used."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise UserError(f"only root may listen on port {port}: LAB_PORT=8000 make up") from None
        except OSError:
            another = f"LAB_PORT={port + 1} make up"
            raise UserError(f"port {port} is taken by {holder(port)}: stop it, or choose another: {another}") from None


def holder(port: int) -> str:
    """Who listens on a TCP port: a container, or a process (read from Linux's /proc), else "another program"."""
    container = ask("ps", "--filter", f"publish={port}", "--format", "{{.Names}}", timeout=5)
    if container:
        return f"the container {container.splitlines()[0]}"
    listening = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else []:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:  # 0A: LISTEN
                listening.add(f"socket:[{fields[9]}]")
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(descriptor.readlink()) in listening:
                process = descriptor.parts[2]
                return f"{Path('/proc', process, 'comm').read_text().strip()} (process {process})"
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
    return "another program"
