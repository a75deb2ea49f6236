# shellcheck shell=sh
# Kill every process of a flow run in this container, and print how many there were.
killed=0
for process in /proc/[0-9]*; do
    if grep -q prefect.engine "$process/cmdline" 2> /dev/null && kill -9 "${process#/proc/}"; then
        killed=$((killed + 1))
    fi
done
echo "$killed"
