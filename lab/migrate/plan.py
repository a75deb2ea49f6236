"""Every line of a crontab gets a fate, and every job that moves becomes a schedule of a deployment."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from engine.core import UserError
from lab.cron.crontab import Refused, Setting
from lab.cron.shell import words
from lab.migrate.anacron import read_anacron
from lab.migrate.deployments import Deployment, Draft, deployment, drafts_of, shared_locks
from lab.migrate.lines import COMMENTED, Format, Line, Part, movable, read_lines
from lab.migrate.names import NO_NAMES, Names
from lab.migrate.peeled import Reason
from lab.migrate.remarks import remarks
from lab.migrate.settings import setting_fate

# Kinds of reasons for which Prefect does something otherwise than cron did; the other kinds are worth knowing only.
CHANGES = words("""
lock lock-wait shared-lock timeout timeout-signal background mail-to split clock user python anacron timer twice
""")


class Fate(StrEnum):
    """What becomes of a line."""

    MOVED = "moved"
    CHANGED = "changed"
    REFUSED = "refused"
    NO_JOB = "no job"


@dataclass
class Verdict:
    """The fate of a line: what it becomes, and why it is not moved as it is."""

    number: int
    text: str
    fate: Fate
    becomes: str = ""
    reasons: list[Reason] = field(default_factory=list)


@dataclass
class Plan:
    """All of it: a verdict for each line, the deployments, and the global concurrency limits that they share."""

    verdicts: list[Verdict]
    deployments: list[Deployment]
    limits: list[str]
    zone: str
    pool: str


def plan(raw: bytes, kind: Format, zone: ZoneInfo, start: datetime, pool: str, names: Names = NO_NAMES) -> Plan:
    """The plan for a file; the changes of the zone's clock are looked at from `start` on. `names` are those of a plan before."""
    texts = raw.decode(errors="surrogateescape").split("\n")
    if not texts[-1]:
        texts.pop()
    anacron = kind is Format.ANACRON
    lines = list(read_anacron(texts)) if anacron else read_lines(raw, texts, kind, zone, start)
    return plan_lines(lines, zone, pool, names)


def plan_lines(lines: list[Line], zone: ZoneInfo, pool: str, names: Names = NO_NAMES) -> Plan:
    """The plan for lines that were read. Raises UserError where the gate of a move stands for the shell."""
    shells = [one.what.value for one in lines if isinstance(one.what, Setting) and one.what.name == "SHELL"]
    if gate := next((shell for shell in shells if shell.endswith("/gate.py")), ""):
        raise UserError(
            f"SHELL={gate} is the gate of a move: write the shell of before there, moved/jobs/*.toml names it"
        )
    lines = [movable(line) for line in lines]
    drafts = drafts_of(lines)
    shared = shared_locks(drafts)
    made: dict[tuple[object, ...], Deployment] = {}
    taken = names.taken(draft.entry.command for draft in drafts)
    verdicts = {}
    for draft in drafts:
        one = made.get(draft.key)
        if one is None:
            one = made[draft.key] = deployment(draft, shared, taken, names.by_command.get(draft.entry.command))
        verdicts[draft.line.number] = job_verdict(draft, one, shared)
        one.lines.append(draft.line.number)
        one.tags.append(f"crontab line {draft.line.number}")  # `lab migrate diff` reads it
        one.schedules += draft.entry.schedules
    for line in lines:
        verdicts.setdefault(line.number, other_verdict(line, drafts))
    limits = sorted({shared[draft.peeled.lock] for draft in drafts if draft.peeled.lock in shared})
    return Plan([verdicts[line.number] for line in lines], list(made.values()), limits, zone.key, pool)


def job_verdict(draft: Draft, one: Deployment, shared: dict[str, str]) -> Verdict:
    """The fate of a job that moves: `one` is its deployment, as the lines before have made it."""
    reasons = [*draft.entry.reasons, *draft.peeled.reasons, *remarks(draft.entry.command, draft.peeled)]
    if draft.peeled.lock in shared:
        reasons.append(
            Reason("shared-lock", f"other lines take this lock too: global limit {one.parameters.get('lock')}")
        )
    if draft.entry.stdin:
        reasons.append(Reason("stdin", "% ends the command: what follows is its input, parameter stdin"))
    if draft.entry.user:
        reasons.append(Reason("user", f"ran as {draft.entry.user}: it now runs as the worker's user"))
    if one.entrypoint.startswith("run_python"):
        said = "a Python script: the flow runs it itself, with the worker's packages, its output in the run's log"
        reasons = [reason for reason in reasons if reason.kind not in ("log-file", "silenced")]
        reasons.append(Reason("python", said))
    if one.lines:
        twice = set(one.schedules) & set(draft.entry.schedules)
        text = f"one deployment with line {one.lines[0]}" + (", which starts at the same times" if twice else "")
        reasons.append(Reason("twice" if twice else "merged", text))
    changed = any(reason.kind in CHANGES for reason in reasons)
    schedules = ", ".join(schedule.cron for schedule in draft.entry.schedules)
    return Verdict(
        draft.line.number,
        draft.line.text,
        Fate.CHANGED if changed else Fate.MOVED,
        f"{one.name}: {schedules}" + (f", limit 1 {one.limit}" if one.limit else "") + (", mail" if one.mailto else ""),
        reasons,
    )


def other_verdict(line: Line, drafts: list[Draft]) -> Verdict:
    """The fate of a line that is no job that moves."""
    if isinstance(line.what, Refused):
        return Verdict(line.number, line.text, Fate.REFUSED, reasons=[Reason("refused", line.what.reason)])
    if isinstance(line.what, Part):
        return Verdict(line.number, line.text, Fate(line.what.fate), line.what.becomes, list(line.what.reasons))
    if isinstance(line.what, Setting):
        below = sum(draft.line.number > line.number for draft in drafts)
        fate, becomes, reasons = setting_fate(line.what, below)
        return Verdict(line.number, line.text, Fate(fate), becomes, reasons)
    if COMMENTED.match(line.text.strip()):
        return Verdict(line.number, line.text, Fate.NO_JOB, "a job that is commented out: it stays behind")
    return Verdict(line.number, line.text, Fate.NO_JOB, "comment" if line.text.strip() else "blank")
