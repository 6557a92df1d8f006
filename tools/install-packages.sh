#!/usr/bin/env bash
# Installs the Debian packages of the given lists (default: packages.txt beside this script).
# Does nothing, and needs neither root nor network, when all are there.
#   tools/install-packages.sh [LIST]...
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- "$here/packages.txt"

read_lists() { sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$@"; }

installed() {
  dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null |
    sed -n 's/^installed //p' | sort -u
}

command -v dpkg-query >/dev/null || {
  echo "install-packages: this is not a Debian system; install by hand what these name: $*" >&2
  exit 1
}
missing=$(comm -23 <(read_lists "$@" | sort -u) <(installed))
[ -n "$missing" ] || exit 0
missing=${missing//$'\n'/ }

if [ "$(id -u)" -ne 0 ]; then
  echo "install-packages: these packages are missing, and only root can install them:" >&2
  echo "  apt-get install -y --no-install-recommends $missing" >&2
  exit 1
fi

echo "installing: $missing"
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
"${apt[@]}" update </dev/null
# shellcheck disable=SC2086 # a list of words
"${apt[@]}" install -y --no-install-recommends $missing </dev/null
