"""Read `docker logs --timestamps`, and print how long after the one before it each run started."""

import itertools
import sys
from datetime import datetime

starts = [datetime.fromisoformat(line.split()[0]) for line in sys.stdin]
for run, (before, start) in enumerate(itertools.pairwise(starts), start=2):
    print(f"run {run} started {(start - before).total_seconds():.1f} s after run {run - 1}")
