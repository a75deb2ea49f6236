#!/bin/sh
# Put everything that prefect.yaml and automations/ describe on the server, then start the first run. Safe to run again.
set -eu
cd "$(dirname "$0")"
prefect work-pool create lab --type process --overwrite
prefect --no-prompt deploy --all
python automations/apply.py
python skip_missed.py
prefect deployment run sales-etl/every-2-minutes
