"""Six nights in which the clock changes: real cron runs through them fast, Prefect's server plans them."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from contrast.stack import Stack
from engine.docker import docker

RATE = 600
MINUTES = 165  # that each night is watched for


@dataclass(frozen=True)
class Night:
    """A night: the wall clock of `zone` at its start, and the hour that is missing or comes twice in it."""

    zone: str
    start: str
    hour: int

    @property
    def begins(self) -> datetime:
        """Its first moment, in UTC."""
        return datetime.fromisoformat(self.start).replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    @property
    def ends(self) -> datetime:
        """Its last moment, in UTC."""
        return self.begins + timedelta(minutes=MINUTES)

    @property
    def half_hours(self) -> int:
        """How many half hours there are: what a job of every thirty minutes should run, whatever the clock shows."""
        return int(self.ends.timestamp() // 1800 - self.begins.timestamp() // 1800)


NIGHTS = [
    Night("America/New_York", "2026-03-08 00:50", 2),
    Night("Europe/Berlin", "2026-03-29 00:50", 2),
    Night("America/Sao_Paulo", "2018-11-03 22:50", 0),
    Night("America/New_York", "2026-11-01 00:20", 1),
    Night("Europe/Berlin", "2026-10-25 01:20", 2),
    Night("America/Sao_Paulo", "2019-02-16 22:20", 23),
]
JOBS = {"fixed": "30 {hour} * * *", "wild": "*/30 * * * *"}  # once a night, and every half hour

Ran = dict[str, list[str]]  # job → when it ran, in UTC


def with_cron(stack: Stack, lane: str, night: Night) -> Ran:
    """Real cron, on a fast clock through a night."""
    real = MINUTES * 60 / RATE
    t0 = time.time() + 8  # the clock of each night begins 80 minutes before it, for twelve containers to start
    settings = {"TZ": night.zone, "START": f"{night.start}:00", "TICK": f"{60 / RATE}", "T0": f"{t0:.3f}"}
    words = [word for key, value in settings.items() for word in ("--env", f"{key}={value}")]
    command = f"sed s/HOUR/{night.hour}/ /lanes/{stack.crontab(lane, 'dst-night')} | crontab - && exec cron -f"
    options = ("run", "--detach", "--no-deps", *words)
    container = stack.compose(*options, lane, "./timelapse", "sh", "-c", command).splitlines()[-1]
    try:
        time.sleep(max(0.0, t0 + real - time.time()))
        log = docker("exec", container, "cat", "/var/log/job.log").split()
    finally:
        docker("rm", "--force", "--volumes", container)
    ran: Ran = {job: [] for job in JOBS}
    for job, second in zip(log[::2], log[1::2], strict=True):
        at = datetime.fromtimestamp(int(second), UTC)
        if night.begins < at < night.ends:
            ran[job].append(at.isoformat())
    return ran


def with_prefect(stack: Stack, night: Night) -> Ran:
    """Prefect's server plans a night: no worker can wait for one."""
    planned: Ran = {}
    for job, line in JOBS.items():
        schedule: dict[str, object] = {"cron": line.format(hour=night.hour), "timezone": night.zone}
        stack.schedule("catch-up", schedule, night.begins, night.ends)
        before = {"before_": (night.ends + timedelta(minutes=1)).isoformat()}
        runs = stack.prefect("/flow_runs/filter", {"flow_runs": {"next_scheduled_start_time": before}})
        times = [datetime.fromisoformat(run["expected_start_time"]) for run in runs]
        planned[job] = [at.isoformat() for at in sorted(times) if night.begins < at < night.ends]
        stack.forget_runs()
    return planned


def all_nights(stack: Stack) -> dict[str, list[Ran]]:
    """Lane → what it did in each of NIGHTS."""
    crons = [(lane, night) for lane in stack.services("plain", "hardened") for night in NIGHTS]
    with ThreadPoolExecutor(max_workers=len(crons)) as pool:
        ran = list(pool.map(lambda pair: with_cron(stack, *pair), crons))
    found = {lane: [of for (name, _), of in zip(crons, ran, strict=True) if name == lane] for lane, _ in crons}
    if "prefect" in stack.lanes:
        stack.prefect("/work_pools/lab", {"is_paused": True}, "PATCH")  # nobody takes runs of past nights
        found["prefect"] = [with_prefect(stack, night) for night in NIGHTS]
        stack.prefect("/work_pools/lab", {"is_paused": False}, "PATCH")
    return found


def picture(number: int, lanes: dict[str, list[Ran]]) -> dict[str, Any]:
    """What the timeline needs of one night: a tick is half an hour, the hour that comes twice the fault."""
    night = NIGHTS[number]
    first = night.begins.timestamp() // 1800 * 1800 + 1800
    local = ZoneInfo(night.zone)

    def run(job: str, at: str) -> dict[str, Any]:
        tick = round((datetime.fromisoformat(at).timestamp() - first) / 1800, 2)
        return {
            "job": job,
            "due": round(tick),
            "attempts": [{"start": tick, "end": tick, "outcome": "ok", "rows": None}],
        }

    due = list(range(night.half_hours))
    hours = [datetime.fromtimestamp(first + 1800 * n, UTC).astimezone(local) for n in due]
    second = [n for n, hour in zip(due, hours, strict=True) if hour.fold]
    runs = {
        lane: [run(job, at) for job, times in nights[number].items() for at in times] for lane, nights in lanes.items()
    }
    frequent = {lane: {run["due"] for run in of if run["job"] == "wild"} for lane, of in runs.items()}
    return {
        "ticks": len(due),
        "tick_seconds": 1800,
        "due": due,
        "spans": [(second[0], second[-1] + 1, f"{night.hour:02}:00 to {night.hour + 1:02}:00 again")],
        "lanes": {
            lane: {"runs": of, "missed": [n for n in due if n not in frequent[lane]], "skipped": []}
            for lane, of in runs.items()
        },
    }
