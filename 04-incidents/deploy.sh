#!/bin/sh
# Put the pool and the deployment on the server, then start the first run. Safe to run again.
set -eu
prefect work-pool create lab --type process --overwrite
prefect --no-prompt deploy --all
prefect deployment run incidents-by-pop/every-20-minutes
