#!/bin/sh
# Make .venv, or bring it up to date: the locked packages of FILE, every hash checked, and the project itself.
# Usage: offline/venv.sh requirements/lab.txt. PIP_NO_INDEX and PIP_FIND_LINKS make it install from a folder.
set -eu
say() { printf '%s\n' "venv: $*" >&2; }
python=${PYTHON:-python3}

offline/python.sh -c "" || exit 2

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  if wheel=$(ls "${PIP_FIND_LINKS:-/nowhere}"/pip-*.whl 2>/dev/null); then
    # A bundle brings its own pip, so that a machine without network needs no python3-venv.
    "$python" -m venv --clear --without-pip .venv
    .venv/bin/python "$wheel/pip" install --quiet --no-index "$wheel"
  else
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
      if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "this Python cannot make virtual environments: sudo apt-get install python3-venv"; exit 1
      fi
      say "installing python3-venv from Debian's packages"
      apt-get update -qq
      DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3-venv >/dev/null 2>&1 ||
        { say "apt-get could not install it; see what it says: apt-get install python3-venv"; exit 1; }
    fi
    "$python" -m venv --clear .venv
  fi
fi

# Behind a TLS-inspecting proxy the machine's CA bundle knows the proxy, the one inside pip does not.
bundle=/etc/ssl/certs/ca-certificates.crt
if [ -r "$bundle" ] && [ -z "${PIP_CERT:-}" ] && ! .venv/bin/python -m pip config get global.cert >/dev/null 2>&1; then
  printf '[global]\ncert = %s\n' "$bundle" >.venv/pip.conf
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
say "installing $1 into .venv"
.venv/bin/python -m pip install --quiet --require-hashes -r "$1"
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
