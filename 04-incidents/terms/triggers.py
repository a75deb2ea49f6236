"""Was: @task(trigger=all_finished) and its like. Now: what a task waits for, and Python's if."""

from prefect import allow_failure, flow, task

ran: list[str] = []


@task
def load(table: str) -> None:
    if table == "lines":
        raise ValueError("no such table")


@task
def note(words: str) -> None:
    ran.append(words)


@flow
def etl() -> None:
    loads = [load.submit("orders"), load.submit("lines")]
    note.submit("all_successful", wait_for=loads).wait()  # the default: does not run here
    note.submit("all_finished", wait_for=[allow_failure(one) for one in loads]).wait()
    states = [one.state for one in loads]
    if any(state.is_failed() for state in states):
        note("any_failed")
    if all(state.is_failed() for state in states):
        note("all_failed")
    if any(state.is_completed() for state in states):
        note("any_successful")


if __name__ == "__main__":
    etl()
    print(", ".join(ran))
