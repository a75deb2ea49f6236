"""A first flow: how long is the code of this lesson?"""

from pathlib import Path

from prefect import flow, task


@task
def count_lines(file: Path) -> int:
    return len(file.read_text().splitlines())


@flow(log_prints=True)
def count_code(folder: str) -> None:
    files = sorted(Path(folder).glob("*.py"))
    print(sum(count_lines(file) for file in files), "lines in", folder)


if __name__ == "__main__":
    count_code("shop")
