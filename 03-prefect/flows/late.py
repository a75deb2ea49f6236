"""A policy for missed runs. Prefect has none: after a night without a worker, it starts every run of that night."""

from datetime import UTC, datetime, timedelta

from prefect import runtime
from prefect.client.schemas.objects import State
from prefect.states import Cancelled


def missed(most: timedelta) -> State | None:
    """A Cancelled state for a run of the schedule that starts more than `most` late, else None.

    A run that a person or a backfill asked for is never too late: it does not carry the tag `auto-scheduled`.
    """
    late = datetime.now(UTC) - runtime.flow_run.scheduled_start_time
    if "auto-scheduled" in runtime.flow_run.tags and late > most:
        return Cancelled(name="Skipped", message=f"{late.total_seconds():.0f} s late, more than {most}")
    return None
