#!/bin/bash
# Does what the official image's entrypoint does: on the first start it makes the database, its users and the tables of
# time zones, and runs /docker-entrypoint-initdb.d, on a server without a network; then it becomes the server.
set -Eeuo pipefail

[[ ${1:-} != -* ]] || set -- mariadbd "$@"
if [[ ${1:-} != mariadbd || " $* " =~ \ (--help|-\?|--version|-V)\  ]]; then exec "$@"; fi
data=/var/lib/mysql

# Each variable has an older name, and may come as a file, which is read while we may still be root.
for name in ROOT_PASSWORD ROOT_HOST DATABASE USER PASSWORD ALLOW_EMPTY_ROOT_PASSWORD RANDOM_ROOT_PASSWORD; do
  new=MARIADB_$name old=MYSQL_$name
  for file in "${new}_FILE" "${old}_FILE"; do
    if [[ -n ${!file:-} ]]; then export "$new=$(<"${!file}")"; unset "$file"; fi
  done
  export "$new=${!new:-${!old:-}}"
done

if [[ $(id -u) = 0 ]]; then
  find $data /run/mysqld ! -user mysql -exec chown mysql:mysql {} +
  exec setpriv --reuid mysql --regid mysql --init-groups "$0" "$@"
fi

text() { local s=${1//\\/\\\\}; printf "'%s'" "${s//\'/\\\'}"; }
# shellcheck disable=SC2016  # the quotes of a name in SQL
name() { printf '`%s`' "${1//\`/\`\`}"; }
query() { mariadb --user root --password="$MARIADB_ROOT_PASSWORD" --protocol socket "$@"; }

accounts() {
  local secret
  secret=$(head --bytes 24 /dev/urandom | base64 --wrap 0)
  (umask 077; printf '[mariadb-client]\nuser=healthcheck\npassword=%s\n' "$secret" >$data/.my-healthcheck.cnf)
  for host in localhost 127.0.0.1 ::1; do echo "CREATE USER healthcheck@'$host' IDENTIFIED BY '$secret';"; done
  echo "CREATE USER root@$(text "${MARIADB_ROOT_HOST:-%}") IDENTIFIED BY $(text "$MARIADB_ROOT_PASSWORD");"
  echo "GRANT ALL ON *.* TO root@$(text "${MARIADB_ROOT_HOST:-%}") WITH GRANT OPTION;"
  echo "ALTER USER root@localhost IDENTIFIED BY $(text "$MARIADB_ROOT_PASSWORD");"
  [[ -z $MARIADB_DATABASE ]] || echo "CREATE DATABASE IF NOT EXISTS $(name "$MARIADB_DATABASE");"
  if [[ -n $MARIADB_USER && -n $MARIADB_PASSWORD ]]; then
    echo "CREATE USER $(text "$MARIADB_USER")@'%' IDENTIFIED BY $(text "$MARIADB_PASSWORD");"
    [[ -z $MARIADB_DATABASE ]] || echo "GRANT ALL ON $(name "${MARIADB_DATABASE//_/\\_}").* TO $(text "$MARIADB_USER")@'%';"
  fi
}

run_scripts() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    echo "$0: running $file"
    # shellcheck disable=SC1090  # a script of whoever uses the image
    case $file in
      *.sh) if [[ -x $file ]]; then "$file"; else . "$file"; fi ;;
      *.sql) query --database "$MARIADB_DATABASE" <"$file" ;;
      *.sql.gz) gunzip --stdout "$file" | query --database "$MARIADB_DATABASE" ;;
      *) echo "$0: ignoring $file" ;;
    esac
  done
}

first_start() {
  mariadb-install-db --datadir=$data --skip-test-db --auth-root-authentication-method=normal --cross-bootstrap >/dev/null
  "$@" --skip-networking --skip-log-bin &
  until mariadb-admin --user root --protocol socket ping >/dev/null 2>&1; do kill -0 $!; sleep 0.1; done
  mariadb-tzinfo-to-sql --skip-write-binlog /usr/share/zoneinfo 2>/dev/null | mariadb --user root --protocol socket mysql
  accounts | mariadb --user root --protocol socket
  shopt -s nullglob
  run_scripts
  kill $!
  wait $!
  echo "$0: the database is ready to start"
}

if [[ ! -d $data/mysql ]]; then
  if [[ -n $MARIADB_RANDOM_ROOT_PASSWORD ]]; then
    MARIADB_ROOT_PASSWORD=$(head --bytes 24 /dev/urandom | base64 --wrap 0)
    echo "$0: GENERATED ROOT PASSWORD: $MARIADB_ROOT_PASSWORD"
  elif [[ -z $MARIADB_ROOT_PASSWORD$MARIADB_ALLOW_EMPTY_ROOT_PASSWORD ]]; then
    echo "Error: the database is not initialized and has no root password: docker run -e MARIADB_ROOT_PASSWORD=..." >&2
    exit 1
  fi
  first_start "$@"
fi
exec "$@"
