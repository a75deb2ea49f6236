"""Run an ETL in three rhythms on the same orders, and count what each loses. Usage: lost_window.py [ETL]"""

import os
import sys
import tempfile
import time
from sqlite3 import connect
from subprocess import Popen

ETL = sys.argv[1] if len(sys.argv) > 1 else "etl.py"
RHYTHMS = [(0, 1), (0, 2), (2, 2)]  # minutes that a run works, minutes that the loop then sleeps


def sleep_until(minute: float) -> None:
    time.sleep(max(0, begin + minute - time.time()))  # a minute lasts one second here


def start_etl(work: int, sleep: int) -> Popen:
    environment = os.environ | {"MINUTE": "1", "WORK": str(work), "SLEEP": str(sleep)}
    return Popen([sys.executable, ETL, f"{folder}/shop.db", f"{folder}/{work}{sleep}.db"], env=environment)


with tempfile.TemporaryDirectory() as folder:
    begin = time.time() // 1 + 1  # second zero of the next minute
    sleep_until(0)
    shop = Popen([sys.executable, "orders.py", f"{folder}/shop.db"])
    sleep_until(0.5)
    etls = [start_etl(work, sleep) for work, sleep in RHYTHMS]
    sleep_until(8)
    shop.terminate()
    sleep_until(11.5)  # time for each ETL to run once more, after the last order
    for etl in etls:
        etl.terminate()
    if any(etl.wait() > 0 for etl in etls):
        sys.exit(f"{ETL} stopped before it was told to: its error is above")
    [written] = connect(f"{folder}/shop.db").execute("SELECT count(*) FROM orders").fetchone()
    for work, sleep in RHYTHMS:
        query = "SELECT count(*), count(DISTINCT id) FROM sales"
        rows, loaded = connect(f"{folder}/{work}{sleep}.db").execute(query).fetchone()
        print(f"works {work} min, sleeps {sleep} min: {written} orders, {written - loaded} lost, {rows - loaded} twice")
