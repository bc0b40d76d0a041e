#!/usr/bin/env bash
# Runs every row of docs/results/robustness.md with every seed, one after the other, each into a file of its own; files
# that are there are left out, so that an interrupted queue goes on where it was. `robustness_report ROWS OUT` makes the
# page's tables.
#
#   examples/robustness/queue.sh build/examples/robustness/train_robustness GUIDE ROWS [more words for every run]
set -euo pipefail
program=$1 guide=$2 rows=$3
shift 3
more=("$@")
mkdir -p "$rows"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 # products this small are slower on several

row() { # NAME [words]
  local file=$rows/$1.json
  shift
  [ -e "$file" ] && return
  "$program" --guide "$guide" --json "$file" "$@" "${more[@]}"
}

row base-1 # the model as it is
for seed in 1 2 3; do
  for language in es de cs zh_CN; do # related languages stand beside the first three, few beside the last
    for level in multi character word clean; do
      row "$language-$level-$seed" --language "$language" --level "$level" --seed "$seed"
    done
  done
done
