# copied_headers.sh HEADERS COMPILER EXAMPLE [EIGEN]: the folder include/fissile alone, copied into a project.
set -eu
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
mkdir "$out/include"
cp -r "$1" "$out/include/fissile"
"$2" -std=c++20 -O1 -I "$out/include" -I "${4:-/usr/include/eigen3}" "$3" -o "$out/consumer" -pthread
"$out/consumer" | grep "equals the dense layer: yes"
