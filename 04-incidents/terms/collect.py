"""Append the time of this run to incidents.csv, in the working directory."""

from pathlib import Path

from prefect import flow, runtime


@flow
def collect() -> None:
    with Path("incidents.csv").open("a") as file:
        file.write(f"{runtime.flow_run.scheduled_start_time:%H:%M}\n")


if __name__ == "__main__":
    collect()
