#!/bin/sh
# Resolve requirements/*.txt from pyproject.toml, for every platform, with hashes. uv lives in a throw-away environment.
set -eu
uv=.cache/lock/bin/uv
[ -x .cache/lock/bin/pip ] || ${PYTHON:-python3} -m venv .cache/lock
.cache/lock/bin/pip install --quiet --upgrade 'pip>=25.1' # the first that reads dependency groups
.cache/lock/bin/pip install --quiet --group lock

compile() {
  out=requirements/$1.txt
  shift
  $uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
    --python-version 3.11 --output-file "$out" "$@"
}
compile site --group docs
compile lab pyproject.toml --group build --group docs
compile test pyproject.toml --group test
