"""The settings of host mode: the environment, then .env, then template.env. What is empty counts as not set."""

import getpass
import os
import sys
from pathlib import Path

from dotenv import load_dotenv

LESSON = Path(__file__).resolve().parent.parent
MARK = "BEYOND_CRON_STATE"  # in the environment of all that host mode starts: how its own processes are known


def stop_with(reason: str) -> None:
    """One line for people, exit code 1."""
    sys.exit(f"03-prefect: {reason}")


for file in (".env", "template.env"):
    load_dotenv(LESSON / file)  # never over what is set already
for name in [name for name, value in os.environ.items() if not value]:
    del os.environ[name]  # Prefect would take an empty password for a password

# Pid files, logs and data, for each user apart: two people can use one checkout.
STATE = Path(os.environ.get("STATE", LESSON / ".local" / getpass.getuser())).resolve()
try:
    for folder in ("run", "logs", "tmp"):
        (STATE / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
except OSError as error:
    stop_with(f"{error.filename}: {error.strerror}. Give a folder of yours: make … STATE=~/prefect")

HOST = os.environ["PREFECT_SERVER_API_HOST"]
try:
    PORT = int(os.environ["PREFECT_SERVER_API_PORT"])
except ValueError:
    stop_with(f"PREFECT_SERVER_API_PORT={os.environ['PREFECT_SERVER_API_PORT']} is not a number")
os.environ |= {
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    # Prefect unpacks into TMPDIR/runner_storage: in a /tmp that all share, the first user would own it (issue 11121).
    "TMPDIR": str(STATE / "tmp"),
    "PREFECT_HOME": str(STATE / "prefect"),
    "PREFECT_API_URL": os.environ["PREFECT_API_URL"].rstrip("/"),
    "PYTHONUNBUFFERED": "1",
}
if "NO_PROXY" in os.environ:
    os.environ["no_proxy"] = os.environ["NO_PROXY"]  # the name that Python's libraries look at first
