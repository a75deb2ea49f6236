#!/bin/sh
# Run a command for every time that was due since it last ran well:
#     catch_up.sh KEEP PERIOD FILE COMMAND...
# PERIOD is that of the schedule in seconds, FILE remembers the last time that
# was done. KEEP says what is made up for: all, latest, or an age in seconds.
# The command finds in DUE which time it is for.
set -eu
keep=$1 period=$2 file=$3
shift 3

exec 9> "$file.lock"
flock 9 # one at a time: another one waits here
now=$(date +%s)
newest=$((now / period * period))
last=$(cat "$file" 2> /dev/null || echo $((newest - period)))
case $keep in
    all) oldest=$last ;;
    latest) oldest=$newest ;;
    *) oldest=$((now / 60 * 60 - keep)) ;; # not older; cron is a second late
esac

due=$((last + period))
while [ "$due" -le "$newest" ]; do
    if [ "$due" -ge "$oldest" ]; then
        DUE=$(date --utc --date "@$due" +%FT%TZ) "$@"
    else
        echo "skipped: $(date --utc --date "@$due" +%FT%TZ)"
    fi
    echo "$due" > "$file.new" && mv "$file.new" "$file"
    due=$((due + period))
done
