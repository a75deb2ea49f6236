"""Import a file of orders; each line is a number, a comma and an amount. Usage: alert.py FILE"""

import os
import sys
from pathlib import Path

from prefect import flow

ALERT_URL = os.environ.get("ALERT_URL", "http://localhost:8080")


# TODO: nobody hears of a failure. When a run fails, and only then, post to ALERT_URL, as JSON, {"run": its name,
# "message": the message of its state}. The run is to stay Failed.
@flow
def import_orders(file: str) -> None:
    amounts = [float(line.split(",")[1]) for line in Path(file).read_text().splitlines()]
    print(f"{len(amounts)} orders, revenue {sum(amounts):.2f}")


if __name__ == "__main__":
    import_orders(sys.argv[1])
