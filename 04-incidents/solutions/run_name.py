"""A collection every twenty minutes."""

from prefect import flow, runtime


def turn() -> str:
    return f"incidents-{runtime.flow_run.scheduled_start_time:%Y-%m-%dT%H:%M}"


@flow(flow_run_name=turn)
def incidents_by_pop() -> None:
    print("collected")


if __name__ == "__main__":
    incidents_by_pop()
