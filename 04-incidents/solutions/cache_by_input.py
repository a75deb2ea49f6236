"""Print where streets are. GEOCODER_URL is the service that knows. Usage: cache_by_input.py TIMEOUT STREET..."""

import os
import sys

import requests
from prefect import flow, task
from prefect.cache_policies import INPUTS


@task(cache_policy=INPUTS - "timeout", persist_result=True)
def locate(street: str, timeout: float) -> str:
    response = requests.get(f"{os.environ['GEOCODER_URL']}/{street}", timeout=timeout)
    response.raise_for_status()
    return response.text


@flow
def locate_all(streets: list[str], timeout: float) -> None:
    for street in streets:
        print(f"{street}: {locate(street, timeout)}")


if __name__ == "__main__":
    locate_all(sys.argv[2:], float(sys.argv[1]))
