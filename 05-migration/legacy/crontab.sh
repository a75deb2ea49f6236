#!/bin/sh
# Install the crontab of the user shop. While jobs move, cron's shell is the gate: of the crontab, only SHELL changes.
set -eu
gate=/lesson/moved/gate.py
sed "s|@REDSHIFT_DSN@|$REDSHIFT_DSN|" legacy/crontab.txt | tr -d '\r' |
  if [ -x $gate ]; then sed "s|^SHELL=.*|SHELL=$gate|"; else cat; fi | crontab -u shop -
