#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds up JUnit results.

usage: summary.py DIRECTORY

Prints a line for each suite and ends with `N passed, N failed`. A suite named in
DIRECTORY/failed that shows no failure of its own (it died) counts as one. With
QMP_GUARD_MUST_RUN set, a skipped test is a failed one. Exit status 1 when any failed.
"""
import os
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def count(path):
    """Returns (passed, failed, names of skipped) of one result file."""
    passed, failed, skipped = 0, 0, []
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped.append(f"{case.get('classname')}.{case.get('name')}")
        else:
            passed += 1
    return passed, failed, skipped


def main(directory):
    must_run = bool(os.environ.get("QMP_GUARD_MUST_RUN"))
    directory = pathlib.Path(directory)
    died = set((directory / "failed").read_text().split()) if (directory / "failed").exists() else set()
    totals = [0, 0]
    seen = set()
    for path in sorted(directory.glob("*.xml")):
        passed, failed, skipped = count(path)
        for name in skipped:
            print(f"not run: {name}")
        if must_run:
            failed += len(skipped)
        if path.stem in died and not failed or passed + failed + len(skipped) == 0:
            failed += 1
        seen.add(path.stem)
        print(f"{path.stem:12} {passed} passed, {failed} failed, {len(skipped)} not run")
        totals[0] += passed
        totals[1] += failed
    for name in sorted(died - seen):
        print(f"{name:12} did not run")
        totals[1] += 1
    print(f"{totals[0]} passed, {totals[1]} failed")
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
