#!/bin/sh
# Rebuilds the native models from nothing: all of them, or the one that is named. A model that another one starts from (raven from
# finch, swift from sparrow, owl from raven) is taken as it is shipped then, unless build/ holds a checkpoint of it.
#
#   scripts/train-native-models/rebuild.sh [robin|wren|finch|raven|sparrow|swift|owl]
#
# Or trains a shipped model further, for so many steps and with this part of the usual learning rates:
#
#   scripts/train-native-models/rebuild.sh refine MODEL STEPS RATE
#
# Two models train side by side, one thread each. Run again after an interruption, it resumes at the last checkpoints.
set -eu
cd "$(dirname "$0")"

# PyTorch has to belong to this interpreter: Debian's package serves the system's Python only.
python=${PYTHON:-/usr/bin/python3}
if ! "$python" -c "import torch, numpy" 2>/dev/null; then
  if command -v apt-get >/dev/null; then
    echo "PyTorch is missing for $python: installing Debian's python3-torch with apt-get" >&2
    apt-get install -y python3-torch libopenblas0-pthread >&2
  else
    echo "PyTorch is missing for $python: installing it with pip" >&2
    "$python" -m pip install torch numpy >&2
  fi
fi

# OpenBLAS takes some virtual x86 CPUs for very old ones and is ten times slower then; name another core if yours differs.
if [ "$(uname -m)" = x86_64 ]; then
  export OPENBLAS_CORETYPE="${OPENBLAS_CORETYPE:-HASWELL}"
fi
# More threads than this spin against each other when two models train.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

train() {
  name=$1
  shift
  "$python" train.py --model "$name" --directory build "$@" >>"build/$name.log" 2>&1
}

# The judge learns from what the others answer.
train_owl() {
  [ -f build/answers.jsonl ] || "$python" sample_answers.py --directory build >&2
  train owl
}

mkdir -p build
echo "training; follow it with: tail -f $(pwd)/build/*.log" >&2
case "${1:-all}" in
  all)
    (train finch && train raven) &
    first=$!
    (train robin && train wren && train sparrow && train swift) &
    second=$!
    trap 'kill $first $second 2>/dev/null || true' INT TERM
    wait $first
    wait $second
    train_owl
    "$python" export.py --directory build
    exit
    ;;
  refine)
    train "$2" --refine "$3" --rate "$4"
    shift
    ;;
  owl) train_owl ;;
  *) train "$1" ;;
esac
"$python" export.py --directory build --model "$1"
