# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs inside a second lab, as its COMMAND: one program for each line of JSON on standard input, one answer each."""

import json
import os
import subprocess
import sys

TIMEOUT = 120


def run(call):
    try:
        done = subprocess.run(call["arguments"], input=call["input"], capture_output=True, text=True, errors="replace",
                              timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"returncode": 127, "stdout": "", "stderr": str(error)}
    return {"returncode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


def main():
    print(json.dumps(dict(os.environ)), flush=True)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
