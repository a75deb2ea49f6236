"""Was: an edge with a key (data), and set_upstream or upstream_tasks=[...] (state only)."""

import threading

from prefect import flow, task

extracted = threading.Event()
order: list[str] = []


@task
def create_table() -> None:
    extracted.wait(timeout=30)  # seconds; it ends last, and begins first
    order.append("create")


@task
def extract() -> list[int]:
    order.append("extract")
    extracted.set()
    return [1, 2, 3]


@task
def insert(rows: list[int]) -> None:
    order.append(f"insert {len(rows)} rows")


@flow
def etl() -> None:
    created = create_table.submit()
    rows = extract.submit()
    insert.submit(rows, wait_for=[created]).wait()  # takes the rows, and only waits for the table


if __name__ == "__main__":
    etl()
    print(", ".join(order))
