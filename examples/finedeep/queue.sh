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

dense=(--routing none --matched 31) # as many parameters as the largest grid, 16 x 1, or more
grid() { # MxK NAME: 16 experts of 32 neurons; weighed by 1/2, their outputs begin as the dense layer's
  row "$2" --sublayers "${1%x*}" --experts "${1#*x}" --down-scale 2
}

for seed in ${SEEDS:-1 2 3}; do
  rate_of=(--peak-rate 1.5e-3)
  row dense "${dense[@]}"
  for each in 1x16 4x4 16x1 2x8 8x2; do grid $each $each; done
  row 4x4_unrouted --sublayers 4 --experts 4 --routing none # what the depth does without routers
  [ "$seed" = 1 ] || continue
  # What hangs on the settings, by one seed: the dense model with `down` as wide as the grids', and twice the rate.
  row dense_down2 "${dense[@]}" --down-scale 2
  rate_of=(--peak-rate 3e-3)
  row dense_fast "${dense[@]}"
  for each in 1x16 4x4; do grid $each ${each}_fast; done
done
