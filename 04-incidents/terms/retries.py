"""Was: @task(max_retries=3, retry_delay=timedelta(seconds=1))."""

from prefect import flow, task

attempts: list[int] = []


@task(retries=3, retry_delay_seconds=[0.1, 0.2, 0.4], retry_jitter_factor=0.5)
def fetch() -> str:
    attempts.append(1)
    if len(attempts) < 3:
        raise ConnectionError("away")
    return "rows"


@flow
def etl() -> str:
    return fetch()


if __name__ == "__main__":
    print(f"{etl()} after {len(attempts)} attempts")
