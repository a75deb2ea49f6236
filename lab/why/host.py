"""Lesson 03 without Docker: what its state folder says of a server and of workers on this machine."""

import getpass
import os
import subprocess
import sys
from pathlib import Path

from engine.core import ROOT, last_line
from engine.web import PrefectApi
from lab.why.cause import Cause, Look
from lab.why.prefect import Client, Server

LESSON = ROOT / "03-prefect"
PREFECT = "03-prefect/.venv/bin/prefect"
PROCESSES = Path("/proc")  # of Linux; elsewhere the settings of a process are not to be seen


def state_folder() -> Path:
    """Where host mode keeps pid files and logs: STATE, or a folder for each user (03-prefect/host/settings.py)."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name: host mode has no folder for it
        user = str(os.getuid())
    return Path(os.environ.get("STATE") or LESSON / ".local" / user)


def alive(file: Path) -> int:
    """The process that a pid file names, 0 when it has ended."""
    try:
        process = int(file.read_text())
        os.kill(process, 0)
    except (OSError, ValueError):
        return 0
    return process


def environment(process: int) -> dict[str, str]:
    """The variables with which a process was started; none where they cannot be seen."""
    try:
        content = (PROCESSES / str(process) / "environ").read_bytes()
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in content.decode(errors="replace").split("\0") if "=" in line)


def client(name: str, process: int, log: Path) -> Client:
    """A worker of host mode."""
    env = environment(process)

    def asked(*words: str) -> str | None:
        if not env:
            return None
        done = subprocess.run((sys.executable, "-c", *words), capture_output=True, text=True, env=env, timeout=60)
        return done.stdout if done.returncode == 0 else None

    def said() -> str:
        return "\n".join(log.read_text(errors="replace").splitlines()[-20:]) if log.exists() else ""

    return Client(name, env.get("PREFECT_API_URL", ""), True, True, asked, said, f"tail -n 20 {log}")


def server() -> tuple[Look, Server | None] | None:
    """The server of host mode, None where it was not started; without a Server when its process has ended.

    A server that is stopped by `make stop` takes its pid file along.
    """
    state = state_folder()
    pids, logs = state / "run", state / "logs"
    if not (pids / "server.pid").exists():
        return None
    look, log = Look("03-prefect without Docker"), logs / "server.log"
    if not (process := alive(pids / "server.pid")):
        end = last_line(log.read_text(errors="replace"), "nothing") if log.exists() else "there is no log"
        look.causes.append(Cause("no server", f"its process has ended; its log ends: {end}", f"tail -n 20 {log}"))
        return look, None
    env = environment(process)
    host, port = env.get("PREFECT_SERVER_API_HOST", "127.0.0.1"), env.get("PREFECT_SERVER_API_PORT", "4200")
    login = env.get("PREFECT_SERVER_API_AUTH_STRING", os.environ.get("PREFECT_API_AUTH_STRING", ""))
    workers = {file.stem: alive(file) for file in sorted(pids.glob("worker-*.pid"))}
    look.looked.append(f"{1 + sum(map(bool, workers.values()))} processes")
    settings = f"PREFECT_API_URL=http://{host}:{port}/api PREFECT_API_AUTH_STRING={login}"
    return look, Server(
        api=PrefectApi(f"{host}:{port}", login, patience=1),
        address=f"{host}:{port}",
        command=f"{settings} {PREFECT}",
        show=f"tail -n 20 {log}",
        clients=tuple(client(name, pid, logs / f"{name}.log") for name, pid in workers.items() if pid),
        names=frozenset(name.removeprefix("worker-") for name in workers),
    )
