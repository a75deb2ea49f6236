#!/bin/sh
# Starts cron in the container.
# PAM reads /etc/environment for every job, so what stands there is in the
# job's environment. Every user can read it, so nothing secret stands there.
printenv | grep '^GREETING=' >> /etc/environment
exec cron -f
