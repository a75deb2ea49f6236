"""Was: fetch.map(pops, unmapped(city)); one mapped task fails, the others do not."""

from prefect import flow, task, unmapped


@task
def fetch(pop: int, city: str) -> list[str]:
    if pop == 3:
        raise ValueError(f"no POP {pop} in {city}")
    return [f"{pop}a", f"{pop}b"]


@flow
def incidents() -> list[str]:
    futures = fetch.map([1, 2, 3, 4], unmapped("Rio"))
    futures.wait()
    good = [future.result() for future in futures if future.state.is_completed()]
    return [incident for of_one_pop in good for incident in of_one_pop]  # was: flatten(...)


if __name__ == "__main__":
    print(*incidents())
