"""Metrics of Prefect's runs for Prometheus. Prefect's own /api/metrics covers its process, not its runs.

Prefect's API is asked anew at each scrape. Every flow has its series from the first scrape on, starting at zero:
`increase` misses a failure with which a series begins. Counters begin when this program does, as Prometheus expects.
"""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product

from prometheus_client import REGISTRY, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from prefect_api import MOST, Unanswered, ask, pages

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
LIVE = {"operator": "or_", "type": {"any_": ["PENDING", "RUNNING"]}, "name": {"any_": ["Late"]}}
OVERLAP = timedelta(minutes=1)  # Prefect may record the end of a run some time later
Names = dict[str, str]  # the name of each flow, by its id


def gauge(name: str, about: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    """A metric with one label."""
    metric = GaugeMetricFamily(name, about, labels=[label])
    for key, value in values.items():
        metric.add_metric([key], value)
    return metric


def live(flows: Names) -> Iterator[GaugeMetricFamily]:
    """Runs that are late, pending or running; the age of the oldest late one; how many are late in each pool."""
    now, runs = datetime.now(UTC), list(pages(flow_runs={"state": LIVE}, sort="EXPECTED_START_TIME_ASC"))
    states = Counter((run["flow_id"], run["state_name"]) for run in runs)
    count = GaugeMetricFamily("prefect_flow_runs", "Runs that are late, pending or running", labels=["flow", "state"])
    for id, state in product(flows, ("Late", "Pending", "Running")):
        count.add_metric([flows[id], state], states[id, state])
    yield count
    late = [run for run in runs if run["state_name"] == "Late"]
    due = {run["flow_id"]: datetime.fromisoformat(run["expected_start_time"]) for run in reversed(late)}
    ages = {name: (now - due.get(id, now)).total_seconds() for id, name in flows.items()}
    yield gauge("prefect_late_seconds", "Age of the oldest late run", "flow", ages)
    pools = Counter(run["work_pool_name"] for run in late)
    depths = {pool["name"]: pools[pool["name"]] for pool in ask("/work_pools/filter")}
    yield gauge("prefect_pool_depth", "Late runs in the pool", "pool", depths)


def lag(flows: Names) -> GaugeMetricFamily:
    """How late the newest run of each flow has begun."""
    begun = {"start_time": {"is_null_": False}}
    runs = ask("/flow_runs/filter", flow_runs=begun, sort="START_TIME_DESC", limit=MOST)
    lags = {run["flow_id"]: run["estimated_start_time_delta"] for run in reversed(runs)}
    newest = {name: lags.get(id, 0) for id, name in flows.items()}
    return gauge("prefect_schedule_lag_seconds", "Lag of the newest run at its start", "flow", newest)


class Prefect:
    """Asks Prefect when Prometheus asks."""

    def __init__(self) -> None:
        """Nothing has ended yet."""
        self.since, self.seen, self.counts = datetime.now(UTC), set[tuple[str, str]](), Counter[tuple[str, str]]()

    def ended(self, flows: Names) -> CounterMetricFamily:
        """How many runs of each flow have ended, by the type of their state. A run that is tried again ends twice."""
        metric = CounterMetricFamily("prefect_flow_runs_ended", "Runs that have ended", labels=["flow", "state"])
        now, after = datetime.now(UTC), {"end_time": {"after_": f"{self.since}"}}
        runs = {(run["id"], run["end_time"]): run for run in pages(flow_runs=after, sort="END_TIME_DESC")}
        self.counts.update((run["flow_id"], run["state_type"]) for key, run in runs.items() if key not in self.seen)
        self.since, self.seen = max(self.since, now - OVERLAP), set(runs)
        for id, state in product(flows, ENDED):
            metric.add_metric([flows[id], state], self.counts[id, state])
        return metric

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """All metrics; when Prefect does not answer, `prefect_up` alone."""
        began = time.monotonic()
        try:
            flows = {flow["id"]: flow["name"] for flow in ask("/flows/filter", limit=MOST)}
            metrics = [self.ended(flows), *live(flows), lag(flows)]
        except Unanswered as error:
            print(error)
            metrics = []
        yield from metrics
        yield GaugeMetricFamily("prefect_up", "Whether Prefect's API answers", value=bool(metrics))
        yield GaugeMetricFamily("prefect_scrape_seconds", "What it took to ask", value=time.monotonic() - began)


if __name__ == "__main__":
    REGISTRY.register(Prefect())
    _, thread = start_http_server(8007)
    thread.join()
