# pkg_config.sh PKG_CONFIG PREFIX COMPILER EXAMPLE: builds and runs the example with the flags of fissile.pc.
# Microsoft GSL has no .pc file; on Debian it is found in /usr/include.
set -eu
export PKG_CONFIG_PATH="$2/share/pkgconfig"
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
# shellcheck disable=SC2046
"$3" -std=c++20 -O1 "$4" -o "$out/consumer" $("$1" --cflags --libs fissile)
"$out/consumer" | grep "equals the dense layer: yes"
