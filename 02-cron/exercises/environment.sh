#!/bin/sh
# Starts cron in the container.
# TODO: jobs do not see GREETING, a variable of the container. Hand it to them
# before cron starts.
exec cron -f
