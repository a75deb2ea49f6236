#!/bin/bash
# The two questions of the official healthcheck.sh that the course asks: --connect, that the server is to be reached by the
# network, which it is not while its first start goes on; --innodb_initialized, that its tables can be read.
set -euo pipefail

ask() { mariadb --defaults-file=/var/lib/mysql/.my-healthcheck.cnf --protocol tcp --host localhost --skip-column-names "$@"; }

(($#)) || { echo "usage: healthcheck.sh --connect --innodb_initialized" >&2; exit 1; }
for test in "$@"; do
  case $test in
    --connect) ask --execute 'SELECT 1' >/dev/null ;;
    --innodb_initialized)
      ask --execute "SELECT support FROM information_schema.engines WHERE engine = 'innodb'" | grep --quiet --extended-regexp 'YES|DEFAULT' ;;
    *) echo "healthcheck.sh: the stand-in does not know $test" >&2; exit 1 ;;
  esac
done
