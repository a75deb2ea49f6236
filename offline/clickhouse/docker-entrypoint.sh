#!/bin/bash
# Does what the official image's entrypoint does: a user from the environment, and on the first start its database and
# /docker-entrypoint-initdb.d, on a server that only this container can reach; then it becomes the server.
set -Eeuo pipefail

[[ ${1:-} != --* ]] || set -- clickhouse-server "$@"
[[ ${1:-} = clickhouse-server ]] || exec "$@"
data=/var/lib/clickhouse user=$CLICKHOUSE_USER
if [[ $(id -u) = 0 ]]; then
  find $data ! -user clickhouse -exec chown clickhouse:clickhouse {} +
  HOME=$data exec setpriv --reuid clickhouse --regid clickhouse --init-groups "$0" "$@"
fi

if [[ $user$CLICKHOUSE_PASSWORD == *[\<\&]* ]]; then
  echo "Error: ClickHouse 18.16 cannot read < or & in CLICKHOUSE_USER or CLICKHOUSE_PASSWORD: choose others" >&2
  exit 1
fi
networks='<ip>::/0</ip>'
if [[ $user = default && -z $CLICKHOUSE_PASSWORD ]]; then
  echo "$0: neither CLICKHOUSE_USER nor CLICKHOUSE_PASSWORD is set: the user 'default' is for this container only" >&2
  networks='<ip>::1</ip><ip>127.0.0.1</ip>'
fi
cat >/etc/clickhouse/users.xml <<XML
<yandex>
    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <users>
        <$user>
            <password_sha256_hex>$(printf %s "$CLICKHOUSE_PASSWORD" | sha256sum | cut -d ' ' -f 1)</password_sha256_hex>
            <networks>$networks</networks>
            <profile>default</profile>
            <quota>default</quota>
        </$user>
    </users>
</yandex>
XML

# The official image reads these two folders. ClickHouse 18.16 calls the root of such a file otherwise, and does not
# start with a setting that it does not know.
shopt -s nullglob
for file in /etc/clickhouse-server/{config,users}.d/*.xml; do
  if grep -q '<async_insert>' "$file"; then
    echo "$0: $file: ClickHouse 18.16 has no async_insert, it writes each insert at once" >&2
  fi
  sed -E 's|<(/?)clickhouse>|<\1yandex>|; /<async_insert>/d' "$file" >"/etc/clickhouse/${file#/etc/clickhouse-server/}"
done

run_scripts() {
  local query=(clickhouse-client --host 127.0.0.1) file
  until "${query[@]}" --query 'SELECT 1' >/dev/null 2>&1; do kill -0 $!; sleep 0.05; done
  if [[ -n ${CLICKHOUSE_DB:-} ]]; then
    "${query[@]}" --query "CREATE DATABASE IF NOT EXISTS $CLICKHOUSE_DB"
  fi
  for file in "${scripts[@]}"; do
    echo "$0: running $file"
    # shellcheck disable=SC1090  # a script of whoever uses the image
    case $file in
      *.sh) if [[ -x $file ]]; then "$file"; else . "$file"; fi ;;
      *.sql) "${query[@]}" --multiquery <"$file" ;;
      *.sql.gz) gunzip --stdout "$file" | "${query[@]}" --multiquery ;;
      *) echo "$0: ignoring $file" ;;
    esac
  done
}

set -- clickhouse-server --config-file=/etc/clickhouse/config.xml "${@:2}"
scripts=(/docker-entrypoint-initdb.d/*)
if [[ ! -d $data/data && -n ${CLICKHOUSE_DB:-}${scripts[*]} ]]; then
  "$@" -- --listen_host=127.0.0.1 &
  run_scripts
  kill $!
  wait $!
fi
exec "$@"
