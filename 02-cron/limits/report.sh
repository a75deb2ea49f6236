#!/bin/sh
# Report on the extract /tmp/$1, if it is there.
if [ -e "/tmp/$1" ]; then
    echo "$(date '+%F %T') $1: report on $(wc -c < "/tmp/$1") bytes"
else
    echo "$(date '+%F %T') $1: report WITHOUT AN EXTRACT"
fi >> /var/log/cron.log
