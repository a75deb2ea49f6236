"""Was: prefect.context.get("logger"), prefect.context["scheduled_start_time"], prefect.context.today."""

from prefect import flow, get_run_logger, runtime, task


@task
def which() -> str:
    get_run_logger().info("was prefect.context.get('logger')")
    return f"{runtime.flow_run.flow_name}/{runtime.task_run.task_name}"


@flow
def etl(top: int = 10) -> None:
    print(which(), "parameters", runtime.flow_run.parameters)
    print(f"due on {runtime.flow_run.scheduled_start_time:%F}")


if __name__ == "__main__":
    etl()
