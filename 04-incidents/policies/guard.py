"""The guard: a run that comes too late skips itself. A flow begins with it:

if skipped := skip_older(timedelta(minutes=30)):
    return skipped
"""

from datetime import UTC, datetime, timedelta

from prefect import runtime
from prefect.client.schemas.objects import State
from prefect.states import Cancelled


def skip_older(limit: timedelta) -> State | None:
    """The state Skipped when this run of the schedule starts later than `limit`, else None."""
    late = datetime.now(UTC) - runtime.flow_run.scheduled_start_time
    if "auto-scheduled" in runtime.flow_run.tags and late > limit:
        return Cancelled(name="Skipped", message=f"{late.total_seconds():.0f} s late, more than {limit}")
    return None
