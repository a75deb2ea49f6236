#!/bin/bash
# Does what the official image's entrypoint does: it refuses variables that RabbitMQ no longer reads, and becomes a
# server that does not belong to root. User, password and virtual host are read by RabbitMQ itself.
set -euo pipefail

[[ ${1:-} == rabbitmq* ]] || exec "$@"
if [[ $(id -u) = 0 ]]; then
  find /var/lib/rabbitmq ! -user rabbitmq -exec chown rabbitmq {} +
  exec setpriv --reuid rabbitmq --regid rabbitmq --init-groups "$0" "$@"
fi

gone=()
for name in RABBITMQ_DEFAULT_{USER,PASS}_FILE RABBITMQ_VM_MEMORY_HIGH_WATERMARK "${!RABBITMQ_SSL_@}" "${!RABBITMQ_MANAGEMENT_SSL_@}"; do
  [[ -z ${!name:-} ]] || gone+=("$name")
done
if (("${#gone[@]}")); then
  echo "error: RabbitMQ no longer reads these variables, its configuration file does the same: ${gone[*]}" >&2
  exit 1
fi

# The data is below the node's name, which is the host's: without `hostname:` another container finds none.
if [[ $(hostname) != "$(hostname -s)" ]]; then export RABBITMQ_USE_LONGNAME=${RABBITMQ_USE_LONGNAME:-true}; fi
exec "$@"
