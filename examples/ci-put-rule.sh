#!/bin/sh
# Puts one rule from a pipeline, and fails the job when the gateway refuses it. PUT may be repeated: the second time changes nothing.
#
#   SLUICE_URL=http://gateway:9000 SLUICE_ADMIN_TOKEN=… examples/ci-put-rule.sh users '{"path": "/users", "target": "http://users:8080"}'
set -eu
id=$1
rule=$2
url=${SLUICE_URL:-http://127.0.0.1:9000}
set -- --fail-with-body --silent --show-error --max-time 10 --request PUT --header 'Content-Type: application/json' --data "$rule"
if [ -n "${SLUICE_ADMIN_TOKEN:-}" ]; then set -- "$@" --header "Authorization: Bearer $SLUICE_ADMIN_TOKEN"; fi
exec curl "$@" "$url/forward-rules/$id"
