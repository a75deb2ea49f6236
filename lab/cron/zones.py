"""The time zone and the moment that a command line names."""

import difflib
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from engine.core import UserError

zone_names = cache(available_timezones)  # it looks into hundreds of files


def zone_named(name: str) -> ZoneInfo:
    """The time zone of that name. Raises UserError, with a name that is near, when there is none."""
    known = zone_names()
    if name in known:
        return ZoneInfo(name)
    cities = {zone.rsplit("/", 1)[-1].casefold(): zone for zone in sorted(known)}
    wanted = name.strip().replace(" ", "_")
    near = {zone.casefold(): zone for zone in known}
    city = difflib.get_close_matches(wanted.rsplit("/", 1)[-1].casefold(), cities, 1, 0.75)
    whole = difflib.get_close_matches(wanted.casefold(), near, 1, 0.75)
    guess = near[whole[0]] if whole else cities[city[0]] if city else ""
    hint = f"did you mean {guess}?" if guess else "they look like America/Sao_Paulo or Europe/Berlin"
    raise UserError(f"{name!r} is no time zone; {hint}")


def moment_named(text: str | None, zone: ZoneInfo) -> datetime:
    """The moment to start from, now by default; a time without offset is the zone's own.

    Raises UserError when it is no date and time.
    """
    if text is None:
        return datetime.now(zone).replace(second=0, microsecond=0)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"--from {text!r} is no date and time; write it as 2026-03-08T01:00") from None
    if not 1970 <= at.year < 9998:
        raise UserError(f"--from {text!r} is out of range: it takes the years from 1970 to 9997")
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    return at.astimezone(UTC).astimezone(zone)  # by way of UTC, so that an hour that the clock skips is not shown
