#!/usr/bin/env bash
# Installs what building sqpsych needs: Debian packages, and LibTorch from the torch wheel in .venv.
# usage: scripts/setup.sh [--cuda]
#   --cuda   the CUDA build of LibTorch (several GB; its CMake files demand a CUDA toolkit)
# Nothing is done for what is already there. A LibTorch elsewhere is taken from CMAKE_PREFIX_PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(g++ cmake ninja-build ccache pkg-config clang-format-14 python3 python3-venv
  nlohmann-json3-dev libcli11-dev libgtest-dev libgmock-dev libbenchmark-dev libsentencepiece-dev
  libpcre2-dev libutf8proc-dev libcpp-httplib-dev libssl-dev libreadstat-dev)
torch_version=2.13.0
torch_cpu_index=https://download.pytorch.org/whl/cpu
prefix_path=${CMAKE_PREFIX_PATH:-}

fail() {  # fail WHAT BY_HAND
  echo "setup: $1" >&2
  echo "setup: by hand: $2" >&2
  exit 1
}

missing_packages() {
  command -v dpkg-query >/dev/null || { echo "${packages[@]}"; return; }
  local installed
  installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
    sed -n 's/^installed //p' || true)
  comm -23 <(printf '%s\n' "${packages[@]}" | sort) <(sort <<<"$installed") | tr '\n' ' '
}

install_packages() {
  local missing="$1" by_hand="apt-get install $1" as_root=() log=/tmp/sqpsych-setup-$$.log
  command -v apt-get >/dev/null ||
    fail "packages: no apt-get on this system, expected Debian 12 or a relative." \
      "install what Debian calls: $missing"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      fail "packages: neither root nor sudo, and these are not installed: $missing" "as root: $by_hand"
    as_root=(sudo)
  fi
  echo "setup: apt-get install $missing" >&2
  { "${as_root[@]}" apt-get update -q &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } \
    >"$log" 2>&1 || { tail -n 5 "$log" >&2
      fail "packages: apt-get failed (log: $log). No network, a full disk, or another apt at work?" "$by_hand"; }
  rm -f "$log"
}

has_torch() {  # in .venv by this script, or elsewhere by CMAKE_PREFIX_PATH
  [ -f "$stamp" ] && return
  local folder
  for folder in ${prefix_path//[:;]/ }; do
    [ ! -f "$folder/share/cmake/Torch/TorchConfig.cmake" ] || return 0
  done
  return 1
}

find_python() {
  local python
  for python in python3 /usr/bin/python3; do
    ! "$python" -c 'import ensurepip, venv' 2>/dev/null || { echo "$python"; return; }
  done
  fail "python: no python3 with the modules venv and ensurepip." "apt-get install python3-venv"
}

install_torch() {  # the wheel alone: LibTorch needs none of its Python dependencies
  local python free_gb pip
  python=$(find_python)
  free_gb=$(df --output=avail -B 1G . | tail -n 1 | tr -d ' ')
  [ "$free_gb" -ge 3 ] || fail "disk: found $free_gb GB free in $PWD, expected 3." "free some space and run this again"
  echo "setup: pip install torch==$wheel (a download of 200 MB)" >&2
  "$python" -m venv --clear .venv
  pip=(.venv/bin/python -m pip install --quiet --no-deps --no-compile --disable-pip-version-check "torch==$wheel")
  "${pip[@]}" 2>.venv/pip.log ||
    { [[ $wheel == *+cpu ]] && "${pip[@]}" --index-url "$torch_cpu_index" 2>>.venv/pip.log; } ||
    { grep -i error .venv/pip.log | tail -n 3 >&2
      fail "LibTorch: pip cannot install torch==$wheel. No network, or no wheel for $("$python" --version)?" \
        "unpack LibTorch $torch_version anywhere and set CMAKE_PREFIX_PATH to its folder"; }
  touch "$stamp"
}

wheel=$torch_version+cpu
case "${1:-}" in
  "") ;;
  --cuda) wheel=$torch_version ;;
  -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) fail "arguments: found '$1', expected --cuda or nothing." "scripts/setup.sh --help" ;;
esac

missing=$(missing_packages)
stamp=.venv/torch-$wheel
[ -n "$missing" ] || ! has_torch || exit 0

echo "setup: installs Debian packages (apt; needs root or sudo) and LibTorch $wheel (pip, 1 GB in .venv)." >&2
[ -z "$missing" ] || install_packages "$missing"
has_torch || install_torch
echo "setup: done." >&2
