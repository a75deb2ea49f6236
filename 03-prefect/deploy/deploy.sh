#!/bin/sh
# Put everything that prefect.yaml and deploy/ describe on the server, then start the first run. Safe to run again.
set -eu
cd "$(dirname "$0")/.."
prefect work-pool create lab --type process --overwrite
python deploy/deploy_changed.py
python deploy/apply_automations.py
python deploy/skip_missed.py
prefect deployment run sales-etl/every-2-minutes
