"""Was: @task(result=LocalResult(dir=...), checkpoint=True), and a switch in config.toml."""

import json
from pathlib import Path

from prefect import flow, task
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH


@task(persist_result=True, result_storage_key="extract.json", result_serializer="json")
def extract() -> list[int]:
    return [1, 2, 3]


@flow
def etl() -> int:
    return sum(extract())


if __name__ == "__main__":
    etl()
    kept = Path(PREFECT_LOCAL_STORAGE_PATH.value(), "extract.json")
    print(kept.name, json.loads(kept.read_text())["result"])
