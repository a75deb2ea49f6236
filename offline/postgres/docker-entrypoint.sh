#!/bin/bash
# Does what the official image's entrypoint does: on the first start it makes the database cluster in $PGDATA and runs
# /docker-entrypoint-initdb.d on a server that only this container can reach; then it becomes the server.
set -Eeuo pipefail

[[ ${1:-} != -* ]] || set -- postgres "$@"
if [[ ${1:-} != postgres || " $* " =~ \ (--help|-\?|--version|-V|--describe-config|-C)\  ]]; then exec "$@"; fi

# A secret may come as a file: it is read while we may still be root.
for name in POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB POSTGRES_INITDB_ARGS; do
  file=${name}_FILE
  if [[ -n ${!file:-} ]]; then export "$name=$(<"${!file}")"; unset "$file"; fi
done

if [[ $(id -u) = 0 ]]; then
  install -d -o postgres -g postgres -m 700 "$PGDATA"
  find "$PGDATA" ! -user postgres -exec chown postgres {} +
  HOME=/var/lib/postgresql exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi

user=${POSTGRES_USER:-postgres} password=${POSTGRES_PASSWORD:-} method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
database=${POSTGRES_DB:-$user}
query=(psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password --username "$user")

run_scripts() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    echo "$0: running $file"
    # shellcheck disable=SC1090  # a script of whoever uses the image
    case $file in
      *.sh) if [[ -x $file ]]; then "$file"; else . "$file"; fi ;;
      *.sql) "${query[@]}" --dbname "$database" --file "$file" ;;
      *.sql.gz) gunzip --stdout "$file" | "${query[@]}" --dbname "$database" ;;
      *) echo "$0: ignoring $file" ;;
    esac
  done
}

if [[ ! -s $PGDATA/PG_VERSION ]]; then
  if [[ -z $password && $method != trust ]]; then
    echo "Error: the database is not initialized and has no superuser password: docker run -e POSTGRES_PASSWORD=..." >&2
    exit 1
  fi
  # shellcheck disable=SC2086  # several arguments in one variable
  initdb --username "$user" ${password:+--pwfile=/dev/stdin} ${POSTGRES_INITDB_ARGS:-} <<<"$password" >/dev/null
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

  export PGPASSWORD=$password PGHOST='' PGHOSTADDR=''
  pg_ctl --silent --wait --options "$(printf '%q ' "${@:2}" -c listen_addresses='')" start
  if [[ $database != postgres ]]; then
    echo 'CREATE DATABASE :"name"' | "${query[@]}" --quiet --dbname postgres --set name="$database"
  fi
  shopt -s nullglob
  run_scripts
  pg_ctl --silent --wait --mode fast stop
  unset PGPASSWORD PGHOST PGHOSTADDR
  echo "$0: the database is ready to start"
fi
exec "$@"
