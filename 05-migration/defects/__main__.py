"""Provoke the defects of the legacy system, all at the same time, and print what each did. In the container `legacy`.

Usage: python defects [rabbitmq] [sqs] [cron] [batch]; without a name, all. Exit code 1 when one did no harm.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import batch
import minute
import queues

DEFECTS = {"rabbitmq": queues.rabbitmq, "sqs": queues.sqs, "cron": minute.of_cron, "batch": batch.killed}

names = sys.argv[1:] or list(DEFECTS)
if unknown := set(names) - set(DEFECTS):
    sys.exit(f"there is no {', '.join(unknown)}; there is: {', '.join(DEFECTS)}")
harmless = []
print("| What happened | Count |\n| --- | --- |")
try:
    with ThreadPoolExecutor() as pool:
        for rows in pool.map(lambda name: DEFECTS[name](), names):
            for what, count, harm in rows:
                print(f"| {what} | {count} |", flush=True)
                harmless += [] if harm else [what]
except TimeoutError as error:
    sys.exit(str(error))
if harmless:
    sys.exit(f"no harm this time: {'; '.join(harmless)}")
