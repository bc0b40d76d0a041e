#!/usr/bin/env bash
# Runs every variant with every seed, one after the other, each into a row of its own; rows that are there are left out,
# so that an interrupted queue goes on where it was.
#
#   examples/dsmoe/queue.sh build/examples/dsmoe/train_dsmoe GUIDE ROWS [more words for every run]
set -euo pipefail
program=$1 guide=$2 rows=$3
shift 3
mkdir -p "$rows"
for seed in 1 2 3; do
  for variant in dense blocks wanda sparsegpt top_k dsmoe dsmoe_hard dsmoe_sigmoid; do
    row=$rows/$variant-$seed.json
    [ -e "$row" ] && continue
    "$program" --guide "$guide" --variant "$variant" --seed "$seed" --json "$row" "$@"
  done
done
