"""Was: flow.run(run_name=...), and task_run_name="{pop}"; the advice stays: the name says what runs."""

from datetime import date

from prefect import flow, runtime, task


@task(task_run_name="pop-{pop}")
def fetch(pop: int) -> str:
    return runtime.task_run.name


@flow(flow_run_name="nem_prices_raw_{day:%Y-%m-%d}")
def prices(day: date) -> str:
    return f"{runtime.flow_run.name}: {fetch(28)}"


if __name__ == "__main__":
    print(prices(date(2014, 1, 1)))
