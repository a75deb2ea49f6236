#!/bin/sh
# Stands in for the official debian:trixie-slim: a minimal Debian from the archive that this machine uses. Needs root.
#
# It takes this machine's CA bundle along and tells Python and pip of it: behind a TLS-inspecting proxy
# every image that is built on this one needs it.
set -eu
here=$(dirname "$0")
archive=$("$here/../archive.sh") || { echo "no Debian archive found in /etc/apt" >&2; exit 1; }
if ! command -v mmdebstrap >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends mmdebstrap >/dev/null
fi

bundle=/etc/ssl/certs/ca-certificates.crt
copy=/usr/local/share/host-ca.pem
set -- --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --change 'ENV LANG=C.UTF-8' --change 'CMD ["bash"]' \
  --change 'LABEL beyond-cron.stand-in="built from Debian trixie packages"'
hook=true
if [ -r "$bundle" ]; then
  hook="install -Dm644 $bundle \"\$1$copy\""
  for variable in PIP_CERT SSL_CERT_FILE REQUESTS_CA_BUNDLE; do set -- "$@" --change "ENV $variable=$copy"; done
fi

rootfs=$(mktemp)
trap 'rm -f "$rootfs"' EXIT
mmdebstrap --quiet --variant=minbase --format=tar \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --customize-hook="$hook" trixie "$rootfs" "$archive"
docker import "$@" "$rootfs" debian:trixie-slim
