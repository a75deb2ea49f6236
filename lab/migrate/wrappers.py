"""The wrappers of a command: what each becomes, and the command without them, for the day of the cut-over.

`lab migrate plan` only recognises them: the `flock` that stays in the command keeps legacy and shadow apart. A wrapper
is peeled from the outside, where it holds the whole command, and where its options are known; all else stays.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from lab.migrate.peeled import Peeled
from lab.migrate.prefixes import front
from lab.migrate.words import REDIRECTION, literal, mask, pieces, plain, seconds, words

LOG = re.compile(r"/dev/null|/var/log/\S+|\S+\.(?:log|out|err)")
LOGGER = re.compile(r"(?:\d?>&1[ \t]*)?\|&?[ \t]*(?:/usr/bin/)?logger(?:[ \t]+[\w./:=-]+)*$")
RETRY = re.compile(
    r"for\s+\w+\s+in\s+(?:(?P<list>\d+(?:\s+\d+)*)|\$\(seq\s+(?:1\s+)?(?P<seq>\d{1,4})\))\s*;\s*do\s+(?P<job>.+?)"
    r"\s*&&\s*break\s*(?:;|\|\|)\s*sleep\s+(?P<delay>[\d.]+[smhd]?)\s*;?\s*done"
)


def peel(command: str, kept_files: frozenset[str] = frozenset()) -> Peeled:
    """Peel every wrapper that is understood; `kept_files` are logs that another line reads, so that they stay."""
    job = Peeled(command)
    while any(step(job) for step in (lambda job: redirection(job, kept_files), *STEPS)):
        pass
    job.command = job.kept + job.command
    job.kept = ""
    return job


def redirection(job: Peeled, kept_files: frozenset[str]) -> bool:
    """Peel a redirection to a log, or to nowhere, at the end of the line."""
    parts = pieces(job.command)
    if not parts or parts[-1].end < len((mask(job.command) or "").rstrip()):  # it ends with an operator
        return False
    last = parts[-1]
    found = list(REDIRECTION.finditer(mask(last.text) or ""))
    target = next((plain(one["target"]) for one in found if not one["target"].startswith("&")), "")
    tail = last.text[found[0].start() :] if found else ""
    if not found or not literal(tail) or REDIRECTION.sub("", tail).strip() or not LOG.fullmatch(target):
        return False
    if any("<" in one["way"] for one in found) or len([one for one in found if one["target"][0] != "&"]) > 2:
        return False
    if target in kept_files:
        job.say("log-file", f"{target} stays: another line reads it")
        return False
    if target == "/dev/null":
        job.say("silenced", "its output was thrown away; at cut-over it goes to the run's log")
    else:
        job.log = target
        job.say("log-file", f"its output goes to {target}; at cut-over to the run's log")
    job.command = job.command[: last.start] + last.text[: found[0].start()].rstrip()
    return True


def syslog(job: Peeled) -> bool:
    """Peel a pipe into logger at the end of the line."""
    parts = pieces(job.command)
    cut = LOGGER.search(job.command.rstrip())
    if not cut or len(parts) < 2 or parts[-1].operator not in ("|", "|&") or cut.start() > parts[-1].start:
        return False
    job.say("syslog", "its output goes to syslog and its exit code was logger's; at cut-over to the run's log")
    job.command = job.command[: cut.start()].rstrip()
    return True


def background(job: Peeled) -> bool:
    """Peel the & at the end of a line of one command: the run lasts as long as the job."""
    masked = (mask(job.command) or "").rstrip()
    if len(pieces(job.command)) != 1 or not masked.endswith("&"):
        return False
    job.say("background", "& at the end: cron thought it done at once; the run lasts as long as its output is open")
    job.command = job.command[: len(masked) - 1].rstrip()
    return True


def folder(job: Peeled) -> bool:
    """Peel `cd FOLDER &&` before a chain that needs it: no other operator than && and | follows."""
    parts = pieces(job.command)
    if len(parts) < 2 or job.kept or not {part.operator for part in parts[1:]} <= {"&&", "|"}:
        return False
    first = [word for _, word in words(parts[0].text)]
    if len(first) != 2 or first[0] != "cd" or parts[1].operator != "&&" or REDIRECTION.search(parts[0].text):
        return False
    if not literal(parts[0].text.replace("cd ~/", "cd ")) or first[1].startswith("-"):
        return False
    job.folder = str(PurePosixPath(job.folder) / first[1])
    job.command = job.command[parts[1].start :]
    return True


def retries(job: Peeled) -> bool:
    """Peel a loop that repeats a command until it succeeds."""
    found = None if job.retries else RETRY.fullmatch(job.command.strip())
    delay = seconds(found["delay"]) if found else None
    if not found or delay is None or mask(found["job"]) is None:
        return False
    attempts = int(found["seq"]) if found["seq"] else len(found["list"].split())
    job.retries, job.retry_delay = max(0, attempts - 1), delay
    job.say("retries", f"a loop of {attempts} attempts; at cut-over retries {attempts - 1}, {delay:g} s apart")
    job.command = found["job"]
    return True


STEPS = (syslog, background, folder, retries, front)


def log_files(command: str) -> Iterator[str]:
    """The files that a command names, but for those that its output is redirected to: it may read them."""
    for part in pieces(command):
        masked = mask(part.text) or ""
        written = {plain(one["target"]) for one in REDIRECTION.finditer(masked) if ">" in one["way"]}
        named = {word for _, word in words(part.text)}
        named |= {plain(one["target"]) for one in REDIRECTION.finditer(masked) if one["way"] == "<"}
        yield from named - written
