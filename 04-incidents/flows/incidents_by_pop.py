"""Collect the incidents that an agency is responsible for, and keep them in a CSV file. The flow: what happens when."""

import os
from datetime import UTC, datetime
from pathlib import Path

from prefect import flow, get_run_logger, runtime
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.futures import wait
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from client import LIMIT, OPEN, POPS, SINCE
from incidents import HEADER, REJECTS, Events, Incident, Pops, since, sort_out
from table import merge, oldest_open, one_collector
from tasks import Api, agencies, ask

FEW, CHUNK = 100, 50  # up to FEW POPs a task for each, which a person can look at; above, a task for CHUNK of them


def run_name() -> str:
    """Of the time for which the run was planned: a late run keeps the name of its turn."""
    return f"incidents-{runtime.flow_run.scheduled_start_time.astimezone():%Y-%m-%dT%H:%M}"


@flow(flow_run_name=run_name, task_runner=ThreadPoolTaskRunner(max_workers=LIMIT))
def incidents_by_pop(agency: str = "CET-RIO", folder: str = "data") -> State:
    """One collection. Failed when a POP stays without an answer: what is known is written, the next run brings the rest."""
    with one_collector(Path(folder)), Api() as api:
        return collect(api, agency, Path(folder))


def collect(api: Api, agency: str, folder: Path) -> State:
    log = get_run_logger()
    start = since(datetime.now(UTC), oldest_open(folder / "incidents.csv", HEADER))
    asked = [ask.submit(api, OPEN), ask.submit(api, SINCE, inicio=start), ask.submit(api, POPS)]
    still_open, recent, pops = (future.result() for future in asked)
    names = {pop.id: pop.titulo for pop in Pops.model_validate(pops).objeto}
    good, bad = sort_out(
        [event for answer in (still_open, recent) for event in Events.model_validate(answer).eventos],
        names,
    )
    log.info("%s incidents since %s, %s rejected", len(good), start, len(bad))

    seen = sorted({incident.pop for incident in good.values()})
    ours, unknown = responsible(api, agency, {pop: names[pop] for pop in seen})
    log.info("%s of %s POPs are %s's", len(ours), len(seen), agency)
    rows = {str(id): incident.row() for id, incident in sorted(good.items()) if incident.pop in ours}
    counts = merge(folder / "incidents.csv", HEADER, rows)
    merge(folder / "rejects.csv", REJECTS, bad, gone=set(map(str, good)))
    report(agency, good, ours)

    message = f"{counts.new} new, {counts.changed} changed, {len(bad)} rejected"
    if unknown:
        return Failed(message=f"{message}; without an answer: POP {', '.join(map(str, unknown))}")
    return Completed(message=message)


def responsible(api: Api, agency: str, names: dict[int, str]) -> tuple[set[int], list[int]]:
    """The POPs that are an agency's, and those of which the API gave no answer."""
    size = 1 if len(names) <= FEW else CHUNK
    pops = list(names.items())
    wait([agencies.submit(api, dict(pops[first : first + size])) for first in range(0, len(pops), size)])
    ours = {pop for pop, theirs in api.told.items() if agency in theirs}
    return ours, [pop for pop in names if pop not in api.told]


def report(agency: str, good: dict[int, Incident], ours: set[int]) -> None:
    """A table for people: incidents by POP, as they stand in this run."""
    table = []
    for pop in sorted(ours):
        those = [incident for incident in good.values() if incident.pop == pop]
        still = sum(incident.status == "ABERTO" for incident in those)
        table.append({"POP": pop, "title": those[0].title, "open": still, "closed": len(those) - still})
    create_table_artifact(table, key="incidents-by-pop", description=f"Incidents of {agency}, {run_name()}")


if __name__ == "__main__":
    incidents_by_pop(folder=os.environ.get("FOLDER", "data"))
