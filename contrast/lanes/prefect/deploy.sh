#!/bin/sh
# Put all that prefect.yaml describes on the server.
set -eu
prefect work-pool create lab --type process --overwrite
prefect --no-prompt deploy --all
