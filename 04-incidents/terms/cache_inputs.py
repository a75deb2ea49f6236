"""Was: @task(cache_for=timedelta(hours=1), cache_validator=all_inputs), then cache_key_fn=task_input_hash."""

from datetime import timedelta

from prefect import flow, task
from prefect.cache_policies import INPUTS

ran: list[str] = []


@task(cache_policy=INPUTS, cache_expiration=timedelta(hours=1), persist_result=True)
def fetch_rate(currency: str, day: str) -> float:
    ran.append(day)
    return 5.4


@flow
def convert(day: str) -> float:
    return 100 * fetch_rate("USD", day)


if __name__ == "__main__":
    for day in ("2026-01-02", "2026-01-02", "2026-01-03"):
        convert(day)
    print(f"3 runs of the flow, {len(ran)} of the task")
