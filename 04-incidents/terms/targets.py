"""Was: @task(result=LocalResult(), target="{task_name}-{today}"). Where the file exists, the task does not run."""

from datetime import date

from prefect import flow, task

ran: list[date] = []


@task(persist_result=True, result_storage_key="get-data-{parameters[day]}.json", result_serializer="json")
def get_data(day: date) -> list[int]:
    ran.append(day)
    return [1, 2, 3, 4, 5]


@flow
def etl(day: date) -> int:
    return len(get_data(day))


if __name__ == "__main__":
    for day in ("2026-01-02", "2026-01-02", "2026-01-03"):
        etl(date.fromisoformat(day))
    print(f"3 runs of the flow, {len(ran)} of the task")
