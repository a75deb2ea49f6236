"""The upstream asks for a token. Afterwards all places are searched in which somebody else could read it."""

from typing import Any

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.stack import CRON
from contrast.summary import Lane
from engine.core import UserError
from engine.docker import docker

TOKEN = "for-the-upstream-only"
# A machine has a log and a mailer. Cron finds them as soon as they are there: /dev/log, and /usr/sbin/sendmail.
LOG = """import socket
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
with open("/var/log/syslog", "wb", buffering=0) as file:
    while True:
        file.write(log.recv(8192) + b"\\n")"""
MAILER = r"printf '#!/bin/sh\ncat >> /var/log/mail\n' > /usr/sbin/sendmail; chmod +x /usr/sbin/sendmail"
PROCESSES = "cat /proc/[0-9]*/cmdline 2> /dev/null | tr '\\0' ' '"
AT_WORK = "SELECT DISTINCT lane FROM ledger.runs WHERE ended IS NULL"
API = ("/deployments/filter", "/flow_runs/filter", "/task_runs/filter", "/logs/filter", "/work_pools/filter")


def inject(injector: FaultInjector) -> None:
    """A run of each lane has to wait, so that it is at work while the processes are listed."""
    stack = injector.stack
    for lane in stack.services(*CRON):
        stack.compose("exec", "--detach", lane, "python3", "-c", LOG)
        stack.inside(lane, "sh", "-c", MAILER)
    with injector.span(1.65, 2.6, "upstream slow"):
        stack.admin(hold=True)
        injector.at(2.6)
        while len(stack.sql(AT_WORK)) < len(stack.lanes):
            if injector.now > injector.ticks - 1:  # or no secret would be found where nobody looked
                raise UserError(
                    "a lane has no run at work, whose arguments could be read: try again on an idle machine"
                )
            stack.wait(0.1)
        listed = {lane: stack.inside(lane, "sh", "-c", PROCESSES) for lane in stack.lanes}
        stack.admin(hold=False)
    injector.at(injector.ticks - 0.7)
    injector.measured = {lane: {"ps": TOKEN in listed[lane], **found(injector, lane)} for lane in stack.lanes}


def found(injector: FaultInjector, lane: str) -> dict[str, bool]:
    """Whether the token is in a log, in a mail, and in a file that each user of the machine may read."""
    stack = injector.stack
    if lane in CRON:
        log, mail = (
            stack.inside(lane, "sh", "-c", f"cat /var/log/{name} 2> /dev/null; true") for name in ("syslog", "mail")
        )
    else:
        log, mail = str([stack.prefect(path, {}) for path in API]), ""
    search = f"grep -rlF {TOKEN} /lanes/{lane} /run /etc /tmp /home /var/spool 2> /dev/null; true"
    files = docker("exec", "--user", "nobody", stack.container(lane), "sh", "-c", search)
    return {"log": TOKEN in log, "mail": TOKEN in mail, "file": bool(files)}


def harm(lane: Lane) -> dict[str, int]:
    """In how many of the four places the token can be read: process list, log, mail, file."""
    places: dict[str, Any] = lane.measured
    return {"places with the secret": sum(places.values()), "runs failed": lane.failed}


FAULT = Fault(
    claim="What stands in a line of a crontab stands in the process list, in the log and in the mail, too.",
    limit=None,
    ticks=5,
    files={"plain": "leak"},
    upstream={"token": TOKEN},
    expected={
        "plain": {"places with the secret": 4, "runs failed": 0},
        "hardened": {"places with the secret": 0, "runs failed": 0},
        "prefect": {"places with the secret": 0, "runs failed": 0},
    },
    inject=inject,
    harm=harm,
)
