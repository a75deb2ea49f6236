#!/bin/sh
# Put the pool, the deployment and the automation on the server, then start the first run. Safe to run again.
set -eu
prefect work-pool create lab --type process --overwrite
prefect --no-prompt deploy --all
automation=crash-zombies # a second `create` makes a second one
prefect automation inspect $automation > /dev/null 2>&1 || prefect automation create --from-file $automation.yaml
prefect deployment run incidents-by-pop/every-20-minutes
