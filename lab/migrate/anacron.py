"""An anacrontab, line by line: its periods of days as days of the calendar."""

import re
from collections.abc import Iterator

from lab.cron.crontab import Refused, parse, read_setting
from lab.migrate.lines import Entry, Line
from lab.migrate.peeled import Reason
from lab.migrate.schedules import Cron

ANACRON = re.compile(
    r"\s*(?P<period>\d{1,4}|@\w+)[ \t]+(?P<delay>\d{1,5})[ \t]+(?P<name>[^ \t/]+)[ \t]+(?P<command>\S.*)"
)
PERIODS = {"1": "daily", "7": "weekly", "30": "monthly", "31": "monthly"} | {
    f"@{name}": name for name in ("daily", "weekly", "monthly", "yearly", "annually")
}


def read_anacron(texts: list[str]) -> Iterator[Line]:
    """The lines of an anacrontab: a period in days, a delay in minutes, a name, a command."""
    hour = 0
    for number, text in enumerate(texts, 1):
        line, what = text.strip(), None
        if line and not line.startswith("#"):
            setting = read_setting(number, line)
            if setting and setting.name == "START_HOURS_RANGE":
                hour = int(found[0]) if (found := re.match(r"\d{1,2}", setting.value)) else 0
                hour %= 24
            what = setting or anacron_job(number, text, hour)
        yield Line(number, text, what)


def anacron_job(number: int, text: str, hour: int) -> Entry | Refused:
    """The job on a line of an anacrontab, on the days of the calendar."""
    found = ANACRON.fullmatch(text)
    name = PERIODS.get(found["period"]) if found else None
    if not found:
        return Refused(number, text, "no line of an anacrontab: period in days, delay in minutes, name, command")
    if not name:
        reason = f"a period of {found['period']} days has no place in a calendar: 1, 7 and 30 days are moved"
        return Refused(number, text, reason)
    minutes = hour * 60 + int(found["delay"])
    _, _, *days = (part.text for part in parse(f"@{name}").fields)
    clock = f"{minutes % 60} {minutes // 60 % 24}"
    said = f"anacron waits for the machine to be on; Prefect starts it at {minutes // 60 % 24}:{minutes % 60:02d}, late"
    return Entry(
        (Cron(f"{clock} {' '.join(days)}", False),),
        found["command"].rstrip(),
        name=found["name"],
        reasons=(Reason("anacron", f"{said} if the worker is away"),),
    )
