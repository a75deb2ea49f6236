"""The Docker engine as `make up` and the bundle meet it; standard library only: it runs before `.venv` exists."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
GIGABYTE = 10**9


class Trouble(SystemExit):
    """Something only a person can repair: one line with what happened, why, and the command that helps.

    Raised to the top it prints that line to standard error and ends the program with exit code 1.
    """


def say(text: str) -> None:
    """Print a line at once, so that it stands before the output of whatever is started next."""
    print(text, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce a slow step, then say how many seconds it took; on a terminal the seconds run along."""
    start, ended = time.monotonic(), threading.Event()

    def tick() -> None:
        while not ended.wait(1):
            print(f"\r{text} … {time.monotonic() - start:.0f} s", end="", flush=True)

    print(f"{text} …", end="", flush=True)
    ticker = threading.Thread(target=tick, daemon=True)
    if sys.stdout.isatty():
        ticker.start()
    done = "failed after "
    try:
        yield
        done = ""
    finally:
        ended.set()
        if ticker.is_alive():
            ticker.join()
            print(f"\r{text} …", end="")
        say(f" {done}{time.monotonic() - start:.1f} s")


def run(*command: str, log: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a command with its output in `.cache/LOG.log`.

    Raises Trouble with the last line of that log when the command fails.
    """
    CACHE.mkdir(exist_ok=True)
    path = CACHE / f"{log}.log"
    with path.open("wb") as out:
        code = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out).returncode
    if code:
        last = [line for line in path.read_text(errors="replace").splitlines() if line.strip()][-1:] or ["no output"]
        raise Trouble(f"{log} failed: {last[0].strip()}; the whole log: cat {path.relative_to(ROOT)}")


def docker(*args: str, timeout: float = 60) -> str:
    """Standard output of a docker command; empty when it fails or takes more than `timeout` seconds."""
    try:
        done = subprocess.run(("docker", *args), capture_output=True, text=True, timeout=timeout, cwd=ROOT)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else done.stdout.strip()


def silence() -> str:
    """Why no daemon answers the docker command within 10 s, in its own last words; empty when one does."""
    try:
        asked = subprocess.run(
            ("docker", "version", "--format", "{{.Server.Version}}"), capture_output=True, text=True, timeout=10
        )
    except FileNotFoundError:
        return "docker is not installed"
    except subprocess.TimeoutExpired:
        return "no answer within 10 s"
    return (asked.stderr.strip().splitlines() or ["no answer"])[-1] if asked.returncode else ""


def ready(*, install: bool = True) -> bool:
    """Whether an engine with Compose answers; as root on Debian a stopped one is started and a missing one installed.

    False means that this machine has none, or that `LAB_ENGINE=no` declines it.
    Raises Trouble when there is one that does not answer.
    """
    if os.environ.get("LAB_ENGINE") == "no":
        return False
    present = shutil.which("docker") is not None
    why = silence()
    if not why and docker("compose", "version"):
        return True
    otherwise = "or serve the pages without Docker: LAB_ENGINE=no make up"
    if not why:
        why = "docker answers, but 'docker compose' is not installed"
    elif present and (host := os.environ.get("DOCKER_HOST")):
        raise Trouble(f"no Docker daemon answers at DOCKER_HOST={host} ({why}): unset DOCKER_HOST, {otherwise}")
    elif "permission denied" in why:
        raise Trouble(
            "the Docker daemon runs, but you may not talk to it: "
            f"sudo usermod -aG docker $USER, log in again, {otherwise}"
        )
    root = os.geteuid() == 0
    if root and shutil.which("apt-get") and (install or shutil.which("dockerd")):
        if not shutil.which("dockerd"):
            require_space(Path("/var"))
        if subprocess.run(ROOT / "offline" / "engine.sh", stdin=subprocess.DEVNULL).returncode == 0:
            return True
        raise Trouble(
            "no Docker engine starts here, the reason is above: LAB_ENGINE=no make up serves the pages without"
        )
    if present:
        start = "sudo systemctl start docker" if sys.platform == "linux" else "open Docker Desktop"
        raise Trouble(f"the Docker daemon does not answer ({why}): {start}, {otherwise}")
    return False


def has_image(name: str) -> bool:
    """Whether the engine holds an image of that name."""
    return bool(docker("image", "inspect", "--format", "{{.Id}}", name))


def require_space(path: Path, gigabytes: float = 3) -> None:
    """Raise Trouble when the disk that holds `path` has less than so many gigabytes free."""
    while not path.exists():
        path = path.parent
    free = shutil.disk_usage(path).free / GIGABYTE
    if free < gigabytes:
        raise Trouble(f"{free:.1f} GB free on the disk of {path}, {gigabytes:g} are needed: docker system prune --all")


def require_space_for_images() -> None:
    """Raise Trouble when the engine's own disk, where it can be seen from here, is too full to build on."""
    require_space(Path(docker("info", "--format", "{{.DockerRootDir}}") or "/"))
