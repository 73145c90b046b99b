#!/usr/bin/env bash
# Sets up, checks the format, builds with warnings as errors, runs all tests.
# usage: scripts/test.sh [--sanitize] [CTEST ARGUMENT ...]
#   --sanitize   the fast tests under AddressSanitizer and UndefinedBehaviorSanitizer instead
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=ci
if [ "${1:-}" = --sanitize ]; then preset=asan; shift; fi

scripts/setup.sh
[ "$preset" = asan ] || scripts/check_format.sh
targets=()
[ "$preset" = ci ] || targets=(fast_tests)
scripts/build.sh "$preset" "${targets[@]}"

tests=(ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "$@")
if [ "$preset" = asan ]; then
  # LibTorch is not instrumented: its containers look overflown, and what it keeps until the end looks leaked.
  export ASAN_OPTIONS=detect_container_overflow=0:detect_leaks=0:strict_string_checks=1
  export UBSAN_OPTIONS=print_stacktrace=1
  tests+=(--label-exclude "slow|lint")
fi
"${tests[@]}"
