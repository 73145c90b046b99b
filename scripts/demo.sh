#!/usr/bin/env bash
# From questionnaire answers to a GGUF model that answers, on two cores, in minutes.
# usage: scripts/demo.sh [--model DIR [--answers FILE [--mapping FILE]]] [--output DIR]
#   --model DIR      tune this Hugging Face folder instead of a new small model
#   --answers FILE   your answers instead of the invented ones in configs/examples
#   --mapping FILE   which column is which item (default: configs/profiles/example.json)
#   --output DIR     default: demo-run, with --model demo-run-NAME
# Run again, it skips what is there and goes on where it stopped. Other inputs need another output folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

refuse() { echo "demo: $1" >&2; exit 2; }
usage() { sed -n '2,8s/^# \{0,1\}//p' "$0"; }
model="" answers=configs/examples/answers.csv mapping=configs/profiles/example.json out=""
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --model | --answers | --mapping | --output)
      [ $# -ge 2 ] || refuse "$1: found nothing behind it, expected a path."
      case "$1" in --model) model=$2 ;; --answers) answers=$2 ;; --mapping) mapping=$2 ;; --output) out=$2 ;; esac
      shift 2 ;;
    *) usage >&2; refuse "arguments: found '$1', expected one of the above." ;;
  esac
done
[ -z "$model" ] || [ -e "$model" ] || refuse "'$model': found nothing there, expected a model folder."
for file in "$answers" "$mapping"; do
  [ -f "$file" ] || refuse "'$file': found no file there, expected one."
done
[ -n "$out" ] || out=demo-run${model:+-$(basename "$model")}
out=${out%/}

hash_of() { sha256sum <"$1" | cut -d ' ' -f 1; }

describe_inputs() {
  if [ -n "$model" ]; then echo "model $(realpath "$model")"; else echo "model new"; fi
  echo "answers $(hash_of "$answers")"
  echo "mapping $(hash_of "$mapping")"
}

check_output() {  # results of other inputs are neither mixed with new ones nor replaced
  local found="" others
  if [ -e "$out/inputs.txt" ]; then
    others=$(grep -vxFf "$out/inputs.txt" <<<"$inputs" | cut -d ' ' -f 1 | paste -sd ' ' | sed 's/ / and /g') || true
    found=${others:+results of inputs that differ in $others}
  elif [ -e "$out/profiles" ]; then
    found="results but no inputs.txt"
  fi
  [ -z "$found" ] || refuse "'$out': found $found, expected results of the same model, answers and mapping. \
Likely fix: choose another folder, such as --output $out-2."
}

inputs=$(describe_inputs)
check_output

started=$SECONDS
scripts/build.sh ci sqpsych
PATH=$PWD/build/ci/cli:$PATH
mkdir -p "$out"
echo "$inputs" >"$out/inputs.txt"
echo "demo: everything goes to $out/ (built in $((SECONDS - started)) s)"
started=$SECONDS

say() { printf '\n== %s\n' "$*"; }

run() {  # prints the command, runs it, tells how long it took
  local begin=$SECONDS
  printf '$ %s\n' "$(printf '%q ' "$@")"
  "$@"
  printf '  (%d s)\n' $((SECONDS - begin))
}

make() {  # make RESULT COMMAND...: skipped when RESULT is there already
  local result=$1
  shift
  if [ -e "$result" ]; then echo "there already: $result"; else run "$@"; fi
}

say "1. Answers become profiles: scores, bands, one sentence per answer"
make "$out/profiles/manifest.json" sqpsych profiles "$answers" --config "$mapping" --output "$out/profiles" --overwrite

say "2. Profiles become sessions: text from a grammar, marked as scripted in every record"
generate=(sqpsych generate "$out/profiles" --config configs/generate/demo.json)
# The people of one half teach the base model to speak, those of the other half tune it.
if [ -n "$model" ]; then
  run "${generate[@]}" --limit 60 --output "$out/sessions"
else
  run "${generate[@]}" --shard 1/2 --limit 30 --output "$out/sessions-base"
  run "${generate[@]}" --shard 2/2 --limit 30 --output "$out/sessions"
fi

say "3. Sessions become training data, split by client"
split=(--set split.validation=0.25 --set split.test=0 --set opening=drop)
make_rows() {  # make_rows SESSIONS DATASET
  make "$2/manifest.json" sqpsych dataset "$1/sessions.jsonl" --config configs/dataset/sessions.json "${split[@]}" \
    --output "$2" --overwrite
}
[ -n "$model" ] || make_rows "$out/sessions-base" "$out/dataset-base"
make_rows "$out/sessions" "$out/dataset"

template=()
if [ -z "$model" ]; then
  say "4. A small new model learns the language from the first half: every weight"
  make "$out/new-model/manifest.json" \
    sqpsych new-model --text "$out/dataset-base/train.jsonl" --output "$out/new-model" --overwrite
  run sqpsych train --config configs/train/demo_base.json --model "$out/new-model" --data "$out/dataset-base" \
    --output "$out/train-base"
  model=$out/train-base/model
else
  say "4. The base model is $model"
  [ -e "$model/chat_template.jinja" ] || grep -qs '"chat_template"' "$model/tokenizer_config.json" ||
    template=(--set chat_template=chatml)
fi

say "5. LoRA tunes it on the counselor's turns of the sessions"
run sqpsych train --config configs/train/demo_lora.json --model "$model" --data "$out/dataset" \
  --output "$out/train-lora" "${template[@]}"

say "6. Base and adapter become one GGUF file, and the file is checked"
make "$out/model.gguf" sqpsych export --model "$model" --adapter "$out/train-lora/adapter" --format gguf --type Q8_0 \
  --output "$out/model.gguf" "${template[@]}"
run sqpsych verify "$out/model.gguf"

say "7. The exported file answers"
echo '[{"role": "user", "content": "I sleep badly and I worry about work all day."}]' >"$out/question.json"
run sqpsych complete --model "$out/model.gguf" --messages "$out/question.json" --n 60 --set temperature=0 |
  tee "$out/reply.json"

say "8. One page about all of it"
sources=("$out/profiles" "$out/sessions" "$out/dataset" "$out/train-lora" "$out/model.gguf")
[ ! -d "$out/train-base" ] || sources+=("$out/sessions-base" "$out/dataset-base" "$out/train-base")
run sqpsych report "${sources[@]}" --output "$out/report.html" --set report.samples=2 --overwrite

eval_loss() {  # eval_loss RUN first|last
  { grep -o '"eval_loss": *[^,}]*' "$1/metrics.jsonl" || echo "none"; } | sed 's/.*: *//' |
    { [ "$2" = first ] && sed -n 1p || tail -n 1; }
}
is_below() { awk -v a="$1" -v b="$2" 'BEGIN {exit !(a ~ /^[0-9]/ && b ~ /^[0-9]/ && a + 0 < b + 0)}'; }
count() { cat "$@" | wc -l; }
row() { printf '  %-34s %s\n' "$1" "$2"; }
say "What came out ($((SECONDS - started)) s)"
row "profiles" "$(count "$out/profiles/profiles.jsonl")"
row "sessions" "$(count "$out"/sessions*/sessions.jsonl)"
row "rows for LoRA, train + validation" "$(count "$out/dataset/train.jsonl") + $(count "$out/dataset/validation.jsonl")"
[ ! -d "$out/train-base" ] || row "validation loss, untrained" "$(eval_loss "$out/train-base" first)"
loss_before=$(eval_loss "$out/train-lora" first)
loss_after=$(eval_loss "$out/train-lora" last)
row "validation loss, base model" "$loss_before"
row "validation loss, after LoRA" "$loss_after"
row "GGUF file" "$(du -h "$out/model.gguf" | cut -f 1)"
row "reply" "$(grep -o '"text": *"[^"]*' "$out/reply.json" | sed 's/"text": *"//' | head -n 1 | cut -c 1-60)"

if ! is_below "$loss_after" "$loss_before"; then
  echo "demo: $out/train-lora: found a validation loss of $loss_after after LoRA," \
    "expected less than the base model's $loss_before. Likely fix: more answers, to learn from more sessions." >&2
  exit 1
fi

cat <<END

Where it lies
  $out/sessions/sessions.jsonl   sessions with their provenance
  $out/dataset/                  rows for any trainer that reads OpenAI messages, data card
  $out/train-lora/adapter/       the adapter in PEFT layout
  $out/model.gguf                for llama.cpp, Ollama, LM Studio
  $out/report.html               open it in a browser
What to try next
  build/ci/cli/sqpsych chat --model $out/model.gguf
  build/ci/cli/sqpsych inspect $out/dataset/validation.jsonl --model $model${template[*]:+ ${template[*]}}
  scripts/demo.sh --model YOUR_MODEL_FOLDER --answers YOUR_ANSWERS.csv --mapping YOUR_MAPPING.json
This model is for research and education; it is not for patients and not for crises.
END
