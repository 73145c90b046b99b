#!/usr/bin/env bash
# Sets up, configures and builds. Prints nothing when all is up to date.
# usage: scripts/build.sh PRESET [TARGET ...]     presets: release, ci, dev, asan (CMakePresets.json)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -ge 1 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
preset=$1
shift

scripts/setup.sh
folder=build/$preset
if [ ! -f "$folder/build.ninja" ]; then
  echo "build: cmake --preset $preset" >&2
  mkdir -p "$folder"
  cmake --preset "$preset" >"$folder/configure.log" 2>&1 || { tail -n 20 "$folder/configure.log" >&2; exit 1; }
fi

# A source file that includes LibTorch takes up to 1.5 GB of memory to compile.
jobs=$(nproc)
fitting=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
[ "$fitting" -ge "$jobs" ] || jobs=$((fitting > 0 ? fitting : 1))
planned=$(ninja -C "$folder" -n "$@")
if ! grep -q 'no work to do' <<<"$planned"; then
  # ccache takes an old precompiled header for part of the source of the new one.
  grep -o '[^ ]*/cmake_pch.hxx.gch' <<<"$planned" | while read -r header; do rm -f "$folder/$header"; done || true
  echo "build: ninja -C $folder -j $jobs $*" >&2
  ninja -C "$folder" -j "$jobs" "$@" >&2
fi
