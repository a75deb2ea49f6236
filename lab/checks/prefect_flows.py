"""What the checks of 03-prefect run beside the learner's file, as text: only the sandbox has Prefect."""

DAILY_REPORT = """
from prefect import flow

@flow
def daily_report(day: str = "today") -> None:
    print("report of", day)
"""
REPORT_PLAN = """
deployments:
  - {name: at-three, entrypoint: daily_report.py:daily_report, work_pool: {name: lab}}
"""
PACKING_PLAN = """
deployments:
  - {name: at-eight, entrypoint: too_late.py:packing_list, work_pool: {name: lab}}
"""
SALES_ETL = """
import hashlib, time
from prefect import flow

@flow
def sales_etl() -> None:
    end = time.monotonic() + 1
    while time.monotonic() < end:
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000)
"""
# Nine runs, of which three fail and three crash.
DAY = """
import contextlib, random
from prefect import flow

@flow
def sales_etl(order: int) -> None:
    if order < 300:
        raise ValueError(f"order {order} has no customer")
    if order < 600:
        raise SystemExit(order)

for lowest in (0, 300, 600) * 3:
    with contextlib.suppress(ValueError, SystemExit):
        sales_etl(random.randint(lowest, lowest + 299))
"""
