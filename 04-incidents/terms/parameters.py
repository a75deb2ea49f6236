"""Was: day = Parameter("day", default="today") in the flow, and flow.run(day="2026-01-02")."""

from datetime import date

from prefect import flow
from prefect.exceptions import ParameterTypeError


@flow
def report(day: date, top: int = 10) -> str:
    return f"top {top} of {day:%d %B %Y}"


if __name__ == "__main__":
    print(report(day="2026-01-02", top="3"))  # as an API sends them: the annotations say what becomes of them
    try:
        report(day="yesterday")
    except ParameterTypeError as error:
        print(error)
