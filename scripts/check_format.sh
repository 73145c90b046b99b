#!/usr/bin/env bash
# Fails when clang-format 14 would change a C++ file. usage: scripts/check_format.sh [--fix]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mode=(--dry-run -Werror)
[ "${1:-}" != --fix ] || mode=(-i)
mapfile -t files < <(git ls-files --cached --others --exclude-standard -- '*.h' '*.cpp' '*.cu' '*.cuh')
[ ${#files[@]} -gt 0 ] || { echo "format: no C++ file found in $PWD" >&2; exit 1; }
printf '%s\0' "${files[@]}" | xargs -0 -n 20 -P "$(nproc)" clang-format-14 --style=file "${mode[@]}" ||
  { echo "format: scripts/check_format.sh --fix mends this" >&2; exit 1; }
echo "format: ${#files[@]} files are as clang-format-14 leaves them"
