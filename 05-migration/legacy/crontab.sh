#!/bin/sh
# Install the crontab of the user shop. While jobs move, cron's shell is the gate: of the crontab, only SHELL changes.
set -eu
gate=/lesson/moved/gate.py
dsn=$(printf '%s' "$REDSHIFT_DSN" | sed 's/[&|\\]/\\&/g') # what sed would not take as it is
sed "s|@REDSHIFT_DSN@|$dsn|" legacy/crontab.txt | tr -d '\r' |
  if [ -x $gate ]; then sed "s|^SHELL=.*|SHELL=$gate|"; else cat; fi | crontab -u shop -
