"""Was: a filter. An interval has none, so the flow looks at the day for which it was planned."""

from prefect import State, flow, runtime
from prefect.states import Completed


@flow
def collect_on_weekdays() -> State | str:
    due = runtime.flow_run.scheduled_start_time  # not now: a late run of Friday is still one of Friday
    if due.weekday() >= 5:
        return Completed(name="Skipped", message=f"{due:%A}")
    return f"collected for {due:%A}"


if __name__ == "__main__":
    collect_on_weekdays()
