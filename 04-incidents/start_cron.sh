#!/bin/sh
# Cron's jobs see nothing of the container's environment, so what they need is written into the crontab.
set -eu
sed -e "s|@EVERY@|$EVERY|" -e "s|@URL@|$INCIDENTS_API_URL|" crontab.txt | tr -d '\r' | crontab -u learner -
exec cron -f
