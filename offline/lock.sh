#!/bin/sh
# Resolve requirements/*.txt from pyproject.toml and the locks of 03-prefect, for every platform, with hashes.
# uv lives in a throw-away environment.
set -eu
uv=.cache/lock/bin/uv
[ -x .cache/lock/bin/pip ] || ${PYTHON:-python3} -m venv .cache/lock
.cache/lock/bin/pip install --quiet --upgrade 'pip>=25.1' # the first that reads dependency groups
.cache/lock/bin/pip install --quiet --group lock

compile() {
  out=$1
  shift
  $uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
    --python-version 3.11 --output-file "$out" "$@"
}
compile requirements/site.txt --group docs
compile requirements/lab.txt pyproject.toml --group build --group docs
compile requirements/test.txt pyproject.toml --group test
compile 03-prefect/requirements.lock 03-prefect/requirements.txt
compile 03-prefect/requirements-host.lock 03-prefect/requirements.txt 03-prefect/requirements-host.txt
