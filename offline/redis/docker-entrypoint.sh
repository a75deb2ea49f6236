#!/bin/sh
# Does what the official image's entrypoint does: a server that other containers reach, as a user who is not root.
set -eu

case ${1:-} in -* | *.conf) set -- redis-server "$@" ;; esac
[ "${1:-}" = redis-server ] || exec "$@"
set -- "$@" --protected-mode no # the official image is compiled so; with it only this container could connect
[ "$(id -u)" = 0 ] || exec "$@"
find /data ! -user redis -exec chown redis:redis {} +
exec setpriv --reuid redis --regid redis --init-groups "$@"
