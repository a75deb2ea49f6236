"""Checks of 02-cron: the learner's file runs under real cron and a fast clock, and what ran is compared."""

import os
import re
import shlex
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from lab.checks.registry import Outcome, check
from lab.checks.sandbox.timelapse import LESSON, Session, Window, knows, run_windows

NEW_YORK = ZoneInfo("America/New_York")
PATIENCE = 20  # seconds for three attempts


def clock(stamps: list[datetime]) -> str:
    """The times of day, or "no run"; a long list is cut."""
    shown = " ".join(f"{stamp:%H:%M}" for stamp in stamps[:6])
    return f"{shown} … ({len(stamps)} runs)" if len(stamps) > 6 else shown or "no run"


def refusal(sessions: list[Session]) -> str:
    """What crontab or the shell printed when the container did not stay up."""
    return next((f"the container stopped: {s.refusal}" for s in sessions if s.refusal), "")


def compare(sessions: list[Session], due: list[list[datetime]], step: timedelta) -> Outcome:
    """Compare runs with what is due, window by window; a run counts for the last due time at most `step` before it."""
    expected = seen = ""
    for session, times in zip(sessions, due, strict=True):
        slots = [max((t for t in times if t <= stamp < t + step), default=stamp) for stamp in session.stamps]
        name = f"{session.window.start:%a %d %b %H:%M}-{session.window.end:%H:%M}"
        expected, seen = f"{name}: {clock(times)}", f"{name}: {clock(slots)}"
        if slots != times:
            return Outcome(False, expected, refusal(sessions) or complaint(session) or seen)
    return Outcome(True, expected, seen)


def complaint(session: Session) -> str:
    """The last line of a log in which no line has a time: the shell's complaint."""
    return f"no run; the log ends with: {session.log[-1]}" if session.log and not session.stamps else ""


def every_minute(file: Path, pattern: str, *, source: str = "log") -> Outcome:
    """Expect a line that matches `pattern` in each of the minutes 09:00, 09:01 and 09:02, in the log or the output."""
    [session] = run_windows(file, [Window(datetime(2026, 3, 2, 8, 59, 10), 4)])
    lines = session.log if source == "log" else session.output
    due = [f"09:0{n}" for n in range(3)]
    logged = [minute for minute in due if any(re.search(pattern, line) and f" {minute}:" in line for line in lines)]
    where = "/var/log/cron.log" if source == "log" else "docker logs"
    seen = f"{where} has lines of: {' '.join(logged) or 'no minute'}"
    if not logged and lines:
        seen = f"{where} ends with: {lines[-1]}"
    return Outcome(logged == due, f"{where} has lines of: {' '.join(due)}", refusal([session]) or seen)


@check("02-cron/weekdays", file="weekdays.txt", needs_docker=True)
def weekdays(file: Path) -> Outcome:
    """Around the opening and the closing on a Friday, and at noon of a Wednesday, a Saturday and a Sunday."""
    step = timedelta(minutes=10)
    opening, closing = datetime(2026, 3, 6, 8, 45), datetime(2026, 3, 6, 17, 25)
    windows = [Window(start, 48, rate=300) for start in (opening, closing)]
    windows += [Window(datetime(2026, 3, day, 11, 45), 30, rate=300) for day in (7, 8, 11)]
    due = [
        [datetime(2026, 3, 6, 9) + n * step for n in range(4)],
        [datetime(2026, 3, 6, 17, 30) + n * step for n in range(3)],
        [],
        [],
        [datetime(2026, 3, 11, 11, 50) + n * step for n in range(3)],
    ]
    return compare(run_windows(file, windows), due, step)


@check(
    "02-cron/never-fires",
    file="never_fires.txt",
    needs_docker=True,
)
def never_fires(file: Path) -> Outcome:
    """The job of the lesson prints its greeting each minute."""
    return every_minute(file, "Hello from Docker!")


@check(
    "02-cron/environment",
    file="environment.sh",
    needs_docker=True,
)
def environment(file: Path) -> Outcome:
    """A job prints a variable whose value was made up a moment ago, and another user finds no password."""
    value, password = f"olá {os.urandom(3).hex()}", os.urandom(6).hex()
    look = "(sleep 90; runuser -u nobody -- grep -rs $PASSWORD /etc /run /tmp /var)"  # seconds of the fast clock
    [session] = run_windows(
        LESSON / "limits" / "greeting.txt",
        [Window(datetime(2026, 3, 2, 8, 59, 10), 3)],
        {"GREETING": value, "PASSWORD": password},
        f"{{ {look} & exec sh -c {quoted_script(file)}; }}",
    )
    expected = f"the job printed: GREETING={value}"
    if any(password in line for line in session.output):
        return Outcome(False, expected, "user nobody has read the password in a file")
    lines = [line for line in session.log if "GREETING=" in line]
    seen = f"the job printed: {lines[-1][20:]}" if lines else "the job never ran"
    passed = bool(lines) and all(line.endswith(f"GREETING={value}") for line in lines)
    return Outcome(passed, expected, refusal([session]) or seen)


def quoted_script(file: Path) -> str:
    """The text of a shell script as one word of a shell command, so that it needs no mount."""
    return shlex.quote(file.read_text(encoding="utf-8", errors="replace"))


@check(
    "02-cron/overlap",
    file="overlap.txt",
    needs_docker=True,
)
def overlap(file: Path) -> Outcome:
    """Starts and ends of the backups in fourteen minutes, counted, and who waits; on a busy machine one may last longer."""

    def twice(log: list[str]) -> bool:
        return sum("starts" in line for line in log) >= 2

    [session] = run_windows(file, [Window(datetime(2026, 3, 2, 8, 59, 10), 14, enough=twice)])
    running = most = starts = 0
    for line in session.log:
        running += ("starts" in line) - ("ends" in line)
        starts += "starts" in line
        most = max(most, running)
    waiting = session.jobs - 1 if session.jobs > 5 else 0  # on a busy machine some are still about to give up
    seen = f"{starts} backups started, at most {most} at once, {waiting or 'none'} in a queue"
    passed = most == 1 and starts >= 2 and not waiting
    return Outcome(passed, "at least 2 backups, at most 1 at once, none in a queue", refusal([session]) or seen)


@check(
    "02-cron/local-night",
    file="local_night.env",
    needs_docker=True,
)
def local_night(file: Path) -> Outcome:
    """One run at 03:00 in New York: in winter, in summer, and in both nights in which the clock changes."""
    names = re.findall(r"^TZ=(\S+)$", file.read_text(encoding="utf-8", errors="replace"), re.M)
    expected = "one run at 03:00 in New York in each of four nights"
    try:
        zone = ZoneInfo(names[-1])
    except (IndexError, ValueError, KeyError, OSError):
        return Outcome(False, expected, f"TZ={names[-1] if names else ''} names no time zone")
    nights = [(3, 7, 1, 40), (3, 8, 1, 40), (7, 4, 1, 40), (11, 1, 2, 20)]
    starts = [datetime(2026, *night, tzinfo=NEW_YORK).astimezone(zone).replace(tzinfo=None) for night in nights]
    sessions = run_windows(LESSON / "limits" / "nightly.txt", [Window(s, 160, zone.key, 600) for s in starts])
    if not knows(zone):
        return Outcome(False, expected, f"TZ={zone.key} names no time zone in the image")
    runs = [[stamp.replace(tzinfo=zone).astimezone(NEW_YORK) for stamp in session.stamps] for session in sessions]
    on_time = all(len(night) == 1 and night[0].hour == 3 and night[0].minute < 10 for night in runs)
    seen = [
        f"{datetime(2026, month, day):%d %b}: {' and '.join(f'{run:%H:%M}' for run in night) or 'no run'}"
        for (month, day, *_), night in zip(nights, runs, strict=True)
    ]
    return Outcome(on_time, expected, ", ".join(seen))


@check(
    "02-cron/docker-logs",
    file="docker_logs.txt",
    needs_docker=True,
)
def docker_logs(file: Path) -> Outcome:
    """`docker logs` shows the greeting of each minute."""
    return every_minute(file, "Hello from Docker!", source="output")


@check("02-cron/percent", file="percent.txt", needs_docker=True)
def percent(file: Path) -> Outcome:
    """The log has a dated line for each minute."""
    return every_minute(file, r"2026-03-02 \d\d:\d\d:\d\d stock counted")


@check(
    "02-cron/first-monday",
    file="first_monday.txt",
    needs_docker=True,
)
def first_monday(file: Path) -> Outcome:
    """06:00 on a Sunday the first, a first Monday, a Tuesday the third, a second Monday, and a Monday the seventh."""
    starts = [datetime(2026, month, day, 5, 58) for month, day in ((3, 1), (3, 2), (3, 3), (3, 9), (9, 7))]
    due = [[], [datetime(2026, 3, 2, 6)], [], [], [datetime(2026, 9, 7, 6)]]
    return compare(run_windows(file, [Window(start, 5) for start in starts]), due, timedelta(minutes=1))


@check(
    "02-cron/retry",
    file="retry.sh",
)
def retry(file: Path) -> Outcome:
    """Commands that succeed at once, at the third attempt, and never, side by side; each attempt leaves a line."""
    expected = "attempts: 1 (no wait, exit 0), 3 (waiting, exit 0), 3 (waiting, exit 7)"
    try:
        with ThreadPoolExecutor() as pool:
            attempts = pool.map(lambda succeeds_at: attempts_of(file, succeeds_at), (1, 3, 9))
            return Outcome.of(expected, f"attempts: {', '.join(attempts)}")
    except subprocess.TimeoutExpired:
        return Outcome(False, f"an end within {PATIENCE} s", f"still running after {PATIENCE} s")


def attempts_of(file: Path, succeeds_at: int) -> str:
    """How often retry.sh tried a command that succeeds at that attempt, whether it waited, and how it ended.

    Raises subprocess.TimeoutExpired after PATIENCE.
    """
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "attempts"
        quoted = shlex.quote(str(notes))
        command = f'echo >> {quoted}; [ "$(wc -l < {quoted})" -ge {succeeds_at} ] || exit 7'
        start = time.monotonic()
        words = ["sh", str(file), "sh", "-c", command]
        ran = subprocess.run(
            words, env={**os.environ, "DELAY": "2"}, timeout=PATIENCE, check=False, capture_output=True
        )
        seconds = time.monotonic() - start
        attempts = len(notes.read_text().splitlines()) if notes.exists() else 0
        waited = attempts > 1 and seconds >= 5.9  # 2 s, then 4 s: the same pause twice is less, on a busy machine too
        return f"{attempts} ({'waiting' if waited else 'no wait'}, exit {ran.returncode})"
