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

at_rate() { # RATE SUFFIX: every kind of layer
  rate_of=(--peak-rate "$1")
  row "dense$2" --routing none --matched 31 # as many parameters as the largest grid, 16 x 1, or more
  for grid in 1x16 4x4 16x1 2x8 8x2; do     # 16 experts of 32 neurons; weighed by 1/2, outputs begin as the dense ones
    row "$grid$2" --sublayers "${grid%x*}" --experts "${grid#*x}" --down-scale 2
  done
  row "4x4_unrouted$2" --sublayers 4 --experts 4 --routing none # what the depth does without routers
}

for seed in ${SEEDS:-1 2 3}; do
  at_rate 1.5e-3 ""
  [ "$seed" != 1 ] || at_rate 3e-3 _fast
done
