"""The packing list of 08:00. The lorry leaves at 08:01: a list that comes later is waste paper."""

from datetime import UTC, datetime

from prefect import State, flow, runtime
from prefect.states import Cancelled


@flow
def packing_list() -> State | None:
    started = datetime.now(UTC)
    late = (started - runtime.flow_run.scheduled_start_time).total_seconds()
    if late > 60:
        return Cancelled(message=f"late by {late:.0f} s")
    print(f"packing list of {started:%H:%M}, planned for {runtime.flow_run.scheduled_start_time:%H:%M}")
    return None


if __name__ == "__main__":
    packing_list()
