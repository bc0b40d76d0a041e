#!/usr/bin/env bash
# Runs every row of docs/results/landermt.md with every seed, one after the other, each into a file of its own; files
# that are there are left out, so that an interrupted queue goes on where it was. `landermt_report ROWS OUT` makes the
# page's tables.
#
#   examples/landermt/queue.sh build/examples/landermt/train_landermt GUIDE ROWS [more words for every run]
set -euo pipefail
program=$1 guide=$2 rows=$3
shift 3
more=("$@")
mkdir -p "$rows"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 # products this small are slower on several

row() { # VARIANT
  local file=$rows/$pair-$1-$seed.json
  [ -e "$file" ] && return
  "$program" --guide "$guide" --pair "$pair" --variant "$1" --seed "$seed" --json "$file" "${more[@]}"
}

for seed in 1 2 3; do
  for pair in en-de es-pt en-ru de-zh_CN; do
    for variant in everything ffn detected random top random_top; do
      row $variant
    done
  done
done
for seed in 1 2 3; do
  for pair in en-de es-pt en-ru de-zh_CN; do
    for variant in specific relevant; do
      row $variant
    done
  done
done
