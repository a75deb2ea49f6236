"""What was sold: tables and a plot, as artifacts in Prefect's UI."""

import base64
import io
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from matplotlib.figure import Figure
from prefect import flow, runtime, task
from prefect.artifacts import create_image_artifact, create_table_artifact
from prefect.cache_policies import INPUTS
from prefect.client.schemas.objects import State

from policies import retrying_task, skip_missed
from tables import TABLES
from warehouse import open_warehouse

ZONE = "America/Sao_Paulo"  # where the shop's days begin and end
DAY = f"toDate(ordered_at, '{ZONE}')"
# It changes with all that is loaded, also by a backfill or at night; by a merge too, which costs a question more.
LOADED = " UNION ALL ".join(f"SELECT max(ver) AS version, count() AS lines FROM {table}_versions" for table in TABLES)


def today() -> date:
    return datetime.now(ZoneInfo(ZONE)).date()


@retrying_task
def loaded() -> tuple[int, int]:
    """The newest version and the number of lines: as long as they stay, so does every answer."""
    [newest] = open_warehouse().query(f"SELECT max(version), sum(lines) FROM ({LOADED}) AS loaded")
    return newest


# Asked again while nothing new was loaded, ClickHouse has no work: the answer is kept under its inputs.
@task(task_run_name="revenue-by-{name}", cache_policy=INPUTS, persist_result=True, retries=2, retry_delay_seconds=5)
def revenue(name: str, by: str, first: date, last: date, state: tuple[int, int]) -> dict[str, float]:
    where = f"{DAY} BETWEEN '{first}' AND '{last}'"
    query = f"SELECT toString({by}) AS name, toInt64(sum(revenue) * 100) FROM sales WHERE {where} GROUP BY name"
    return {group: cents / 100 for group, cents in sorted(open_warehouse().query(query))}


def bars(values: dict[str, float], label: str) -> str:
    """A plot as text that a browser shows: a PNG in a data URL."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    axes.bar(list(values), list(values.values()))
    axes.tick_params(axis="x", rotation=90)
    axes.set_ylabel(label)
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=120)
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"


@flow(flow_run_name=lambda: f"report-{runtime.flow_run.parameters.get('day') or 'yesterday'}")
def daily_report(day: date | None = None) -> State | None:
    """The day's revenue by region and product, and that of the month before it by day; yesterday's by default."""
    if skipped := skip_missed(timedelta(hours=12)):  # a report at noon is better than none
        return skipped
    day = day or today() - timedelta(days=1)
    state = loaded()
    month = revenue.submit("day", DAY, day - timedelta(days=29), day, state)
    sums = {name: revenue.submit(name, name, day, day, state) for name in ("region", "product")}
    for name, asked in sums.items():
        table = [{name: group, "revenue": f"{amount:.2f}"} for group, amount in asked.result().items()]
        create_table_artifact(table, key=f"revenue-by-{name}", description=f"Revenue of {day} by {name}")
    days = month.result()
    create_table_artifact([{"day": d, "revenue": f"{amount:.2f}"} for d, amount in days.items()], key="revenue-by-day")
    create_image_artifact(bars(days, "revenue"), key="revenue-plot", description=f"Revenue of 30 days until {day}")
    return None


if __name__ == "__main__":
    daily_report()
