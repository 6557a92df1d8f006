#!/usr/bin/env bash
# Reserves huge pages of 2 MiB if that is easy; never fails. Everything runs without them, slower.
#   tools/setup-hugepages.sh [PAGES]     (default 1024: the switch's 512 MB and the pods' as much)
# At most half of the available memory is taken, and no reservation is ever lowered.
wanted=${1:-1024}
knob=/proc/sys/vm/nr_hugepages
have=$(cat "$knob" 2>/dev/null || echo 0)

if [ "$have" -lt "$wanted" ] && [ -w "$knob" ]; then
  available_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  if [ "$(((wanted - have) * 2048 * 2))" -le "${available_kb:-0}" ]; then
    echo "$wanted" 2>/dev/null >"$knob"
  fi
fi
free=$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages 2>/dev/null || echo 0)
echo "huge pages of 2 MiB: $free free"
exit 0
