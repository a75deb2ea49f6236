"""Convert an amount at the rate of a past day. RATE_URL is the server. Usage: ask_once.py 2026-03-02 100"""

import os
import sys

import requests
from prefect import flow, task
from prefect.cache_policies import INPUTS


@task(cache_policy=INPUTS, persist_result=True)
def fetch_rate(day: str) -> float:
    response = requests.get(f"{os.environ['RATE_URL']}/{day}", timeout=5)
    response.raise_for_status()
    return response.json()["rate"]


@flow
def convert(day: str, amount: float) -> None:
    print(f"{amount * fetch_rate(day):.2f}")


if __name__ == "__main__":
    convert(sys.argv[1], float(sys.argv[2]))
