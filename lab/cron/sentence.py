"""A schedule in a sentence. It is made from the values that the fields match, so that it says what cron does."""

import calendar
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from lab.cron.crontab import Field, Schedule

FEW = 4  # times of day that are named one by one
MONTHS = calendar.month_name[1:]
WEEKDAYS = calendar.day_name[:]


def sentence(schedule: Schedule) -> str:
    """What the schedule does, in words."""
    said = "Never"
    if schedule.expression:
        minute, hour, day, month, weekday = schedule.fields
        days = day_words(day, weekday, schedule.either_day)
        if hour.full and days == "every day":
            days = ""  # "every minute" and "of every hour" say so
        months = month_words(month)
        if months and (" or on " in days or " if " in days):
            days += ","
        said = " ".join(filter(None, (time_words(minute, hour), days, months)))
    if schedule.text.startswith("@"):
        said = f"{schedule.text} is {' '.join(field.text for field in schedule.fields)}: {said}"
    return f"{said}."


def time_words(minute: Field, hour: Field) -> str:
    """Minutes and hours: "At 02:30", "Every 15 minutes from 02:00 through 02:59", "At minute 5 of every hour"."""
    minutes, hours = sorted(minute.values), sorted(hour.values)
    if not hour.full and len(minutes) * len(hours) <= FEW:
        return "At " + joined(f"{h:02}:{m:02}" for h in hours for m in minutes)
    step = regular_step(minutes)
    if step and 60 % step == 0 and minutes == list(range(0, 60, step)):
        said = "Every minute" if step == 1 else f"Every {step} minutes"
        if hour.full:
            return said
        if regular_step(hours) == 1 or len(hours) == 1:
            return f"{said} from {hours[0]:02}:00 through {hours[-1]:02}:59"
        return f"{said} during {numbered('hour', hours)}"
    return f"At {numbered('minute', minutes)} of {'every hour' if hour.full else numbered('hour', hours)}"


def day_words(day: Field, weekday: Field, either: bool) -> str:
    """The days on which it runs, by Debian's rule for the two day fields."""
    if (day.full and weekday.full) or (either and (day.full or weekday.full)):
        return "every day"
    numbers = sorted(day.values)
    names = sorted({value or 7 for value in weekday.values})  # Sunday last
    dates = f"on {stepped('day', numbers, the) or listed(numbers, the)} of the month"
    weekdays = listed(names, lambda value: WEEKDAYS[value - 1], "and" if either else "or")
    if weekday.full or not names:
        return dates
    if day.full or not numbers:
        return f"on {listed(names, lambda value: WEEKDAYS[value - 1])}"
    return f"{dates} or on {weekdays}" if either else f"{dates} if it is {weekdays}"


def month_words(month: Field) -> str:
    """The months, nothing for all of them."""
    if month.full:
        return ""
    months = sorted(month.values)
    return (
        f"{'from' if len(months) > 2 and regular_step(months) == 1 else 'in'} {listed(months, lambda m: MONTHS[m - 1])}"
    )


def numbered(noun: str, values: list[int]) -> str:
    """Numbers with their noun: "hour 5", "hours 5, 8 and 9", "every 2nd hour from 0 through 22"."""
    return stepped(noun, values, str) or f"{noun}{'' if len(values) == 1 else 's'} {listed(values, str)}"


def stepped(noun: str, values: list[int], show: Callable[[int], str]) -> str:
    """Values at an equal distance above 1; empty when they are not, or are few."""
    step = regular_step(values)
    if step < 2 or len(values) <= FEW:
        return ""
    return f"every {ordinal(step)} {noun} from {show(values[0])} through {show(values[-1])}"


def regular_step(values: list[int]) -> int:
    """The distance between each value and the next, 0 when it differs, or there is one value only."""
    steps = {after - before for before, after in pairwise(values)}
    return steps.pop() if len(steps) == 1 else 0


def listed(values: list[int], show: Callable[[int], str], last: str = "and") -> str:
    """Values one by one, three and more in a row as a range."""
    return joined(spans(values, show), last)


def spans(values: list[int], show: Callable[[int], str]) -> Iterator[str]:
    """Each value, or three and more in a row as "first through last"."""
    rest = list(values)
    while rest:
        row = 1
        while row < len(rest) and rest[row] == rest[0] + row:
            row += 1
        if row < 3:
            row = 1
        yield show(rest[0]) if row == 1 else f"{show(rest[0])} through {show(rest[row - 1])}"
        rest = rest[row:]


def joined(parts: Iterable[str], last: str = "and") -> str:
    """Parts with commas, and a word before the last."""
    *first, end = [*parts] or [""]
    return f"{', '.join(first)} {last} {end}" if first else end


def the(number: int) -> str:
    """A day of the month: "the 21st"."""
    return f"the {ordinal(number)}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")  # codespell:ignore nd
    return f"{number}{ending}"
