"""What stays in a command, and what a person should know of it before it runs elsewhere."""

import re
from collections.abc import Iterator

from lab.cron.shell import programs
from lab.migrate.peeled import Peeled, Reason
from lab.migrate.words import Piece, mask, pieces, seconds, words

ALERTS = ("curl", "wget", "mail", "mailx", "sendmail", "logger", "echo")
PINGS = re.compile(r"hc-ping|healthchecks|cronitor|deadmanssnitch|/ping/")
RANDOM = re.compile(r"RANDOM|\brand\b|shuf|jot|urandom")
CALENDAR = re.compile(r"date\b[^;|&]*\+\\?%[dVjuwUW]")
LOCKS = ("lockrun", "run-one", "setlock", "chpst", "solo", "dotlockfile", "lockfile", "with-lock-ex")
NEEDS = {  # a program → what the worker must have for it
    "docker": "docker, and its socket",
    "docker-compose": "docker, and its socket",
    "podman": "podman",
    "kubectl": "kubectl, and its configuration",
    "ssh": "the ssh keys",
    "scp": "the ssh keys",
    "rsync": "rsync, and the ssh keys where the target is another host",
    "sudo": "sudo, and its rules",
    "su": "that user, and the right to become it",
    "systemctl": "the machine's systemd: keep such a job there",
    "service": "the machine's services: keep such a job there",
    "logrotate": "the machine's logs: keep such a job there",
    "run-parts": "the scripts of that folder",
}


def remarks(command: str, peeled: Peeled) -> Iterator[Reason]:
    """The reasons that lie in the command itself, in the order of its parts; `peeled` is what its wrappers become."""
    if mask(command) is None:
        yield Reason("unreadable", "a quotation mark has no partner: kept as it is, the shell will say")
        return
    parts = pieces(command)
    for number, part in enumerate(parts):
        yield from part_remarks(part, last=number == len(parts) - 1)
    if not parts:
        yield Reason("script", "a small program of the shell: kept whole")
    elif sum(part.operator == "&&" for part in parts) > 1 or any(part.operator == ";" for part in parts):
        yield Reason("chain", "a chain: kept whole, one run; as tasks of a flow each step could be retried alone")
    for name, known in (("flock", peeled.lock), ("timeout", peeled.timeout)):
        if not known and len(parts) != 1 and re.search(rf"(?:^|[\s;&|(/]){name}\s", mask(command) or ""):
            yield Reason(f"{name}-inside", f"{name} is a part of a longer command: kept, the shell does it")
    if CALENDAR.search(command):
        yield Reason(
            "calendar", "it asks the calendar itself: kept; an RRule schedule would start it on those days only"
        )
    if re.search(r"https?://[^\s]*&", mask(command) or ""):
        yield Reason("url-cut", "the shell cuts the address at &: the rest never was part of it; quote it")
    names = list(dict.fromkeys(name.rpartition("/")[2] for name in programs(command)))
    names += [name for name in re.findall(r"\bsudo\b", command) if name not in names]
    yield from (Reason("needs", f"{name}: the worker needs {NEEDS[name]}") for name in names if name in NEEDS)
    if own := [name for name in names if name in LOCKS]:
        yield Reason("own-lock", f"{own[0]} is a lock of its own: it stays in the command, and no limit is set")


def part_remarks(part: Piece, last: bool) -> Iterator[Reason]:
    """The reasons that lie in one simple command of a line."""
    found = [word for _, word in words(part.text)]
    if not found:
        return
    name = found[0].rpartition("/")[2]
    if name in ("[", "test"):
        yield Reason("condition", "the condition stays in the command: a run that it ends at once counts as Completed")
    elif name == "sleep" and RANDOM.search(part.text):
        yield Reason("jitter", "a random sleep: kept, it holds a slot of the worker; better a minute of its own")
    elif name == "sleep" and not part.operator and (length := seconds(found[-1])):
        yield Reason("offset", f"it sleeps {length:g} s first: kept; an interval with an anchor would start it then")
    elif part.operator == "|" and name in ("mail", "mailx", "sendmail"):
        yield Reason("mail", "it mails its output itself: kept; an automation could mail of failures")
    elif part.operator == "||" and last and name in ("true", ":", "exit"):
        yield Reason("hidden-failure", f"|| {name} hides a failure: kept, such a run is Completed")
    elif part.operator == "||" and last and name in ALERTS:
        yield Reason("alert", f"|| {name} tells of a failure and hides it from the exit code: an automation can tell")
    elif part.operator in ("&&", ";") and last and name in ("curl", "wget") and PINGS.search(part.text):
        yield Reason("ping", "it reports that it is alive: kept; an automation on a missing run could")
