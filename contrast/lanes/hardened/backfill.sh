#!/bin/sh
# The last ten minutes again, instead of what is there. Stops at the first that fails.
set -e
for minute in 50 51 52 53 54 55 56 57 58 59; do
    /lanes/hardened/retry.sh python3 /contrast/job.py load --minute "2026-03-02T08:$minute" --replace
done
