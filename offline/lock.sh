#!/bin/sh
# Resolve what pip installs, on a learner's machine and in images, for every platform and with hashes; then ask pip whether
# all of it comes as wheels on the machines that learners have. uv lives in a throw-away environment.
set -eu
uv=.cache/lock/bin/uv
[ -x .cache/lock/bin/pip ] || ${PYTHON:-python3} -m venv .cache/lock
.cache/lock/bin/pip install --quiet --upgrade 'pip>=25.1' # the first that reads dependency groups
.cache/lock/bin/pip install --quiet --group lock

compile() {
  out=$1
  shift
  $uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
    --python-version "${oldest:-3.11}" --output-file "$out" "$@"
}
compile requirements/site.txt --group docs
compile requirements/lab.txt pyproject.toml --group build --group docs
compile requirements/test.txt pyproject.toml --group test
compile 03-prefect/requirements.lock 03-prefect/requirements.txt
compile 03-prefect/host/requirements.lock 03-prefect/requirements.txt 03-prefect/host/requirements.txt
compile 04-incidents/requirements.lock --constraint 03-prefect/requirements.lock 04-incidents/requirements.txt
oldest=3.13 # what only an image installs
# All as in lesson 03 but for one: what traces SQL and messages comes for the release of OpenTelemetry before that one's.
sed '/^opentelemetry-api==/,/[^\\]$/d' 03-prefect/requirements.lock >.cache/lock/all-but-traces.txt
compile 05-migration/requirements.lock --constraint .cache/lock/all-but-traces.txt 05-migration/requirements.txt
compile 05-migration/sqs/requirements.lock 05-migration/sqs/requirements.txt
compile contrast/inside/requirements.txt --group lane
compile 04-incidents/terms/requirements.lock 04-incidents/terms/requirements.txt --constraint 03-prefect/requirements.lock
compile bench/requirements.lock bench/requirements.txt
compile bench/ingestr-0.15.txt --group older-ingestr
compile bench/schedulers.lock bench/schedulers.txt

# What has no wheel is built from source, which takes a compiler and minutes: lesson 05 has one such package, and its image
# a compiler. Nothing is installed here.
have_wheels() {
  echo "lock: $1 for $2" >&2
  file=.cache/lock/wheels.txt
  awk '/^[^ ]/ { compiled = /^mysqlclient==/ } !compiled' "$1" >$file
  shift 2
  .cache/lock/bin/pip install --quiet --dry-run --ignore-installed --target .cache/lock/nothing --no-deps --require-hashes \
    --only-binary :all: "$@" -r "$file"
}
arm='--platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64'
for file in requirements/site.txt 03-prefect/requirements.lock 04-incidents/requirements.lock \
  05-migration/requirements.lock 05-migration/sqs/requirements.lock 04-incidents/terms/requirements.lock contrast/inside/requirements.txt \
  bench/requirements.lock bench/schedulers.lock bench/ingestr-0.15.txt 03-prefect/host/requirements.lock; do
  # shellcheck disable=SC2086  # several options in one variable
  have_wheels $file 'Linux on arm64' --python-version 3.13 $arm
done
for file in requirements/lab.txt 03-prefect/host/requirements.lock 04-incidents/requirements.lock; do
  have_wheels $file 'macOS on arm64' --python-version 3.13 --platform macosx_11_0_arm64 --platform macosx_14_0_arm64
done
have_wheels requirements/test.txt 'this machine'
