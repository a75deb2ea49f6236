"""Was: with Flow("etl") as flow: load(transform(extract())), then flow.run()."""

from prefect import flow, task


@task
def extract() -> list[int]:
    return [1, 2, 3]


@task
def transform(rows: list[int]) -> list[int]:
    return [row * 10 for row in rows]


@task
def load(rows: list[int]) -> int:
    return len(rows)


@flow
def etl() -> int:
    return load(transform(extract()))


if __name__ == "__main__":
    print(f"{etl()} rows")
