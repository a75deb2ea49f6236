"""The packing list of 08:00. The lorry leaves at 08:01: a list that comes later is waste paper."""

from datetime import UTC, datetime

from prefect import flow, runtime


@flow
def packing_list() -> None:
    # TODO: a run that starts more than 60 seconds after its time is to end as Cancelled, and to print no list.
    # What a flow returns may be a state, and prefect.states has one for each end.
    started = datetime.now(UTC)
    print(f"packing list of {started:%H:%M}, planned for {runtime.flow_run.scheduled_start_time:%H:%M}")


if __name__ == "__main__":
    packing_list()
