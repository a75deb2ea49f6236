"""The dashboard as a program. Unlike a JSON editor, Grafana's own library checks what a dashboard may contain.

In this folder: python dashboard.py > grafana/dashboards/orders.json
"""

from grafana_foundation_sdk.builders import dashboard, prometheus, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")  # as grafana/datasources names it
FAILED = 'sum by (flow) (increase(prefect_flow_runs_ended_total{state=~"FAILED|CRASHED"}[5m]))'
WRONG = {what: f"sum(increase(orders_{what}_total[1m]))" for what in ("failed", "retried", "dead_lettered")}
SECONDS = {f"{n} of 100": f"histogram_quantile(0.{n}, sum by (le) (rate(order_seconds_bucket[5m])))" for n in (50, 95)}
# Title, unit, and for each line its name and its query.
PANELS = (
    (
        "Runs that ended, each minute",
        "short",
        {"{{state}}": "sum by (state) (rate(prefect_flow_runs_ended_total[5m])) * 60"},
    ),
    ("Failed and crashed, in 5 minutes", "short", {"{{flow}}": FAILED}),
    ("Oldest late run", "s", {"{{flow}}": "prefect_late_seconds"}),
    ("Lag of the newest run", "s", {"{{flow}}": "prefect_schedule_lag_seconds"}),
    ("Due in a pool, and not begun", "short", {"{{pool}}": "prefect_pool_depth"}),
    ("Messages that wait", "short", {"{{queue}}": "rabbitmq_detailed_queue_messages_ready"}),
    ("Orders done, each second", "short", {"{{instance}}": "sum by (instance) (rate(orders_processed_total[1m]))"}),
    ("Orders that went wrong, in a minute", "short", WRONG),
    ("An order takes less than", "s", SECONDS),
    ("Who answers", "short", {"{{job}}": "min by (job) (up)"}),
    ("Alerts that fire", "short", {"{{alertname}}": 'count by (alertname) (ALERTS{alertstate="firing"})'}),
    ("To ask Prefect takes", "s", {"{{job}}": "prefect_scrape_seconds"}),
)


def build() -> dashboard.Dashboard:
    """Three panels in a row, each with one question."""
    board = (
        dashboard.Dashboard("Orders and flows")
        .uid("orders")
        .refresh("5s")
        .time("now-15m", "now")
        .timezone("browser")
        .readonly()
    )
    for title, unit, queries in PANELS:
        panel = timeseries.Panel().title(title).datasource(PROMETHEUS).unit(unit).min(0).span(8).height(7)
        for id, (legend, expr) in zip("ABC", queries.items(), strict=False):
            panel.with_target(prometheus.Dataquery().expr(expr).legend_format(legend).range().ref_id(id))
        board.with_panel(panel)
    return board


if __name__ == "__main__":
    print(JSONEncoder(sort_keys=True, indent=1).encode(build().build()))
