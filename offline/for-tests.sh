#!/bin/sh
# What `make test` needs beyond .venv: a Docker engine, the images, Chromium, npm. As root on Debian they are installed;
# where there is none, that is said, and the tests that need it are skipped by name, or fail where REQUIRE names it.
set -u
cd "$(dirname "$0")/.." || exit 1
if offline/engine.sh; then .venv/bin/python -m engine.images renew || exit; fi

# Playwright's own node needs libatomic, which a small Debian lacks. npm brings what the playground runs.
if ! { command -v chromium && command -v npm && .venv/bin/python -m playwright --version; } >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    packages="chromium libatomic1 $(command -v npm >/dev/null || echo npm)"
    echo "tests: installing from Debian's packages: $packages" >&2
    log=$(mktemp)
    # shellcheck disable=SC2086 # several words
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages; } \
      >"$log" 2>&1 </dev/null || { grep -E '^E:' "$log"; echo "tests: no Chromium or no npm, the browser tests cannot run"; } >&2
    rm -f "$log"
  else
    echo "tests: no Chromium or no npm here, the browser tests cannot run: sudo apt-get install chromium libatomic1 npm" >&2
  fi
fi
