#!/bin/sh
# Make a Docker engine answer on a Debian machine, as root: install it from Debian's packages
# if it is missing, start it if it is stopped. Says what it is about to do before it does it.
#
# Exit codes: 0 the engine answers; 2 this machine cannot be helped (the reason is printed).
set -eu
here=$(dirname "$0")
say() { printf '%s\n' "engine: $*" >&2; }
give_up() { say "$*"; exit 2; }
answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
composes() { docker compose version >/dev/null 2>&1; }

[ "${LAB_ENGINE:-}" != no ] || give_up "declined by LAB_ENGINE=no"
answers && composes && exit 0
guide="see https://docs.docker.com/engine/install/"
[ "$(id -u)" = 0 ] || give_up "only root can install or start Docker here; $guide"
# shellcheck source=/dev/null
. /etc/os-release
[ "${ID:-}" = debian ] || give_up "only Debian is known here; $guide"

install_engine() {
  ! dpkg -s docker-ce >/dev/null 2>&1 || give_up "Docker's own packages lack Compose: apt-get install docker-compose-plugin"
  release=
  if [ "${VERSION_CODENAME:-}" = bookworm ]; then
    # Bookworm's Docker has no Compose v2. Trixie's has: added beside, pinned below everything else.
    uri=$("$here/archive.sh") || give_up "no Debian archive found in /etc/apt; add one and try again"
    printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
      "$uri" >/etc/apt/sources.list.d/beyond-cron-trixie.sources
    printf 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n' >/etc/apt/preferences.d/beyond-cron-trixie
    release="-t trixie"
  fi
  # An upgrade of ca-certificates would write the CA bundle anew, without what was added to it by hand.
  [ -e /etc/ssl/certs/ca-certificates.crt ] || release="$release ca-certificates"
  say "installing Docker Engine, Compose and buildx from Debian's packages (about 90 MB; LAB_ENGINE=no declines)"
  log=$(mktemp)
  # shellcheck disable=SC2086  # $release is several words or none
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $release \
    docker.io docker-cli docker-compose docker-buildx tini iptables; } >"$log" 2>&1 </dev/null; then
    grep -E '^[EW]:' "$log" >&2 || tail -n 3 "$log" >&2
    give_up "apt-get could not install them; its words are above, all of them in $log"
  fi
  rm -f "$log"
}

# Debian's package starts a daemon itself on some machines without systemd: one is enough. Asked by its program, not its
# name: a killed daemon that its parent has not buried yet still has a name.
runs() { [ "$(basename "$(readlink "/proc/$(cat /var/run/docker.pid 2>/dev/null)/exe" 2>/dev/null)")" = dockerd ]; }

start_engine() {
  if [ -d /run/systemd/system ]; then
    say "starting the docker service"
    systemctl start docker || give_up "the service does not start; see: journalctl --unit docker"
  elif ! runs; then
    say "starting dockerd in the background (no systemd here); its log is /var/log/dockerd.log"
    rm -f /var/run/docker.pid
    setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &
    started=$!
  fi
  for _ in $(seq 60); do
    if answers; then return; fi
    sleep 0.5
    if [ -n "${started:-}" ] && ! kill -0 "$started" 2>/dev/null && ! runs; then break; fi
  done
  tail -n 3 /var/log/dockerd.log >&2 2>/dev/null || true
  give_up "the daemon does not answer; its last words are above, its whole log in /var/log/dockerd.log"
}

if ! command -v dockerd >/dev/null || ! composes; then install_engine; fi
answers || start_engine
composes || give_up "the daemon answers but 'docker compose' does not; install the compose plugin"
say "Docker $(docker version --format '{{.Server.Version}}') answers"
