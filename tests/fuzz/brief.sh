#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs one fuzz target so many times, from the same seed each time: what CI does. An input that
# fails is shown in base64, as nothing of the run is kept.
#
# usage: brief.sh PROGRAM TESTS_FUZZ DERIVED_SEEDS NAME RUNS
set -uo pipefail

program=$1 source=$2 derived=$3 name=$4 runs=$5
# In memory if possible: the check of a chain reads its files anew for each input.
scratch=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/corpus"

# The first folder is the one that libFuzzer writes to.
TMPDIR=$scratch "$program" -runs="$runs" -seed=1 -max_len=4096 -timeout=10 -len_control=0 -close_fd_mask=3 \
    -dict="$source/$name.dict" -artifact_prefix="$scratch/" -print_final_stats=1 \
    "$scratch/corpus" "$source/$name" "$derived/$name" >"$scratch/log" 2>&1
status=$?
grep -E '^(INFO: Seed|Done|stat::number_of_executed)|DONE' "$scratch/log"
if [ "$status" -ne 0 ]; then
    grep -vE '^#[0-9]+' "$scratch/log"
    find "$scratch" -maxdepth 1 -type f -name '*-*' \
        -exec sh -c 'echo "the input, for base64 -d: $(base64 -w0 "$1")"' - {} \;
    # Its own status, 77, would be a test that was skipped.
    exit 1
fi
