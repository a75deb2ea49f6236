"""A collection every twenty minutes."""

from prefect import flow


# TODO: Prefect calls a run something like brave-otter. Call it incidents-2026-11-21T10:20, after the minute for which
# it was planned, in UTC. A run that starts an hour late has the name of its turn all the same.
@flow
def incidents_by_pop() -> None:
    print("collected")


if __name__ == "__main__":
    incidents_by_pop()
