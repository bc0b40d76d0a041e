#!/usr/bin/env bash
# Trains every row of docs/results/finedeep.md with every seed, one after the other, each into a file of its own; files
# that are there are left out, so that an interrupted queue goes on where it was; SEEDS="3" makes those of one seed, for
# a second core. `finedeep_report ROWS OUT` makes the page's tables.
#
#   examples/finedeep/queue.sh build/examples/finedeep/train_finedeep GUIDE ROWS [more words for every run]
set -euo pipefail
program=$1 guide=$2 rows=$3
shift 3
more=("$@")
mkdir -p "$rows"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 # products this small are slower on several

row() { # NAME [words]
  local file=$rows/$1-$seed.json
  shift
  [ -e "$file" ] && return
  "$program" --guide "$guide" --seed "$seed" --json "$file" "${rate_of[@]}" "$@" "${more[@]}"
}

for seed in ${SEEDS:-1 2 3}; do
  for rate in 3e-3 1.5e-3; do # the first is the better one for the dense model, the second for the grids
    slow=$([ $rate = 3e-3 ] || echo _slow)
    rate_of=(--peak-rate $rate)
    row dense$slow --routing none --matched 31 # as many parameters as the largest grid, 16 x 1, or more
    for grid in 4x4 1x16 16x1 2x8 8x2; do      # 16 experts of 32 neurons; weighed by 1/2, outputs begin as the dense ones
      row $grid$slow --sublayers ${grid%x*} --experts ${grid#*x} --down-scale 2
    done
    row 4x4_unrouted$slow --sublayers 4 --experts 4 --routing none # what the depth does without routers
  done
done
