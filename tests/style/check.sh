#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Layout and size: what clang-format and shellcheck say, functions of 80 lines and files of 600.
set -uo pipefail

cd "$1" || exit 1
status=0

mapfile -t sources < <(find src plugin hooks tests docs -name '*.[ch]')
mapfile -t scripts < <(grep -rlIE '^#!.*(/sh|bash)$' scripts tests .ci debian)

clang-format --dry-run -Werror "${sources[@]}" || status=1
shellcheck "${scripts[@]}" || status=1

for file in "${sources[@]}" scripts/* $(find src tests docs -name '*.py'); do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 600 ]; then
        echo "$file: $lines lines, more than 600"
        status=1
    fi
done
# A function's body ends at the first `}` in column 0.
for file in "${sources[@]}"; do
    awk -v file="$file" '
        /^\{/ { start = NR }
        /^\}/ && start { if (NR - start > 80) { print file ":" start ": " NR - start " lines"; bad = 1 } start = 0 }
        END { exit bad }' "$file" || status=1
done
exit $status
