"""The Docker engine: one way to run a docker command, and whether an engine answers at all."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import AnyStr

from engine.core import ROOT, UserError, last_line
from engine.system import command, install_compose

GIGABYTE = 10**9
PAUSES = (0, 0.2, 1, 5)  # seconds, before each attempt
NOT_STARTED = "waiting for init preliminary setup"  # the word of a busy engine whose container process never began
UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def _title(words: tuple[str, ...]) -> str:
    """A docker command as a message names it: its first words, without options."""
    plain = [word for word in words if not word.startswith("-")]
    return " ".join(["docker", *plain[: 2 if words[0] in ("compose", "image", "network", "volume") else 1]])


def started(run: Callable[[], subprocess.CompletedProcess[AnyStr]]) -> subprocess.CompletedProcess[AnyStr]:
    """What a docker command gave. It is run again when the engine failed to start its process: nothing has run then."""
    for pause in PAUSES:
        time.sleep(pause)
        done = run()
        if NOT_STARTED not in str(done.stderr):
            break
    return done


def docker(
    *words: str,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    timeout: float | None = 600,
) -> str:
    """What a docker command prints, white space at both ends removed.

    It runs in a session of its own, so that Ctrl-C does not end it half-way. `timeout` is in seconds.
    Raises UserError, with the last line of its output, when it fails, takes longer, or is not installed.
    """

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ("docker", *words), capture_output=True, text=True, input=stdin or "", env=env, cwd=cwd,
            timeout=timeout, start_new_session=True, errors="replace",
        )  # fmt: skip

    try:
        done = started(run)
    except FileNotFoundError:
        raise UserError("docker is not installed: make up (as root on Debian), or lab doctor") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{_title(words)} did not end in {timeout:g} s: docker ps shows what there is") from None
    if done.returncode:
        raise UserError(f"{_title(words)} failed: {last_line(done.stderr or done.stdout)} (try: lab doctor)")
    return done.stdout.strip()


def ask(*words: str, timeout: float = 60) -> str | None:
    """What a docker command prints, or None when it fails: for questions to which a failure is an answer."""
    try:
        return docker(*words, timeout=timeout)
    except UserError:
        return None


def size(text: str) -> float:
    """The bytes of the size that a text begins with: Docker prints 12.5MiB, Podman 13.1MB.

    Raises UserError when it begins with none.
    """
    found = re.match(r"([\d.]+)([kKMG]?i?B)", text)
    if not found or found[2] not in UNITS:
        raise UserError(f"{text or 'nothing'!r} is no size that Docker or Podman prints (try: lab doctor)")
    return float(found[1]) * UNITS[found[2]]


def logs(container: str, *options: str) -> str:
    """What a container has printed, standard output first, then standard error."""
    done = subprocess.run(("docker", "logs", *options, container), capture_output=True, text=True, errors="replace")
    return done.stdout + done.stderr


def lines(*words: str) -> Iterator[str]:
    """The lines that a docker command prints, as they come; its errors go to ours. Raises UserError when it fails.

    A caller that stops early, or is stopped by a signal, does not wait for the end of the command.
    """
    with subprocess.Popen(("docker", *words), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield from process.stdout
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise UserError(f"{_title(words)} failed with exit code {process.returncode}, see above")


def why_silent() -> str:
    """Why no daemon answers within 10 s: the last line that docker prints about it; empty when one answers."""
    command = ("docker", "version", "--format", "{{.Server.Version}}")
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except FileNotFoundError:
        return "docker is not installed"
    except subprocess.TimeoutExpired:
        return "no answer within 10 s"
    return last_line(asked.stderr, "no answer") if asked.returncode else ""


def ready(*, install: bool = True) -> bool:
    """Whether an engine with Compose answers; as root on Debian a stopped one is started and a missing one installed.

    False means that this machine has none, or that `LAB_ENGINE=no` declines it.
    Raises UserError when there is one that does not answer.
    """
    if os.environ.get("LAB_ENGINE") == "no":
        return False
    why = why_silent()
    if not why and ask("compose", "version"):
        return True
    if why:
        refuse_what_only_a_person_can_mend(why)
    if os.geteuid() == 0 and shutil.which("apt-get") and (install or shutil.which("dockerd")):
        start()
        return True
    if shutil.which("docker"):
        if why:
            raise UserError(f"the Docker daemon does not answer ({why}): {command('start Docker')}, {WITHOUT}")
        raise UserError(f"docker answers, but 'docker compose' is not installed: {install_compose()}, {WITHOUT}")
    return False


WITHOUT = "or serve the pages without Docker: LAB_ENGINE=no make up"


def refuse_what_only_a_person_can_mend(why: str) -> None:
    """Raise UserError when no daemon answers for a reason that starting one would not remove."""
    if shutil.which("docker") and (host := os.environ.get("DOCKER_HOST")):
        raise UserError(f"no Docker daemon answers at DOCKER_HOST={host} ({why}): unset DOCKER_HOST, {WITHOUT}")
    if "permission denied" in why:
        raise UserError(f"the Docker daemon runs, but you may not talk to it: {command('be let in')}, {WITHOUT}")


def start() -> None:
    """Start the engine of this machine, as root on Debian; install it first where there is none."""
    if not shutil.which("dockerd"):
        require_space(Path("/var"))
    if subprocess.run(ROOT / "offline" / "engine.sh", stdin=subprocess.DEVNULL).returncode:
        raise UserError(
            "no Docker engine starts here, the reason is above: LAB_ENGINE=no make up serves the pages without"
        )


def require_engine(who: str, *, install: bool = False) -> None:
    """Start a stopped engine, as root on Debian. Raises UserError, which names `who` needs it, when none answers."""
    if not ready(install=install):
        raise UserError(f"{who} needs a Docker engine, and none answers here: make up starts one where it can")


def build(name: str, folder: Path) -> None:
    """Build an image from a folder, from cache when nothing changed. Raises UserError when that fails."""
    try:
        docker("build", "--quiet", "--tag", name, str(folder))
    except UserError as error:
        raise UserError(f"the image of {folder.name} cannot be built: {error}") from None


def has_image(name: str) -> bool:
    """Whether the engine holds an image of that name."""
    return bool(ask("image", "inspect", "--format", "{{.Id}}", name))


def require_space(path: Path, gigabytes: float = 3) -> None:
    """Raise UserError when the disk that holds `path` has fewer gigabytes free."""
    while not path.exists():
        path = path.parent
    free = shutil.disk_usage(path).free / GIGABYTE
    if free < gigabytes:
        raise UserError(
            f"{free:.1f} GB free on the disk of {path}, {gigabytes:g} are needed: docker system prune --all"
        )


def require_space_for_images() -> None:
    """Raise UserError when the engine's own disk, where it can be seen from here, is too full to build on."""
    require_space(Path(ask("info", "--format", "{{.DockerRootDir}}") or "/"))
