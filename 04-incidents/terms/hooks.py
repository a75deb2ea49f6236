"""Was: @task(state_handlers=[tell]) with tell(task, old_state, new_state); now a hook for each end."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import FlowRun, State


def tell(flow: Any, run: FlowRun, state: State) -> None:
    print(f"{flow.name} is {state.name}: {state.message}")


@flow(on_failure=[tell], on_crashed=[tell])
def etl() -> None:
    raise ValueError("no rows")


if __name__ == "__main__":
    etl(return_state=True)
