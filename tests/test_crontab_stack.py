"""Debian's own `crontab -n` and lab.cron.crontab give the same verdict on every line and every file."""

import itertools
import json
import re
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support.cron import fired, job, ticks
from support.crontabs import mutants
from support.records import commit, proving

from lab.checks.sandbox.timelapse import IMAGE, LESSON, LOG, Window, run_windows
from lab.cron.crontab import NAMES, NICKNAMES, Refused, Setting, read
from lab.migrate.lines import percent

ASK = """
import json, subprocess, sys
def valid(text):
    return not subprocess.run(["crontab", "-n", "-"], input=bytes.fromhex(text), capture_output=True).returncode
print(json.dumps([valid(text) for text in json.load(sys.stdin)]))
"""

PARTS = """
* 0 1 5 7 8 12 13 23 24 31 32 59 60 61 00 007 +5 1.5 1;2 x 1a ? L 5L 15W LW 5#2 H 24:00 0~10
1-5 5-1 0-7 1-59 1- -1 1-5-7 *-5 *,5 5,* 1,3,5 1,,3 ,1 1, 1-5,9
*/1 */2 */7 */0 */70 */ */a */5x */5. 5/10 1-5/2 1-5/99 1-5/0 1-5/
jan JAN Feb january jan-mar dec-jan jan,mar
sun Sun sunday mon-fri sun-fri fri-sun mon-5 mon-fri/2 0-sat mon,wed tue#
"""
BY_HAND = [
    *(f"@{name}" for name in NICKNAMES),
    *("@reboot", "@Daily", "@DAILY", "@every", "@every_minute", "@fortnightly", "@", "@daily @daily", "@ daily"),
    *("   * * * * *", "\t*\t*\t*\t*\t*", "*  *   * * *", "* * * *", "* * *", "*", "", "* * * * * *", "0 0 0 * * *"),
    *("0 0 * * * 2026", "0 0 1 1 * *", "*/5 * * * * *", "* * * * * ?", "* * 31 2 *", "0 0 30 2 1", "1 -5 * * *"),
    *("1, 2 * * * *", "* * * * *;", "'* * * * *'", '"* * * * *"', "0 0 1,15 * 1", "59 23 31 12 7", "*\u00a0* * * *"),
    *("A=1", "export A=1", "A = 1", 'A="1" 2', "# comment", "minute hour day month weekday", "٥ * * * *", "é * * * *"),
]


# Behind such a line cron reads on in what the line before has left in memory (load_env in env.c steps over the end of a
# text that is only an opening quote): what it says then depends on that, and lab refuses the line.
PAST_THE_END = re.compile(rb"(?m)(?:^|=)[ \t]*['\"]$")


def lines() -> list[str]:
    """Every part in every field, then lines written by hand."""
    systematic = []
    for place, part in itertools.product(range(len(NAMES)), PARTS.split()):
        fields = ["*"] * len(NAMES)
        fields[place] = part
        systematic.append(" ".join(fields))
    return systematic + BY_HAND


def verdict(text: bytes) -> bool:
    """Whether lab would have the crontab of Debian 13 take it."""
    return not any(isinstance(entry, Refused) or (isinstance(entry, Setting) and entry.unsafe) for entry in read(text))


@pytest.mark.stack
@pytest.mark.timeout(2400)  # for the 100,000, beside other tests
def test_every_verdict_is_that_of_debians_crontab() -> None:
    """Of each line as a crontab of its own, and of crontabs with mistakes in them; 100,000 of these with PROVE=1."""
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode:
        subprocess.run(["docker", "build", "--tag", IMAGE, LESSON], check=True, capture_output=True)
    asked = [f"{line} /bin/true\n".encode() for line in lines()]
    asked += mutants(commit() % 1000, 100_000 if proving() else 300)
    command = [
        "docker",
        "run",
        "--rm",
        "--interactive",
        "--network",
        "none",
        "--entrypoint",
        "python3",
        IMAGE,
        "-c",
        ASK,
    ]
    question = json.dumps([text.hex() for text in asked])
    answer = subprocess.run(command, input=question, capture_output=True, text=True, check=True)
    said = json.loads(answer.stdout)
    assert len(said) == len(asked) >= 650
    assert min(said.count(True), said.count(False)) > 200
    different = [
        f"{text!r}: crontab says {debian}"
        for text, debian in zip(asked, said, strict=True)
        if verdict(text) != debian and not PAST_THE_END.search(text)
    ]
    assert not different, "\n".join(different)


NIGHTS = [  # a zone, when its clock changes (UTC), by how many minutes, and what is seen of the time before and after it
    ("Australia/Lord_Howe", "2026-10-03T15:30", 30, 15, 15),
    ("Antarctica/Casey", "2022-10-01T16:01", 180, 15, 15),
    (
        "Australia/Lord_Howe",
        "2026-04-04T15:00",
        -30,
        45,
        35,
    ),  # its local time must begin before the one that comes twice
]
JOBS = {"wild": "*/10 * * * *", "fixed": "0-59/10 0-23 * * *"}


@pytest.mark.stack
@pytest.mark.clock
def test_the_daemon_does_what_its_model_does(tmp_path: Path) -> None:
    """Two jobs around changes by half an hour and by three hours; one of the nights, with PROVE=1 each.

    Stamps are cut to ten minutes, since on a busy machine a job may write its line some seconds late.
    """
    lines = [f"{text} date '+\\%F \\%T \\%z {name}' >> {LOG}\n" for name, text in JOBS.items()]
    (tmp_path / "crontab.txt").write_text("".join(lines))
    windows = []
    for key, change, by, lead, rest in NIGHTS if proving() else [NIGHTS[commit() % len(NIGHTS)]]:
        zone, at = ZoneInfo(key), datetime.fromisoformat(f"{change}Z")
        before, after = ((at + timedelta(minutes=minute)).astimezone(zone).utcoffset() for minute in (-1, 1))
        assert before is not None and after is not None and after - before == timedelta(minutes=by)
        start = (at - timedelta(minutes=lead)).astimezone(zone).replace(tzinfo=None)
        windows.append(Window(start, lead + rest, key, 2 * (lead + rest)))
    for window, session in zip(windows, run_windows(tmp_path / "crontab.txt", windows), strict=True):
        zone = ZoneInfo(window.zone)
        start = window.start.replace(tzinfo=zone).astimezone(UTC) + timedelta(minutes=8)  # the container may start late
        searches = list(ticks(zone, start, start + timedelta(minutes=window.minutes - 10)))
        expected = {name: Counter(map(ten_minutes, fired(job(text), searches))) for name, text in JOBS.items()}
        seen: dict[str, Counter[datetime]] = {name: Counter() for name in JOBS}
        for line in session.log:
            stamp, name = line.rsplit(maxsplit=1)
            moment = datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
            if searches[0].moment <= moment < searches[-1].moment:
                seen[name][ten_minutes(moment)] += 1
        assert seen == expected, f"{window.zone} {window.start}"


def ten_minutes(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 10 * 10, second=0)


# As the shell of a crontab: it notes what cron hands to it, the command and the input.
HANDED = f"""#!/usr/bin/env python3
import json, sys
with open({LOG!r}, "a") as log:
    log.write(json.dumps([sys.argv[2], sys.stdin.read()]) + chr(10))
"""
PERCENT = [
    *(r"a \% b", r"b \\. c", r"c \\% d", r"d \n", "e%", "f%one%two%", r"g%50\% \x", r"h \\\% i%\\%j", "i%%", r"j%k\n"),
    "k",
]


def test_plan_hands_on_a_command_as_cron_does(tmp_path: Path) -> None:
    shell = tmp_path / "shell"
    shell.write_text(HANDED)
    shell.chmod(0o755)
    lines = ["SHELL=/exercise/shell", "PATH=/usr/local/bin:/usr/bin:/bin", *(f"* * * * * {rest}" for rest in PERCENT)]
    (tmp_path / "crontab.txt").write_text("\n".join(lines) + "\n")
    window = Window(datetime(2026, 3, 2, 8, 59, 10), 6, enough=lambda log: len(log) >= len(PERCENT))
    [session] = run_windows(tmp_path / "crontab.txt", [window])
    assert {tuple(json.loads(line)) for line in session.log} == {percent(rest) for rest in PERCENT}
