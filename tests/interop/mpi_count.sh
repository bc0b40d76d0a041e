#!/bin/sh
# One, two and four ranks write the same bytes; a rank that is killed leaves a clear error and no file.
#
#   mpi_count.sh COUNT_MPI MPIRUN EXAMPLES FOLDER        77: skipped, since this mpirun is none that we know
program=$1 mpirun=$2 examples=$3 folder=$4
rm -rf "$folder" && mkdir -p "$folder" || exit 1
fail() { echo "FAILED: $*"; exit 1; }

# More ranks than cores are fine here, and containers are often root's.
case $("$mpirun" --version 2>/dev/null) in
  *"Open MPI"* | *OpenRTE*) flags=--oversubscribe; [ "$(id -u)" = 0 ] && flags="$flags --allow-run-as-root" ;;
  *HYDRA*) flags= ;;
  *) echo "SKIPPED: neither Open MPI nor MPICH: $mpirun"; exit 77 ;;
esac
export OMP_NUM_THREADS=1 OMPI_MCA_mpi_yield_when_idle=1

for language in en el; do head -c 3000 "$examples/texts/$language.txt" > "$folder/$language.txt"; done
model=$examples/models/babel.gguf
count() { # RANKS FILE [texts]
  "$mpirun" $flags -n "$1" "$program" "$model" --text "en=$folder/en.txt" --text "el=$folder/el.txt" --out "$2"
}

"$program" "$model" --text "en=$folder/en.txt" --text "el=$folder/el.txt" --out "$folder/alone.json" ||
  fail "the program alone"
for ranks in 1 2 4; do
  count $ranks "$folder/$ranks.json" || fail "$ranks ranks"
  cmp "$folder/alone.json" "$folder/$ranks.json" || fail "$ranks ranks counted otherwise"
  echo "$ranks ranks: $(wc -c < "$folder/$ranks.json") bytes, those of one process"
done

# A wrong word on one rank ends all, and says which file.
if "$mpirun" $flags -n 2 "$program" "$model" --text "en=$folder/none.txt" --out "$folder/wrong.json" 2> "$folder/wrong"; then
  fail "a text that is not there was counted"
fi
grep -q "rank .*none.txt" "$folder/wrong" || fail "no error that names the text"
[ ! -e "$folder/wrong.json" ] || fail "a file in spite of an error"

# Ranks that were given different texts notice before they count.
if "$mpirun" $flags -n 1 "$program" "$model" --text "en=$folder/en.txt" --out "$folder/wrong.json" : \
  -n 1 "$program" "$model" --text "el=$folder/en.txt" --out "$folder/wrong.json" 2> "$folder/wrong"; then
  fail "ranks with different texts were counted together"
fi
grep -q "the same model, texts and settings" "$folder/wrong" || fail "no error for different texts"
[ ! -e "$folder/wrong.json" ] || fail "a file in spite of different texts"

# A corpus that takes minutes; one of its ranks is killed as soon as all count.
for again in 1 2 3 4 5 6 7 8; do cat "$examples"/texts/*.txt; done > "$folder/long.txt"
echo "an older count" > "$folder/killed.json"
: > "$folder/killed"
"$mpirun" $flags -n 3 "$program" "$model" --text "all=$folder/long.txt" --out "$folder/killed.json" 2> "$folder/killed" &
running=$!
tries=0
while [ "$(grep -c "counts pieces" "$folder/killed")" -lt 3 ]; do
  tries=$((tries + 1))
  [ $tries -lt 600 ] || { kill $running; fail "the ranks did not begin"; }
  sleep 0.1
done
victim=$(ps -e -o pid= -o args= | awk -v file="$folder/killed.json" \
  '$2 ~ /count_mpi$/ && index($0, file) { pid = $1 } END { print pid }')
[ -n "$victim" ] || { kill $running; fail "no rank to kill"; }
kill -9 "$victim"
wait $running && fail "no error where a rank was killed"
grep -qiE "exited on signal 9|KILLED BY SIGNAL|bad termination" "$folder/killed" || fail "no clear error: $(cat "$folder/killed")"
[ "$(cat "$folder/killed.json")" = "an older count" ] || fail "the file was touched"
[ -z "$(find "$folder" -name '*.part')" ] || fail "a half-written file was left"
echo "a rank that is killed: $(grep -iE "exited on signal 9|KILLED BY SIGNAL" "$folder/killed" | head -1)"
