#!/bin/sh
# Rebuilds native-models/ from nothing: trains both models side by side, one thread each, and exports them.
# Some 40 to 60 minutes on two free cores. Run again after an interruption, it resumes at the last checkpoint.
set -eu
cd "$(dirname "$0")"

# PyTorch has to belong to this interpreter: Debian's package serves the system's Python only.
python=${PYTHON:-/usr/bin/python3}
if ! "$python" -c "import torch, numpy" 2>/dev/null; then
  echo "PyTorch is missing for $python: installing Debian's python3-torch with apt-get" >&2
  apt-get install -y python3-torch libopenblas0-pthread >&2
fi

# OpenBLAS takes some virtual x86 CPUs for very old ones and is ten times slower then; name another core if yours differs.
if [ "$(uname -m)" = x86_64 ]; then
  export OPENBLAS_CORETYPE="${OPENBLAS_CORETYPE:-HASWELL}"
fi
# More threads than this spin against each other when both models train.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

mkdir -p build
"$python" train.py --model robin --directory build >build/robin.log 2>&1 &
robin=$!
"$python" train.py --model wren --directory build >build/wren.log 2>&1 &
wren=$!
trap 'kill $robin $wren 2>/dev/null || true' INT TERM
echo "training; follow it with: tail -f $(pwd)/build/robin.log $(pwd)/build/wren.log" >&2
wait $robin
wait $wren
"$python" export.py --directory build --output ../../native-models
