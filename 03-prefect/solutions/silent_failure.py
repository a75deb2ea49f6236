"""Load the sales of four regions side by side. Each has a file, such as north.csv."""

from pathlib import Path

from prefect import flow, task
from prefect.futures import PrefectFuture

REGIONS = ["north", "south", "east", "west"]


@task
def load(region: str) -> None:
    amounts = [float(line) for line in Path(f"{region}.csv").read_text().splitlines()]
    print(f"{region}: {sum(amounts):.2f}")


@flow
def load_regions() -> list[PrefectFuture]:
    return [load.submit(region) for region in REGIONS]  # the run is as good as the worst of them


if __name__ == "__main__":
    load_regions()
