"""The faults of the fault board that would hurt a line of a crontab, each with the section of the course that shows it.

A rule says what it sees in the line. What a line does not show, such as how long its job takes, no rule can know.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from lab.cron.crontab import Schedule
from lab.cron.explain import clock_notes
from lab.cron.runs import local_times
from lab.cron.shell import programs, words

PLACES = {  # fault → where the course shows it
    "overlap": "contrast.md#slow-run",
    "hung": "contrast.md#hung-job",
    "lost-window": "contrast.md#lost-window",
    "step-order": "contrast.md#step-order",
    "silent-failure": "contrast.md#silent-failure",
    "no-retry": "contrast.md#upstream-down",
    "missed": "contrast.md#host-asleep",
    "dst-night": "contrast.md#dst-night",
    "sub-minute": "contrast.md#sub-minute",
    "no-env": "contrast.md#no-env",
    "percent": "crontab.md#the-percent-sign",
    "reboot": "crontab.md#nicknames",
    "growing": "crontab.md#what-a-job-finds",
    "secret": "prefect-operating.md#secrets",
    "broken": "crontab.md#find-what-breaks-a-crontab",
}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
QUICK = words(
    "true false : [ test echo printf date touch rm logger sleep cd exit command mkdir ln chmod . source pgrep cat"
)
OVER_NETWORK = words("""
curl wget ssh scp sftp rsync psql pg_dump pg_dumpall mysql mysqldump mariadb mariadb-dump redis-cli clickhouse-client aws
gsutil rclone restic borg certbot
""")
GUARD = re.compile(r"\b(flock|lockrun|solo|run-one|setlock|dotlockfile|pgrep|pidof)\b")
BOUND = re.compile(r"\btimeout\b|--max-time\b|\s-m\s*\d|--timeout\b|ConnectTimeout|statement_timeout")
AGAIN = re.compile(r"--retry\b|\bretry\b|\buntil\b|\bfor\s.*\bdo\b.*(break|exit)|--tries\b")
TEST = re.compile(r"\[\s.*?\s\]|\btest\s[^;&|]*")
OTHER_DAY = re.compile(r"\bdate\b[^|;&`)]*?(\s-d|\s--date|\s-v-?\d)")
THROWN_AWAY = re.compile(r"2>>?\s*/dev/null|&>>?\s*/dev/null|>>?\s*/dev/null\s+2>&1|2>&1\s*>>?\s*/dev/null")
HIDDEN = re.compile(r"\|\|\s*(true|:|exit 0)\s*;?\s*\)?$|;\s*(true|:|exit 0)\s*$")
TELLS = re.compile(
    r"\|\|\s*\S*\b(curl|wget|mail|mailx|sendmail|notify|alert|pagerduty|slack)\w*|hc-ping|healthchecks|cronitor|runitor"
    r"|deadmanssnitch|/ping\b|&&[^;&|]*\bping\.\w+"
)
AFTERWARDS = re.compile(r"(\|\|.*|&&\s*(curl|wget)\b[^|;&]*(hc-ping|healthchecks|cronitor|deadmanssnitch|/ping\b)).*$")
APPENDS = re.compile(r">>\s*(?!/dev/|/proc/|&)([^\s;|&<>()]+)")
LEAVES = re.compile(r"(?<!&)(?<!>)&\s*$")
WAITS = re.compile(r"^\s*(?:/bin/)?sleep\s+\d+\s*(;|&&)")
SECRET = (
    re.compile(
        r"\b\w*(?:PASSWORD|PASSWD|PGPASSWORD|TOKEN|SECRET|API_?KEY|ACCESS_?KEY)\w*\s*=\s*[\"']?[^\s$\"'`]{3,}", re.I
    ),
    re.compile(r"--(?:password|token|api-?key|secret)[= ][\"']?[^\s$\"'`-]{3,}", re.I),
    re.compile(r"\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\b[^|;&]*\s-p[^\s$\"'`]{2,}"),
    re.compile(r"\w+://[^\s:/@$]+:[^\s@/$]{2,}@"),
    re.compile(r"\bBearer\s+[^\s$\"'`]{6,}"),
    re.compile(r"\bcurl\b[^|;&]*\s(?:-u|--user)[= ]*[\"']?[^\s:$]+:[^\s$\"']{2,}"),
)


@dataclass(frozen=True)
class Task:
    """A job of a crontab: its line, what is set above it, and the command without a user column."""

    number: int
    schedule: Schedule
    command: str
    variables: Mapping[str, str]

    @property
    def gap(self) -> timedelta | None:
        """The shortest time between two starts; None when there is only one, or none."""
        starts = islice(local_times(self.schedule, datetime(2027, 1, 1)), 60)
        return min((later - sooner for sooner, later in pairwise(starts)), default=None)

    @property
    def working(self) -> list[str]:
        """The programs that may take time, without their folders."""
        return [name for name in (one.rpartition("/")[2] for one in programs(self.command)) if name not in QUICK]

    @property
    def remote(self) -> list[str]:
        """The programs that wait for another machine; one that only tells of the end of the job is none."""
        job = replace(self, command=AFTERWARDS.sub("", self.command))
        return [name for name in job.working if name in OVER_NETWORK]


Found = tuple[str, str]  # the fault, and what is seen of it


def faults_of(task: Task, zone: ZoneInfo) -> Iterator[Found]:
    """What would hurt a job; `zone` is the time zone of its machine."""
    if task.schedule.reboot:
        yield "reboot", "it runs once after a boot: nobody starts it again when it ends"
    yield from in_time(task, zone)
    yield from at_work(task)
    yield from output(task)
    if any(pattern.search(task.command) for pattern in SECRET):
        yield "secret", "a password stands in the line: ps shows it, and cron's log keeps it"


def in_time(task: Task, zone: ZoneInfo) -> Iterator[Found]:
    """What the schedule brings about."""
    gap = task.gap
    if gap and gap <= HOUR and task.working and not GUARD.search(task.command):
        yield "overlap", f"it starts every {spoken(gap)} whether or not the last run has ended: no flock"
    elif LEAVES.search(task.command) and not task.schedule.reboot:
        yield "overlap", "& at its end: cron takes it for done at once, and its exit code is lost"
    if gap and gap > DAY and "anacron" not in task.command:
        yield "missed", f"the next run is {spoken(gap)} later or more, when the machine is off at this one"
    now = datetime(2027, 1, 1, tzinfo=zone)
    for note in clock_notes(task.schedule, zone, now):
        if note.startswith("warning: "):
            yield "dst-night", note.removeprefix("warning: ")
            break
    if WAITS.match(task.command) and gap and gap <= timedelta(minutes=1):
        yield "sub-minute", "it sleeps to start within the minute: cron knows no seconds"


def at_work(task: Task) -> Iterator[Found]:
    """What happens while the job is at work."""
    unbounded = not BOUND.search(task.command)
    if task.remote and unbounded:
        yield "hung", f"{task.remote[0]} may wait for ever for the other side: no timeout"
    elif GUARD.search(task.command) and "flock" in task.command and task.working and unbounded:
        yield "hung", "a run that hangs keeps the lock, and no other starts: no timeout"
    if task.remote and not AGAIN.search(task.command):
        yield "no-retry", f"{task.remote[0]} tries once: a short outage is a failed run"
    if OTHER_DAY.search(TEST.sub(" ", task.command.replace("\\%", "%"))):
        yield "lost-window", "the clock says which data it takes: a late run takes others"


def output(task: Task) -> Iterator[Found]:
    """What becomes of output and exit code."""
    command = task.command.strip()
    if not TELLS.search(command) and not task.schedule.reboot and (why := silent(command, task.variables)):
        yield "silent-failure", why
    if match := APPENDS.search(command):
        yield "growing", f"{match[1]} grows with each run: is it in logrotate?"


def silent(command: str, variables: Mapping[str, str]) -> str:
    """Why nobody hears of a failure; empty when somebody does."""
    if HIDDEN.search(command):
        return "its exit code is thrown away"
    if THROWN_AWAY.search(command):
        return "its errors go to /dev/null"
    if "MAILTO" in variables and not variables["MAILTO"]:
        return "MAILTO is empty, so that its errors go nowhere"
    if re.search(r"2>|&>|>&", command) or re.search(r"(?<!\|)\|&?\s*logger\b", command):
        return "its errors go to a log, and nobody is told"
    if "MAILTO" not in variables:
        return "MAILTO is not set: its errors go to a mailbox on this machine, or are lost without a mail server"
    return ""


def spoken(gap: timedelta) -> str:
    """A length of time in its largest unit."""
    for unit, size in (("day", DAY), ("hour", HOUR), ("minute", timedelta(minutes=1))):
        if gap >= size:
            number = gap // size
            return f"{number} {unit}s" if number > 1 else unit
    return f"{gap.total_seconds():.0f} seconds"
