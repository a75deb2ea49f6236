"""All that `lab cron` says of a text at once, as JSON: the site's playground shows it while you type."""

import json
from dataclasses import asdict
from typing import Any

from engine.core import UserError
from lab.cron.crontab import BLANKS, CommandFollows, Job, ScheduleRejected, parse, printable, read
from lab.cron.explain import explanation, schedule_named
from lab.cron.lint import lint
from lab.cron.zones import moment_named, zone_named

MOST_JOBS = 50  # that are explained


def answer(crontab: bytes, tz: str, start: str, system: bool) -> str:
    """What the commands say of a crontab, or of one schedule alone; an empty `start` is now.

    A JSON object: `refused` (one line) or `jobs`, whose lines are those of `lab cron explain`; how many `more` jobs there
    are; `findings` of `lab cron lint`; and whether it is a schedule `alone`, in which nothing but the schedule counts.
    """
    text = crontab.decode(errors="surrogateescape")
    said: dict[str, Any] = {"alone": is_schedule(text), "jobs": [], "more": 0}
    said["findings"] = [asdict(finding) for finding in lint(crontab, system)]
    try:
        zone = zone_named(tz)
        after = moment_named(start or None, zone)
        if said["alone"]:
            jobs = [Job(1, schedule_named(text.removesuffix("\n")), "")]
        else:
            jobs = [entry for entry in read(crontab, system) if isinstance(entry, Job)]
        said["more"] = len(jobs[MOST_JOBS:])
        for job in jobs[:MOST_JOBS]:
            shown = {"line": job.number, "schedule": printable(job.schedule.text), "rest": printable(job.rest)}
            said["jobs"].append(shown | asdict(explanation(job.schedule, zone, after)))
    except UserError as reason:
        said["refused"] = str(reason)
    return json.dumps(said)


def is_schedule(text: str) -> bool:
    """Whether a text is one schedule, or meant as one; a comment, a setting, a job and several lines are a crontab."""
    line = text.strip(f"{BLANKS}\n")
    if not line or line.startswith("#") or "\n" in line:
        return False
    try:
        parse(line)
    except CommandFollows:
        return False
    except ScheduleRejected:
        pass
    return True
