#!/bin/sh
# Starts cron in the container.
# TODO: jobs do not see GREETING, a variable of the container. Hand it to them
# before cron starts. PASSWORD is another one: no other user may read that.
exec cron -f
