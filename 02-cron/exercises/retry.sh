#!/bin/sh
# Run a command; when it fails try again, three attempts in all, and end with
# its last exit code.
# Usage: retry.sh COMMAND...   DELAY is the pause in seconds before the second
# attempt, twice that before the third.
# TODO: this makes one attempt only.
"$@"
