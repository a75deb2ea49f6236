"""Fetch the exchange rate of today from a server that is sometimes overloaded. RATE_URL is its address."""

import os

import requests
from prefect import flow, task


# TODO: this asks once. When it fails, ask again after half a second, one second and two seconds, then give up.
# But never repeat what the server answers with 404: that does not get better.
@task
def fetch_rate() -> float:
    response = requests.get(os.environ["RATE_URL"], timeout=5)
    response.raise_for_status()
    return response.json()["rate"]


@flow
def exchange_rate() -> float:
    return fetch_rate()


if __name__ == "__main__":
    exchange_rate()
