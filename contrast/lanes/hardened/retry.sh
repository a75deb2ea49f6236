#!/bin/sh
# Run a command. While it ends with 75, "try again later" by sysexits.h, do so after growing pauses, three minutes in all.
RUN=$$-$(date +%s) # so that the ledger knows which attempts belong together
export RUN
for pause in 15 15 30 60 60; do
    "$@" && exit 0
    code=$?
    [ "$code" = 75 ] || exit "$code"
    sleep "$pause"
done
exec "$@"
