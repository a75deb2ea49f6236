"""The deployments that the jobs of a crontab become: one for each command, with all of its schedules."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.cron.crontab import Setting
from lab.migrate.lines import COMMENTED, Entry, Line, utf8
from lab.migrate.names import deployment_name, slug, unique
from lab.migrate.peeled import Peeled
from lab.migrate.python_jobs import python_parameters
from lab.migrate.schedules import Cron
from lab.migrate.settings import job_environment
from lab.migrate.wrappers import log_files, peel


@dataclass
class Deployment:
    """A deployment to be: one command with all its schedules. `limit` is a collision strategy, `mailto` who gets mail."""

    name: str
    entrypoint: str
    parameters: dict[str, object]
    env: dict[str, str]
    source: str  # the command as cron hands it to the shell
    limit: str = ""
    mailto: str = ""
    tags: list[str] = field(default_factory=list)
    description: str = ""
    lines: list[int] = field(default_factory=list)
    schedules: list[Cron] = field(default_factory=list)


@dataclass
class Draft:
    """A job on its way: its line, what is set above it, and what its wrappers become."""

    line: Line
    entry: Entry
    settings: dict[str, str]
    comment: str
    peeled: Peeled

    @property
    def key(self) -> tuple[object, ...]:
        """What two lines have in common that are one deployment."""
        entry = self.entry
        return entry.command, entry.stdin, entry.user, entry.folder, *sorted((self.settings | entry.env).items())


def drafts_of(lines: list[Line]) -> list[Draft]:
    """The jobs, each with what stands above it and what its wrappers become."""
    drafts = list(jobs_of(lines))
    keep_read_logs(drafts)
    return drafts


def jobs_of(lines: list[Line]) -> Iterator[Draft]:
    """The jobs, each with the settings above it, as cron has them, and the comment that stands right above it."""
    settings: dict[str, str] = {}
    comment: list[str] = []
    for line in lines:
        if isinstance(line.what, Setting):
            settings[line.what.name] = line.what.value
        elif isinstance(line.what, Entry):
            yield Draft(line, line.what, dict(settings), "\n".join(comment), peel(line.what.command))
        is_comment = line.what is None and line.text.strip() and utf8(line.text) and not COMMENTED.match(line.text)
        comment = [*comment, line.text.strip().lstrip("# ").rstrip()] if is_comment else []


def keep_read_logs(drafts: list[Draft]) -> None:
    """Peel again, without the redirection, where another line reads the file that the output goes to."""
    readers: dict[str, set[int]] = defaultdict(set)
    for draft in drafts:
        for file in log_files(draft.entry.command):
            readers[file].add(draft.line.number)
    for draft in drafts:
        log = draft.peeled.log
        if log and readers[log] - {draft.line.number}:
            draft.peeled = peel(draft.entry.command, frozenset([log]))


def shared_locks(drafts: list[Draft]) -> dict[str, str]:
    """The lock files that more than one deployment takes → the name of the global concurrency limit in their place."""
    users = defaultdict(set)
    for draft in drafts:
        if draft.peeled.lock:
            users[draft.peeled.lock].add(draft.key)
    taken: set[str] = set()
    return {
        lock: unique(f"lock-{slug(lock.rpartition('/')[2])}", taken) for lock, keys in users.items() if len(keys) > 1
    }


def deployment(draft: Draft, shared: dict[str, str], taken: set[str], name: str | None = None) -> Deployment:
    """The deployment of a job that is the first with its command; without a name it gets one that is not taken."""
    entry, peeled = draft.entry, draft.peeled
    parameters: dict[str, object] = {"command": entry.command}
    entrypoint = "run_command.py:run_command"
    python = python_parameters(entry, peeled)
    if python:
        parameters, entrypoint = python, "run_python.py:run_python"
    else:
        parameters |= command_parameters(draft, shared)
    env = job_environment(draft.settings) | entry.env | (peeled.env if python else {})
    return Deployment(
        name or unique((entry.name and slug(entry.name)) or deployment_name(peeled.command), taken),
        entrypoint,
        parameters,
        env,
        entry.command,
        limit="" if peeled.lock in shared else peeled.strategy or entry.limit,
        mailto=draft.settings.get("MAILTO", ""),
        tags=["from-cron", *([f"user-{slug(entry.user)}"] if entry.user else [])],
        description=draft.comment,
    )


def command_parameters(draft: Draft, shared: dict[str, str]) -> dict[str, object]:
    """The parameters of run_command beside the command; a default is left out.

    The time spent waiting for a flock that stays would count against a timeout inside it: that one waits for the
    cut-over. So do retries: the loop that stays does them.
    """
    peeled, entry = draft.peeled, draft.entry
    waits_first = peeled.strategy == "ENQUEUE" and not peeled.timed
    lock = shared.get(peeled.lock, "")
    found: dict[str, object] = {
        "stdin": entry.stdin,
        "shell": shell if (shell := draft.settings.get("SHELL", "/bin/sh")) != "/bin/sh" else "",
        "folder": entry.folder,
        "timeout": entry.timeout or (None if waits_first or peeled.retries else peeled.timeout),
        "lock": lock,
    }
    return {name: value for name, value in found.items() if value} | (
        {"lock_wait": peeled.wait} if lock and peeled.wait is not None else {}
    )
