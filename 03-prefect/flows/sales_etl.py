"""Every two minutes: bring what has changed in the shop to the warehouse, prove it, and renew the report."""

from datetime import datetime, timedelta

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from daily_report import daily_report, today
from late import missed
from shop import one_load_at_a_time
from steps import check_table, copy_table, plan, save
from tables import TABLES


def run_name() -> str:
    given = {name: value for name, value in runtime.flow_run.parameters.items() if value}
    return "sales-" + ("-".join(f"{name}-{value}" for name, value in given.items()) or "changes")


# Two at a time: the shop has customers to serve.
@flow(flow_run_name=run_name, task_runner=ThreadPoolTaskRunner(max_workers=2), timeout_seconds=1800)
def sales_etl(start: datetime | None = None, end: datetime | None = None, full: bool = False) -> State | None:
    """Load the rows that changed since the last load; or from `start` to `end` (UTC if they say nothing); or all."""
    if skipped := missed(timedelta(minutes=2)):  # the run after it brings the same rows
        return skipped
    with one_load_at_a_time():
        where, watermark = plan(start, end, full)
        copies = [copy_table.submit(table, where) for table in TABLES]
        checks = [check_table.submit(copy.result()) for copy in copies]  # result() raises what the task raised:
        rows = sum(check.result() for check in checks)  # a flow that does not ask succeeds although a task failed
        save(watermark)
    if not rows:
        return Completed(name="NothingNew", message="no report: nothing has changed")
    daily_report(today())
    return Completed(message=f"{rows} rows")


if __name__ == "__main__":
    sales_etl()
