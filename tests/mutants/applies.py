# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a defect is to change must stand in its file once, else scripts/mutants cannot put it in.

usage: applies.py REPOSITORY
"""
import pathlib
import sys

from mutants import MUTANTS


def main(root):
    counts = [(mutant, (pathlib.Path(root) / mutant.file).read_text().count(mutant.was)) for mutant in MUTANTS]
    wrong = [f"{mutant.what}: {mutant.file} has {count} times: {mutant.was}" for mutant, count in counts if count != 1]
    print("\n".join(wrong) or f"{len(MUTANTS)} defects: each has its place")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
