"""The settings of host mode: the environment, then .env, then template.env. What is empty counts as not set."""

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from dotenv import load_dotenv

LESSON = Path(__file__).resolve().parent.parent
MARK = "BEYOND_CRON_STATE"  # in the environment of all that host mode starts: how its own processes are known


def stop_with(reason: str) -> NoReturn:
    """One line for people, exit code 1."""
    sys.exit(f"03-prefect: {reason}")


@dataclass(frozen=True)
class Settings:
    """What host mode itself needs to know. Prefect and the flows read theirs from the environment."""

    state: Path  # the folder of pid files, logs and data, for each user apart: two people can use one checkout
    host: str  # where the server listens
    port: int
    background: bool  # whether start-… puts a process into the background
    wait: float | None  # seconds that running flows get to end by themselves; None: what the target likes

    @classmethod
    def load(cls) -> "Settings":
        """Complete the environment, make the folders, and return the settings. Exits with one line if one is wrong."""
        for file in (".env", "template.env"):
            load_dotenv(LESSON / file)  # never over what is set already
        for name in [name for name, value in os.environ.items() if not value]:
            del os.environ[name]  # Prefect would take an empty password for a password
        state = Path(os.environ.get("STATE", LESSON / ".local" / getpass.getuser())).resolve()
        settings = cls(
            state=state,
            host=os.environ["PREFECT_SERVER_API_HOST"],
            port=int(number("PREFECT_SERVER_API_PORT")),
            background=os.environ.get("BACKGROUND", "0") not in ("0", "no"),
            wait=number("WAIT") if "WAIT" in os.environ else None,
        )
        make_folders(state)
        complete_environment(state)
        return settings


def number(name: str) -> float:
    try:
        return float(os.environ[name])
    except ValueError:
        stop_with(f"{name}={os.environ[name]} is not a number")


def make_folders(state: Path) -> None:
    try:
        for folder in ("run", "logs", "tmp"):
            (state / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        stop_with(f"{error.filename}: {error.strerror}. Give a folder of yours: make … STATE=~/prefect")


def complete_environment(state: Path) -> None:
    """Add what all that is started from here needs."""
    os.environ |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # Prefect unpacks into TMPDIR/runner_storage: in a /tmp that all share, the first user would own it (issue
        # 11121).
        "TMPDIR": str(state / "tmp"),
        "PREFECT_HOME": str(state / "prefect"),
        "PREFECT_API_URL": os.environ["PREFECT_API_URL"].rstrip("/"),
        "PYTHONUNBUFFERED": "1",
    }
    if "NO_PROXY" in os.environ:
        os.environ["no_proxy"] = os.environ["NO_PROXY"]  # the name that Python's libraries look at first
