#!/bin/sh
# Was: orion start; agent start -q default; deployment build and apply; flow-run ls. The server runs: prefect server start
set -eu
prefect work-pool create lab --type process --overwrite
prefect --no-prompt deploy --all
prefect deployment run collect/every-20-minutes # at once; nobody has to edit the anchor date
prefect worker start --pool lab --run-once      # without --run-once it stays
prefect flow-run ls
