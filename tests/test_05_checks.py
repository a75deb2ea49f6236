"""The checks of lesson 05 that judge a plan, its dates and a cut-over: typical wrong answers, and other right ones."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.core import ROOT
from lab.checks.registry import Outcome, all_checks
from lab.migrate.lines import Format
from lab.migrate.plan import plan
from lab.migrate.write import prefect_yaml

pytestmark = pytest.mark.clock  # some seconds each

INTERVAL = 'interval: 1800, anchor_date: "2026-11-01T00:00:00+00:00"'
DECIDE = 'SELECT job, ?, system FROM switch WHERE job = ? ON CONFLICT DO NOTHING",\n            [instant, job]'
TAKE = 'VALUES (?, ?, ?) ON CONFLICT DO NOTHING",\n            [job, instant, system]'
LIMIT = "limit: 1, collision_strategy: ENQUEUE"


def judged(name: str, text: str, folder: Path) -> Outcome:
    check = all_checks()[f"05-migration/{name}"]
    (folder / check.file).write_text(text)
    outcome: Outcome = check.judge(folder / check.file)
    assert "\n" not in outcome.seen and outcome.seen.isprintable()
    return outcome


def changed(name: str, *changes: tuple[str, str]) -> str:
    """The solution with other words."""
    text = all_checks()[f"05-migration/{name}"].solution.read_text()
    for right, other in changes:
        assert right in text
        text = text.replace(right, other)
    return text


@pytest.mark.parametrize(
    ("name", "right", "wrong", "seen"),
    [
        ("refused", "0 10 * * 1-5", "0 7 * * 1-5", "./report is not started at Mon 2026-11-02 10:00"),
        ("refused", "SHELL=", "CRON_TZ=UTC\nSHELL=", "line 2 is refused: "),
        ("refused", "10 1 * * *", "10 1 * * Mon-Sat", "./unpaid is not started at Sun 2026-11-01 01:10"),
        ("refused", "0 4 * * 0 rm", "@weekly rm", "rm -f /tmp/shop-*.lock is not started at Sun 2026-11-01 04:00"),
        ("refused", "*/15 * * * * cd", "# */15 * * * * cd", "./pictures is not started at "),
        ("refused", r"\%", "%", "the backup leaves this: "),
        ("refused", "30 2 * * * tar", "# 30 2 * * * tar", "no job makes a backup"),
        ("lock-limit", "CANCEL_NEW", "ENQUEUE", "unpaid: limit 1 ENQUEUE"),
        ("lock-limit", LIMIT, "limit: 1", "recount: Prefect refuses the collision_strategy None"),
        ("lock-limit", "1-5, day_or: false", "1-5", "day_or is missing"),
        ("lock-limit", "slug: odd-days, ", "", "0 instants differ; unpaid: limit 1 CANCEL_NEW; recount: limit 1 ENQUEUE; sch"),
        ("lock-limit", "flock -n /tmp/unpaid.lock ", "", "unpaid: no deployment"),
        ("lock-limit", ", timezone: America/Sao_Paulo", "", "the time zone is UTC"),
        ("lock-limit", "concurrency_limit", "concurency_limit", "unpaid: no limit; recount: no limit"),
        ("lock-limit", "deployments:", "deployments: [", "this is no YAML"),
        ("spring-night", "0 4", "0 3", "0 instants differ; 2026-11-01: backup 03:15, copy 03:00"),
        ("spring-night", "15 3", "15 1", "0 instants differ; 2026-11-01: backup 01:15, copy 04:00"),
        ("spring-night", "15 3", "15 2", "2 instants differ: the clock skips these times"),
        ("spring-night", "15 3", "15 3,4", "0 instants differ; 2026-11-01: backup 03:15 04:15"),
        ("spring-night", "15 3", "# 15 3", "0 instants differ; 2026-11-01: backup never"),
        ("autumn-hour", INTERVAL, 'cron: "0,30 0-23 * * *", timezone: Europe/Berlin', "these times come twice"),
        ("autumn-hour", INTERVAL, "interval: 1800", "an interval without anchor_date begins when it is deployed"),
        ("autumn-hour", INTERVAL, INTERVAL.replace("1800", "3600"), "9,600 instants differ"),
        ("autumn-hour", INTERVAL, "rrule: FREQ=MINUTELY;INTERVAL=30, timezone: Europe/Berlin", "2 instants differ"),
        ("one-switch", "PRIMARY KEY (job, instant)", "PRIMARY KEY (instant)", "TypeError"),
        ("one-switch", DECIDE, TAKE, "before the switch is thrown: run by prefect, not by cron"),
        ("one-switch", "with database:", "if True:", "asked again when it is thrown: run by prefect, not by cron"),
    ],
)  # fmt: skip
def test_a_typical_wrong_answer_does_not_pass(name: str, right: str, wrong: str, seen: str, tmp_path: Path) -> None:
    outcome = judged(name, changed(name, (right, wrong)), tmp_path)
    assert not outcome.passed and seen in outcome.seen, outcome.seen


LOOKS_FIRST = """
def claim(database, job, instant, system):
    database.execute("CREATE TABLE IF NOT EXISTS decisions (job, instant, system, PRIMARY KEY (job, instant))")
    decided = "SELECT system FROM decisions WHERE job = ? AND instant = ?"
    if row := database.execute(decided, [job, instant]).fetchone():
        return row[0] == system
    [owner] = database.execute("SELECT system FROM switch WHERE job = ?", [job]).fetchone()
    with database:
        database.execute("INSERT OR IGNORE INTO decisions VALUES (?, ?, ?)", [job, instant, owner])
    return owner == system
"""
ONLY_THE_OWNER_DECIDES = """
def claim(database, job, instant, system):
    database.execute("CREATE TABLE IF NOT EXISTS decisions (job, instant, system, PRIMARY KEY (job, instant))")
    with database:
        database.execute(
            "INSERT OR IGNORE INTO decisions SELECT job, ?, system FROM switch WHERE job = ? AND system = ?",
            [instant, job, system],
        )
    decided = "SELECT system FROM decisions WHERE job = ? AND instant = ?"
    row = database.execute(decided, [job, instant]).fetchone()
    return row is not None and row[0] == system
"""
IN_TWO_STEPS = """
def claim(database, job, instant, system):
    database.execute("CREATE TABLE IF NOT EXISTS decisions (job, instant, system, PRIMARY KEY (job, instant))")
    with database:
        database.execute("INSERT OR IGNORE INTO decisions VALUES (?, ?, NULL)", [job, instant])
        mine = database.execute("SELECT changes()").fetchone()[0]
    if mine:
        with database:
            database.execute(
                "UPDATE decisions SET system = (SELECT system FROM switch WHERE job = ?) WHERE job = ? AND instant = ?",
                [job, job, instant],
            )
    decided = "SELECT system FROM decisions WHERE job = ? AND instant = ?"
    return database.execute(decided, [job, instant]).fetchone()[0] == system
"""


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (LOOKS_FIRST, "then the switch is thrown: run by cron and prefect"),
        (ONLY_THE_OWNER_DECIDES, "then the switch is thrown: run by nobody"),
        (IN_TWO_STEPS, "cron asks first and waits before 'BEGIN', then the switch is thrown: run by nobody"),
    ],
)
def test_a_decision_that_is_not_one_step_does_not_pass(text: str, seen: str, tmp_path: Path) -> None:
    outcome = judged("one-switch", text, tmp_path)
    assert not outcome.passed and seen in outcome.seen, outcome.seen


IMMEDIATE = """
def claim(database, job, instant, system):
    database.isolation_level = None
    database.execute("BEGIN IMMEDIATE")
    database.execute("CREATE TABLE IF NOT EXISTS decisions (job, instant, system)")
    row = database.execute("SELECT system FROM decisions WHERE job = ? AND instant = ?", [job, instant]).fetchone()
    if row is None:
        row = database.execute("SELECT system FROM switch WHERE job = ?", [job]).fetchone()
        database.execute("INSERT INTO decisions VALUES (?, ?, ?)", [job, instant, *row])
    database.execute("COMMIT")
    return row[0] == system
"""
REFUSED_BY_THE_KEY = """
import sqlite3

def claim(database, job, instant, system):
    database.execute("CREATE TABLE IF NOT EXISTS decided (due TEXT PRIMARY KEY, system TEXT)")
    due = f"{job} {instant}"
    try:
        with database:
            database.execute("INSERT INTO decided SELECT ?, system FROM switch WHERE job = ?", [due, job])
    except sqlite3.IntegrityError:
        pass
    return database.execute("SELECT 1 FROM decided WHERE due = ? AND system = ?", [due, system]).fetchone() is not None
"""


def written_by_the_plan() -> str:
    raw = (ROOT / "05-migration/crontabs/locks.txt").read_bytes()
    made = plan(raw, Format.USER, ZoneInfo("America/Sao_Paulo"), datetime(2026, 11, 1, tzinfo=UTC), "scheduler")
    return prefect_yaml(made, "locks.txt")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("refused", changed("refused", ("1-5", "Mon-Fri"), ("*/15", "0,15,30,45"), ("10 1 * * *", "10 1 * * 1-7"))),
        ("refused", changed("refused", ("$(date +\\%F)", "$(date -I)"), ("* * 0", "* * Sun"), ("SHELL", "TZ=UTC\nSHELL"))),
        ("lock-limit", written_by_the_plan()),
        ("lock-limit", changed("lock-limit", (f"{{ {LIMIT} }}", "1"), ("30 6 */2", "30 6 1-31/2"), ("1-5", "MON-FRI"))),
        ("spring-night", changed("spring-night", ("15 3", "0 2"))),
        ("spring-night", changed("spring-night", ("15 3", "0 3"), ("0 4", "30 3"))),
        ("autumn-hour", changed("autumn-hour", (INTERVAL, 'cron: "*/30 * * * *", timezone: UTC'))),
        ("autumn-hour", changed("autumn-hour", (INTERVAL, 'interval: PT30M, anchor_date: 2026-01-01, timezone: Europe/Berlin'))),
        ("one-switch", IMMEDIATE),
        ("one-switch", REFUSED_BY_THE_KEY),
    ],
)  # fmt: skip
def test_another_right_answer_passes(name: str, text: str, tmp_path: Path) -> None:
    outcome = judged(name, text, tmp_path)
    assert outcome.passed, outcome.seen
