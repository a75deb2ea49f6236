#!/bin/sh
# Try the front door on a bare Debian bookworm: git, make and Python 3.11, no Docker, no virtual environments.
# Needs root, a Docker engine and a Debian archive; takes about three minutes and leaves nothing behind.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=beyond-cron-bare-$$
rootfs=$(mktemp)
trap 'docker rm --force --volumes $name >/dev/null 2>&1; docker rmi $name >/dev/null 2>&1; rm -f "$rootfs"' EXIT

say() { printf '\n== %s\n' "$*"; }
bare() { docker exec $name "$@"; }
learner() { docker exec --user learner --workdir /home/learner/course $name "$@"; }
seconds() { start=$(date +%s); "$@"; echo "-- $(($(date +%s) - start)) s"; }
answers() { bare python3 -c "import urllib.request as r; assert b'Beyond Cron' in r.urlopen('http://localhost:8000').read()"; }
fails() { if "$@"; then echo "this should have failed" >&2; exit 1; fi; }

say "a bare machine"
# shellcheck disable=SC2016  # expanded by mmdebstrap's shell
mmdebstrap --quiet --variant=minbase --format=tar --include=ca-certificates,git,make,python3 \
  --customize-hook='install -Dm644 /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"' \
  bookworm "$rootfs" "$("$here/archive.sh")"
docker import "$rootfs" $name >/dev/null
docker run --detach --init --privileged --workdir /course --cgroupns host --volume /var/lib/docker --name $name $name sleep infinity >/dev/null
bare sh -c 'useradd --create-home learner && mkdir /home/learner/course'
cd "$here/.."
git ls-files -z --cached --others --exclude-standard >"$rootfs"
for folder in /course /home/learner/course; do
  tar --create --null --ignore-failed-read --files-from "$rootfs" | docker exec -i $name tar --extract --no-same-owner -C $folder
done
bare chown -R learner: /home/learner/course

say "no root, no python3-venv: one line"
fails learner make up
say "root, LAB_ENGINE=no: served from .venv"
seconds bare env LAB_ENGINE=no make up
answers
bare make down
say "case (d): no root, no engine"
seconds learner make up
answers
say "root finds the port taken: one line"
fails bare env LAB_ENGINE=no make up
learner make down
say "case (c): root, no engine: it is installed"
seconds bare make up
answers
say "again"
seconds bare make up
seconds bare make down
say "the daemon may not be talked to: one line"
fails learner make up
say "the daemon is stopped: one line without root, started again with it"
# shellcheck disable=SC2016  # expanded in the container
bare sh -c 'kill "$(cat /var/run/docker.pid)"; while [ -e /var/run/docker.pid ]; do sleep 0.1; done'
fails learner make up
seconds bare make up
answers
