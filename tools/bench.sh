#!/bin/sh
# Runs the benchmarks, or the one that is named.  bench.sh BUILD_DIR [NAME]
set -eu
for b in "$1"/bench/*_bench; do
    name=$(basename "$b" _bench)
    [ -z "${2:-}" ] || [ "$2" = "$name" ] || continue
    echo "== $name"
    "$b"
done
