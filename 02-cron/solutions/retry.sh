#!/bin/sh
# Run a command; when it fails try again, three attempts in all, and end with
# its last exit code.
# Usage: retry.sh COMMAND...   DELAY is the pause in seconds before the second
# attempt, twice that before the third.
delay=${DELAY:-60}
for _ in first second; do
    "$@" && exit
    sleep "$delay"
    delay=$((delay * 2))
done
"$@"
