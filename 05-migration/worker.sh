#!/bin/sh
# A worker that ends after its runs. Prefect's own kills them when it is told to end, and says so to nobody: a command
# has no time to clean up, and its run stays Running for ever. So the runs are told to end first, and then the worker.
# Usage: worker.sh prefect worker start --pool POOL

# A shell takes SIGINT from what it starts in the background, and Prefect's worker ends by it.
env --default-signal=INT "$@" --with-healthcheck --no-create-pool-if-not-found &
worker=$!

stop() {
    told=" "
    while runs=$(grep -ls "^PPid:.$worker\$" /proc/[0-9]*/status | cut -d / -f 3) && [ "$runs" ]; do
        for run in $runs; do # each is told once: a second signal would end its cleaning up
            case $told in *" $run "*) ;; *) told="$told$run " && kill -TERM "$run" ;; esac
        done
        sleep 0.1
    done
    kill -TERM $worker
}

trap stop TERM
wait $worker || wait $worker # the signal interrupts the first one
