#!/usr/bin/env bash
# Runs every row of docs/results/dsmoe.md with every seed, one after the other, each into a file of its own; files that
# are there are left out, so that an interrupted queue goes on where it was. `dsmoe_report ROWS` makes the page's tables.
#
#   examples/dsmoe/queue.sh build/examples/dsmoe/train_dsmoe GUIDE ROWS [more words for every run]
set -euo pipefail
program=$1 guide=$2 rows=$3
shift 3
more=("$@")
mkdir -p "$rows"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 # products this small are slower on several

row() { # NAME VARIANT [words]
  local file=$rows/$1-$seed variant=$2
  shift 2
  [ -e "$file.json" ] && return
  "$program" --guide "$guide" --variant "$variant" --seed "$seed" --json "$file.json" --save "$file.gguf" "$@" "${more[@]}"
}

for seed in 1 2 3; do
  row dense dense
  row blocks blocks
  row wanda wanda
  row sparsegpt sparsegpt
  row top_k top_k
  row dsmoe dsmoe # the paper's own setting
  row dsmoe_hard dsmoe_hard
  row dsmoe_sigmoid dsmoe_sigmoid
  row dsmoe_target dsmoe --target .375 # and ours, step by step
  row dsmoe_decided dsmoe --target .375 --pushed all --router-rate 1e-2 --order clusters --start distilled
done
