#!/bin/sh
# Put the three pools and what prefect.yaml describes on the server. Safe to run again.
set -eu
python pools.py
prefect --no-prompt deploy --all
