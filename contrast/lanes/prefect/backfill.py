"""The last ten minutes again, instead of what is there: a run for each, two at a time, all of them on record."""

from prefect.deployments import run_deployment

for minute in range(50, 60):
    run_deployment("minute/minute", parameters={"minute": f"2026-03-02T08:{minute}"}, timeout=0)
