"""`lab audit`: what it finds in a labelled set, the calendar, the spread, and that it writes nothing."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from engine.core import ROOT
from lab.audit import crontabs
from lab.audit.crontabs import Crontab, audited, of_path
from lab.audit.faults import PLACES
from lab.audit.load import calendar, load, spread, starts_of
from lab.cli import app
from lab.cron.crontab import parse

LABELLED = ROOT / "tests/audit/labelled.toml"
MAIL = "MAILTO=ops@example.org\n"


def cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(LABELLED.read_text())["case"]
    return found


def found_in(case: dict[str, Any]) -> set[tuple[int, str]]:
    crontab = Crontab("x", case["crontab"].encode() + b"\n", case.get("system", False))
    return {(one.line, one.fault) for one in audited(crontab, ZoneInfo(case.get("tz", "UTC"))).findings}


def test_the_labelled_set_is_found_whole_and_nothing_else() -> None:
    missed, false, found = [], [], 0
    for case in cases():
        wanted = {(int(line), fault) for line, faults in case.get("expect", {}).items() for fault in faults}
        seen = found_in(case)
        found += len(wanted & seen)
        missed += [(case["why"], *one) for one in sorted(wanted - seen)]
        false += [(case["why"], *one) for one in sorted(seen - wanted)]
    print(f"{len(cases())} crontabs: found {found}, missed {len(missed)}, false {len(false)}")
    assert (missed, false) == ([], [])
    assert len(cases()) >= 30 and found >= 30


def test_every_fault_is_in_the_labelled_set_and_some_lines_have_none() -> None:
    labels = {fault for case in cases() for faults in case.get("expect", {}).values() for fault in faults}
    assert labels == set(PLACES)
    assert sum("expect" not in case for case in cases()) >= 10


def anchors(page: Path) -> set[str]:
    """The anchors of a page: ids that stand in it, and those that Markdown makes of headings."""
    found = set()
    for title in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE):
        if given := re.search(r"\{ #([\w-]+) \}", title):
            found.add(given[1])
        else:
            found.add(re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()))
    return found


@pytest.mark.parametrize("fault", PLACES)
def test_the_section_of_a_fault_exists(fault: str) -> None:
    page, _, anchor = PLACES[fault].partition("#")
    assert anchor in anchors(ROOT / "docs/en" / page)


def starts(*lines: str) -> Any:
    tasks = audited(Crontab("x", ("\n".join(lines) + "\n").encode()), ZoneInfo("UTC")).tasks
    return starts_of((f"line {task.number}", task) for task in tasks)


def test_the_calendar_fits_a_terminal_and_counts_the_busiest_day() -> None:
    lines = calendar(starts("0 3 * * * /a", "0 3 * * 1 /b", "*/30 * * * * /c"))
    assert max(map(len, lines)) <= 80
    assert "03     3" in "\n".join(lines)  # /a, /b on Monday, /c
    assert "00-02  1.............................1" in "\n".join(lines)


def test_a_spread_halves_the_peak_and_changes_minutes_only() -> None:
    jobs = starts(
        *(f"0 * * * * /{number}" for number in range(6)), "*/15 * * * * /a", "*/15 * * * * /b", "* * * * * /c"
    )
    moves = spread(jobs)
    schedules = {move.start.name: move.schedule for move in moves}
    after = starts(*(f"{schedules.get(job.name, job.task.schedule.text)} {job.task.command}" for job in jobs))
    before, now = max(load(jobs).values()), max(load(after).values())
    print(f"starts in the busiest minute: {before} before, {now} after")
    assert (before, now) == (9, 2)
    assert [len(job.minutes) for job in after] == [len(job.minutes) for job in jobs]
    for move in moves:
        assert parse(move.schedule).fields[1:] == move.start.task.schedule.fields[1:]
    assert spread(jobs) == moves


def test_a_job_that_waits_for_another_is_not_moved(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text(MAIL + "0 4 * * * /a > /srv/o\n0 4 * * * /b /srv/o\n0 4 * * * /c\n")
    said = CliRunner().invoke(app, ["audit", str(file)]).output
    assert "line 4: 0 4 * * * → " in said or "line 2: 0 4 * * * → " in said
    assert "line 3: 0 4 * * * → " not in said


def test_a_folder_is_read_as_cron_reads_it_and_nothing_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "cron.d"
    folder.mkdir()
    (folder / "poll").write_text("MAILTO=root\n*/5 * * * * root /usr/lib/x\n")
    (folder / "poll.bak").write_text("nonsense\n")  # cron does not read it
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    done = CliRunner().invoke(app, ["audit", str(folder)])
    assert done.exit_code == 1 and "overlap" in done.output and "poll.bak" not in done.output
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert [one.system for one in of_path(folder, False)] == [True]


def test_the_spool_has_no_user_column(tmp_path: Path) -> None:
    spool = tmp_path / "cron/crontabs"
    spool.mkdir(parents=True)
    (spool / "ana").write_text("0 3 * * * flock -n /tmp/l timeout 9 /opt/backup.sh --all >> /var/log/b 2>&1 || ping\n")
    [one] = of_path(spool, False)
    assert not one.system and not [
        finding for finding in audited(one, ZoneInfo("UTC")).findings if finding.fault == "broken"
    ]


def test_one_file_that_cannot_be_read_hides_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("0 3 * * * root /opt/x\n")
    read = Path.read_bytes
    locked = PermissionError(13, "Permission denied", str(tmp_path / "b"))

    def read_bytes(path: Path) -> bytes:
        if path.name == "b":
            raise locked
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    monkeypatch.setattr(crontabs, "SYSTEM", (tmp_path,))
    found, notes = crontabs.of_machine()
    assert [Path(one.source).name for one in found if one.system] == ["a", "c"]
    assert [note for note in notes if note.endswith("b cannot be read: permission denied")]


def test_a_machine_without_crontab_and_systemd_is_audited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(app, ["audit"])
    assert done.exit_code in (0, 1)
    assert "crontab -l: there is no such program" in done.output and "systemd's timers" in done.output


def test_the_crontab_and_the_timers_of_a_machine_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Programs that answer as the real ones do: no machine can be asked to have a crontab for a test."""
    answers = {
        "crontab": "*/5 * * * * /opt/mine\n",
        "systemctl": "Id=a.timer\nPersistent=no\nTimersCalendar={ OnCalendar=*-*-* 04:00:00 ; next_elapse=x }\n"
        "TimersCalendar={ OnCalendar=Mon *-*-* 05:00/20:00 ; next_elapse=x }\n\nId=b.timer\n\n"
        "Id=c.timer\nPersistent=yes\nTimersCalendar={ OnCalendar=*-*-* 04:00:30 ; next_elapse=x }\n",
    }
    for name, text in answers.items():
        (tmp_path / name).write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    said = CliRunner().invoke(app, ["audit"]).output
    assert "crontab -l\n   1  */5 * * * * /opt/mine\n" in said
    assert (
        "timer a.timer: *-*-* 04:00:00, Mon *-*-* 05:00/20:00; missed runs are lost" in said and "b.timer" not in said
    )
    assert "timer c.timer: *-*-* 04:00:30; not in the calendar" in said
    assert re.search(r"at once, \d+ times a week, first \w+ \d\d:\d\d: .*a\.timer", said), said


def test_standard_input_is_read_and_hostile_bytes_are_no_trouble() -> None:
    for raw in (
        b"",
        b"\xff\xfe\x00",
        b"* * * * * \x1b[31m /x\xff\n",
        b"\n" * 20_000,
        b"*/5 * * * * " + b"%" * 900 + b"\n",
    ):
        done = CliRunner().invoke(app, ["audit", "-"], input=raw)
        assert done.exit_code in (0, 1) and "\x1b" not in done.output


@pytest.mark.parametrize("name", ["backup.timer", "anacrontab"])
def test_another_kind_of_file_is_refused_by_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("[Timer]\nOnCalendar=daily\n")
    done = CliRunner().invoke(app, ["audit", str(tmp_path / name)])
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1
    assert f"{name} is a" in done.stderr and "lab migrate plan" in done.stderr


def test_a_file_that_is_not_there_is_one_line() -> None:
    done = CliRunner().invoke(app, ["audit", "no-such-file"])
    assert done.exit_code == 2 and done.stderr.strip() == "no-such-file cannot be read: no such file or directory"
