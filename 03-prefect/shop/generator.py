"""Keep the shop at SHOP_URL busy: make its tables and a month of history if it is empty, then change after change."""

import argparse
import os
import random
import time
from contextlib import closing

from changes import make_one
from database import LOST, connect, fill, wait


def work(rate: float, end: float) -> None:
    """Make `rate` changes a second until `end`, a time of the monotonic clock in seconds. Raises one of LOST."""
    with closing(connect()) as quick, closing(connect()) as slow:
        quick.autocommit = True
        print(f"the shop is open: {rate:g} changes a second", flush=True)
        while time.monotonic() < end:
            make_one(quick, slow)
            time.sleep(random.expovariate(rate))
        slow.commit()


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seed-only", action="store_true", help="end after the history")
parser.add_argument("--for", type=float, default="inf", metavar="SECONDS", dest="seconds", help="end after so long")
parser.add_argument("--rate", type=float, default=os.environ.get("RATE", "5"), help="changes a second; or set RATE")
options = parser.parse_args()
end = time.monotonic() + options.seconds
fill()
while not options.seed_only and time.monotonic() < end:
    try:
        work(options.rate, end)
    except LOST as error:
        print(f"the shop's database is away, waiting for it: {str(error).splitlines()[0]}", flush=True)
        wait(end)
