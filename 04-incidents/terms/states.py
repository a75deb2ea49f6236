"""Was: prefect.engine.state.Success, Failed, Skipped, and raise signals.SKIP(...) in a task."""

from prefect import State, flow, task
from prefect.states import Completed


@task
def extract(rows: int) -> State | list[int]:
    if rows < 0:
        raise ValueError("fewer rows than none")
    if rows == 0:
        return Completed(name="Skipped", message="nothing new")  # the name is yours, the type is Completed
    return list(range(rows))


@flow
def etl() -> None:
    for rows in (2, 0, -1):
        state = extract(rows, return_state=True)  # the state, and no exception
        print(state.type.value, state.name, state.is_failed(), state.message)


if __name__ == "__main__":
    etl(return_state=True)
