"""What `lab migrate plan --beside-cron` writes: jobs that ask the ledger whose turn it is, and their shadows."""

import tomllib
from dataclasses import replace
from pathlib import Path

from engine.core import ROOT, UserError
from lab.migrate.deployments import Deployment
from lab.migrate.names import Names
from lab.migrate.plan import Plan
from lab.migrate.scalar import scalar

BESIDE = [ROOT / "05-migration/beside" / name for name in ("gate.py", "ledger.py", "beside_cron.py")]
ENTRYPOINT = "beside_cron.py:beside_cron"
STATES = "legacy, shadow or moved: lab migrate shadow, cutover, rollback"


def moving(made: Plan) -> Plan:
    """The plan with deployments that run in cron's place when the job is moved. Raises UserError."""
    commands = [one.source for one in made.deployments]
    if twice := next((command for command in commands if commands.count(command) > 1), ""):
        raise UserError(f"two jobs have one command, and the gate could not tell them apart: {twice}")
    return replace(made, deployments=[asking(one) for one in made.deployments])


def shadows(made: Plan) -> Plan:
    """The plan with a shadow of each deployment, in the pool of the shadow world; nobody is mailed of them."""
    found = [
        replace(one, name=f"{one.name}-shadow", parameters=one.parameters | {"shadow": True}, mailto="")
        for one in moving(made).deployments
    ]
    return replace(made, deployments=found, pool="shadow")


def asking(one: Deployment) -> Deployment:
    """A deployment whose runs ask first whose turn the instant is."""
    return replace(one, entrypoint=ENTRYPOINT, parameters={"job": one.name, "parameters": one.parameters})


def switch(file: Path) -> dict[str, str]:
    """What the file of a job says; nothing when there is none, or it is broken."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def names(folder: Path) -> Names:
    """The names that jobs have in this folder. A job keeps its own, whatever other lines leave the crontab.

    No other command takes the name of a job that is not cron's alone: Prefect has deployments of that name.
    """
    known = {file.stem: switch(file) for file in folder.glob("jobs/*.toml")}
    by_command = {job["command"]: name for name, job in known.items() if "command" in job}
    return Names(by_command, frozenset(name for name, job in known.items() if job.get("state", "legacy") != "legacy"))


def job_file(one: Deployment, there: Path) -> str:
    """The file that says where a job stands; one that is `there` keeps its state, if it is of the same command."""
    known = switch(there)
    if known.get("command") != one.source:
        known = {}
    values = {
        "state": known.get("state", "legacy"),
        "since": known.get("since", ""),
        "command": one.source,
        "shell": one.parameters.get("shell") or one.env.get("SHELL") or "/bin/sh",
    }
    return f"# {STATES}\n" + "".join(f"{name} = {scalar(value)}\n" for name, value in values.items())
