#!/usr/bin/env bash
# From questionnaire answers to a GGUF model that answers, on two cores, in minutes.
# usage: scripts/demo.sh [--model DIR [--answers FILE [--mapping FILE]]] [--output DIR]
#   --model DIR      tune this Hugging Face folder instead of a new small model
#   --answers FILE   your answers instead of the invented ones in configs/examples
#   --mapping FILE   which column is which item (default: configs/profiles/example.json)
#   --output DIR     default: demo-run, with --model demo-run-NAME
# Run again, it skips what is there and goes on where it stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '2,8s/^# \{0,1\}//p' "$0"; }
model="" answers=configs/examples/answers.csv mapping=configs/profiles/example.json out=""
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --model | --answers | --mapping | --output)
      [ $# -ge 2 ] || { echo "demo: $1: found nothing, expected a path" >&2; exit 2; }
      case "$1" in --model) model=$2 ;; --answers) answers=$2 ;; --mapping) mapping=$2 ;; --output) out=$2 ;; esac
      shift 2 ;;
    *) echo "demo: arguments: found '$1'" >&2; usage >&2; exit 2 ;;
  esac
done
for input in ${model:+"$model"} "$answers" "$mapping"; do
  [ -e "$input" ] || { echo "demo: '$input': found nothing there" >&2; exit 2; }
done
[ -n "$out" ] || out=demo-run${model:+-$(basename "$model")}

started=$SECONDS
scripts/build.sh ci sqpsych
PATH=$PWD/build/ci/cli:$PATH
mkdir -p "$out"
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
# The people of one half teach the base model to speak, those of the other half tune it.
if [ -n "$model" ]; then
  run sqpsych generate "$out/profiles" --config configs/generate/demo.json --limit 60 --output "$out/sessions"
else
  run sqpsych generate "$out/profiles" --config configs/generate/demo.json --shard 1/2 --limit 30 --output "$out/sessions-base"
  run sqpsych generate "$out/profiles" --config configs/generate/demo.json --shard 2/2 --limit 30 --output "$out/sessions"
fi

say "3. Sessions become training data, split by client"
split=(--set split.validation=0.25 --set split.test=0 --set opening=drop)
[ -n "$model" ] || make "$out/dataset-base/manifest.json" \
  sqpsych dataset "$out/sessions-base/sessions.jsonl" --config configs/dataset/sessions.json "${split[@]}" --output "$out/dataset-base" --overwrite
make "$out/dataset/manifest.json" \
  sqpsych dataset "$out/sessions/sessions.jsonl" --config configs/dataset/sessions.json "${split[@]}" --output "$out/dataset" --overwrite

template=()
if [ -z "$model" ]; then
  say "4. A small new model learns the language from the first half: every weight"
  make "$out/new-model/manifest.json" \
    sqpsych new-model --text "$out/dataset-base/train.jsonl" --output "$out/new-model" --overwrite
  run sqpsych train --config configs/train/demo_base.json --model "$out/new-model" --data "$out/dataset-base" --output "$out/train-base"
  model=$out/train-base/model
else
  say "4. The base model is $model"
  [ -e "$model/chat_template.jinja" ] || grep -qs '"chat_template"' "$model/tokenizer_config.json" || template=(--set chat_template=chatml)
fi

say "5. LoRA tunes it on the counselor's turns of the sessions"
run sqpsych train --config configs/train/demo_lora.json --model "$model" --data "$out/dataset" --output "$out/train-lora" "${template[@]}"

say "6. Base and adapter become one GGUF file, and the file is checked"
make "$out/model.gguf" sqpsych export --model "$model" --adapter "$out/train-lora/adapter" --format gguf --type Q8_0 --output "$out/model.gguf" "${template[@]}"
run sqpsych verify "$out/model.gguf"

say "7. The exported file answers"
echo '[{"role": "user", "content": "I sleep badly and I worry about work all day."}]' >"$out/question.json"
run sqpsych complete --model "$out/model.gguf" --messages "$out/question.json" --n 60 --set temperature=0 | tee "$out/reply.json"

say "8. One page about all of it"
sources=("$out/profiles" "$out/sessions" "$out/dataset" "$out/train-lora" "$out/model.gguf")
[ ! -d "$out/train-base" ] || sources+=("$out/sessions-base" "$out/dataset-base" "$out/train-base")
run sqpsych report "${sources[@]}" --output "$out/report.html" --set report.samples=2 --overwrite

eval_loss() {  # eval_loss RUN first|last
  grep -o '"eval_loss": *[0-9.e+-]*' "$1/metrics.jsonl" | grep -o '[0-9.e+-]*$' | { [ "$2" = first ] && head -n 1 || tail -n 1; }
}
row() { printf '  %-34s %s\n' "$1" "$2"; }
say "What came out ($((SECONDS - started)) s)"
row "profiles" "$(wc -l <"$out/profiles/profiles.jsonl")"
row "sessions" "$(cat "$out"/sessions*/sessions.jsonl | wc -l)"
row "rows for LoRA, train + validation" "$(wc -l <"$out/dataset/train.jsonl") + $(wc -l <"$out/dataset/validation.jsonl")"
[ ! -d "$out/train-base" ] || row "validation loss, untrained" "$(eval_loss "$out/train-base" first)"
row "validation loss, base model" "$(eval_loss "$out/train-lora" first)"
row "validation loss, after LoRA" "$(eval_loss "$out/train-lora" last)"
row "GGUF file" "$(du -h "$out/model.gguf" | cut -f 1)"
row "reply" "$(grep -o '"text": *"[^"]*' "$out/reply.json" | sed 's/"text": *"//' | head -n 1 | cut -c 1-60)"

cat <<END

Where it lies
  $out/sessions/sessions.jsonl   sessions with their provenance
  $out/dataset/                  rows for any trainer that reads OpenAI messages, data card
  $out/train-lora/adapter/       the adapter in PEFT layout
  $out/model.gguf                for llama.cpp, Ollama, LM Studio
  $out/report.html               open it in a browser
What to try next
  build/ci/cli/sqpsych chat --model $out/model.gguf
  build/ci/cli/sqpsych inspect $out/dataset/validation.jsonl --model $model
  scripts/demo.sh --model YOUR_MODEL_FOLDER --answers YOUR_ANSWERS.csv --mapping YOUR_MAPPING.json
This model is for research and education; it is not for patients and not for crises.
END
