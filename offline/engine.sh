#!/bin/sh
# Make a Docker engine answer on a Debian machine, as root: install it from Debian's packages
# if it is missing, start it if it is stopped. Says what it is about to do before it does it.
#
# Exit codes: 0 the engine answers; 3 this machine cannot be helped (the reason is printed).
set -eu
say() { printf '%s\n' "engine: $*" >&2; }
give_up() { say "$*"; exit 3; }
answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
works() { answers && docker compose version >/dev/null 2>&1; }

works && exit 0
[ "$(id -u)" = 0 ] || give_up "only root can install or start Docker here; see https://docs.docker.com/engine/install/"
command -v apt-get >/dev/null || give_up "this is not a Debian machine; see https://docs.docker.com/engine/install/"
. /etc/os-release

# The main archive, read from the machine's own apt files, whichever of the two formats they have.
archive() {
  sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null
  sed -nE 's/^deb +(\[[^]]*\] +)?([^ ]+).*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null
}

install_engine() {
  release=
  if [ "${VERSION_CODENAME:-}" = bookworm ]; then
    # Bookworm's Docker has no Compose v2. Trixie's has: added beside, pinned below everything else.
    uri=$(archive | grep -E '/debian/?$' | head -n 1)
    [ -n "$uri" ] || give_up "no Debian archive found in /etc/apt; add one and try again"
    printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
      "$uri" >/etc/apt/sources.list.d/beyond-cron-trixie.sources
    printf 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n' >/etc/apt/preferences.d/beyond-cron-trixie
    release="-t trixie"
  fi
  say "installing Docker Engine, Compose and buildx from Debian's packages (about 90 MB; LAB_ENGINE=no declines)"
  apt-get update -qq
  # shellcheck disable=SC2086  # $release is two words or none
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $release \
    docker.io docker-cli docker-compose docker-buildx tini iptables ca-certificates >/dev/null
}

start_engine() {
  if [ -d /run/systemd/system ]; then
    say "starting the docker service"
    systemctl start docker
  else
    say "starting dockerd in the background (no systemd here); its log is /var/log/dockerd.log"
    rm -f /var/run/docker.pid
    setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &
  fi
  for _ in $(seq 60); do answers && return; sleep 0.5; done
  tail -n 3 /var/log/dockerd.log >&2 2>/dev/null || true
  give_up "the daemon did not answer within 30 s; its last words are above, its whole log in /var/log/dockerd.log"
}

command -v dockerd >/dev/null && docker compose version >/dev/null 2>&1 || install_engine
answers || start_engine
works || give_up "the daemon answers but 'docker compose' does not; install the compose plugin"
say "Docker $(docker version --format '{{.Server.Version}}') answers"
