#!/bin/sh
# Format, layers, headers, links of the documents, clang-tidy.  lint.sh BUILD_DIR
set -eu
build=$1
git ls-files -co --exclude-standard '*.[ch]' | xargs clang-format --dry-run -Werror
tools/check_layers.py
tools/check_headers.py
tools/check_links.py
tools/check_go_map.py
tools/check_limits.py
tools/check_metrics.py
git ls-files -co --exclude-standard 'src/*.c' 'tests/*.c' | grep -v _fuzz.c |
    xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build" 2>/dev/null
echo "lint: clean"
