#!/usr/bin/env bash
# Brings Debian's newest cloud kernel and the modules a guest on virtio needs into a directory:
#   tools/guest-kernel.sh DIRECTORY    ->  DIRECTORY/vmlinuz, DIRECTORY/modules/*.ko, DIRECTORY/order
# The package is downloaded and unpacked, not installed: installing a kernel would touch the host's
# boot. `order` names the modules as they have to be loaded. Does nothing if all is there.
set -euo pipefail

directory=$1
[ ! -e "$directory/order" ] || exit 0
modules=(virtio_net virtio_pci sctp crc32c_generic)

package=$(apt-cache depends linux-image-cloud-amd64 | awk '/^ *Depends: linux-image-/ { print $2; exit }')
[ -n "$package" ] || {
  echo "guest-kernel: apt knows no linux-image-cloud-amd64 (apt-get update?)" >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get -q -o Acquire::Retries=3 -o APT::Sandbox::User=root download "$package")
dpkg-deb -x "$work"/linux-image-*.deb "$work/unpacked"

mkdir -p "$directory/modules"
cp "$work"/unpacked/boot/vmlinuz-* "$directory/vmlinuz"
version=$(basename "$work"/unpacked/lib/modules/*)
depmod -b "$work/unpacked" "$version"
for module in "${modules[@]}"; do
  modprobe -d "$work/unpacked" -S "$version" --show-depends --ignore-install "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/order"
while read -r path; do
  cp "$path" "$directory/modules/"
  basename "$path"
done <"$work/order" >"$work/names"
mv "$work/names" "$directory/order"
