#!/usr/bin/env bash
# Sees to it that the programs the tests run are there; `npm test` calls it. Silent when they are. As root with apt-get it installs
# what is missing, otherwise it says in one line what to install.
set -eu

# command:package (of Debian), one line each
needed='
redis-server:redis-server
etcd:etcd-server
dnsmasq:dnsmasq-base
chromium:chromium
'

packages=''
for pair in $needed; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || packages="$packages ${pair#*:}"
done
[ -z "$packages" ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "The tests need programs that are not here. Install them, for example: sudo apt-get install$packages" >&2
  exit 1
fi

echo "Installing for the tests:$packages"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
if ! { apt-get update && apt-get install -y --no-install-recommends $packages; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "Could not install$packages" >&2
  exit 1
fi
