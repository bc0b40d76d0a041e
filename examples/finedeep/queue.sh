#!/usr/bin/env bash
# Trains every row of docs/results/finedeep.md with every seed, one after the other, each into a file of its own; files
# that are there are left out, so that an interrupted queue goes on where it was. `finedeep_report ROWS OUT` makes the
# page's tables.
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
  "$program" --guide "$guide" --seed "$seed" --json "$file" "$@" "${more[@]}"
}

for seed in 1 2 3; do
  row dense --routing none --matched 31 # as many parameters as the largest grid, 16 x 1, or more
  row 4x4 --sublayers 4 --experts 4     # all grids have 16 experts of 32 neurons
  row 1x16 --sublayers 1 --experts 16
  row 16x1 --sublayers 16 --experts 1
  row 2x8 --sublayers 2 --experts 8
  row 8x2 --sublayers 8 --experts 2
  row 4x4_unrouted --sublayers 4 --experts 4 --routing none # what the depth does without routers
  row 4x4_down2 --sublayers 4 --experts 4 --down-scale 2    # outputs begin at the dense layer's size, though weighed by 1/2
done
