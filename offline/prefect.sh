#!/bin/sh
# Pin another version of Prefect, also where pages print it, and run again all that is said about it. Usage: prefect.sh VERSION
set -eu
new=$1
mkdir -p .cache
old=$(sed -n 's/^prefect==//p' 03-prefect/requirements.txt)
set_version() {
  file=$1
  sed "s/^prefect==$old/prefect==$new/; s/^Version:\.\.\.$old/Version:...$new/; s/^\"$old\"/\"$new\"/" "$file" >.cache/pinned
  cat .cache/pinned >"$file"
}
for file in 03-prefect/requirements.txt 04-incidents/requirements.txt 05-migration/requirements.txt docs/en/*.md; do set_version "$file"; done
make lock
grep -n "$old" docs/en/*.md || true # sentences that name a version are for a person
make test SINCE=HEAD
