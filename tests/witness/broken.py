#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shows that the witness finds what it is meant to find: breaks a copy of the guard, and runs it against that.

usage: broken.py [NAME ...]

Each fault below is put into a copy of the source in a temporary directory, which is built; then scripts/witness must
find a difference. Ends with exit status 1 when one was not found. Takes a minute for each.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parents[2]

# Name: file, what stands there, what is put in its place.
FAULTS = {
    "takes-repeated-keys": ("src/request/json_strict.c", "if (json_object_object_get_ex(object, key, NULL))",
                            "if (false)"),
    "takes-zero-characters": ("src/util/utf8.c", "return character > 0 &&", "return character != 0x110000 &&"),
    "takes-infinite-numbers": ("src/request/json_strict.c", "if (!isfinite(number))", "if (false)"),
    "forwards-the-clients-bytes": ("plugin/passthrough.c", "return answer->request->text;", "return text;"),
    "does-not-judge-actions": ("src/request/request.c", 'strcmp(name, "transaction") == 0', "false"),
    "does-not-judge-descriptors": (
        "plugin/passthrough.c",
        "if (!plugin_is_active())\n        return libvirt.monitor_command_with_files",
        "if (n_in)\n        return libvirt.monitor_command_with_files"),
    "takes-arithmetic": ("src/request/hmp_arguments.c", '*reader->at && strchr("+-*/%&|^~", *reader->at)', "false"),
    "does-not-record-one-command": ("plugin/recorder.c", "if (log_record(record) < 0)",
                                    'if (strstr(record->json, "query-uuid"))\n        return RECORDED_WHOLE;\n'
                                    "    if (log_record(record) < 0)"),
    "records-other-names": ("src/audit/json.c", "if (!add_name(out, name, room))",
                            'if (!add_name(out, *name == \'p\' ? "q" : name, room))'),
}


def build(directory, name):
    file, old, new = FAULTS[name]
    copy = directory / "source"
    for path in subprocess.run(["git", "-C", REPO, "ls-files", "-z"], check=True, capture_output=True,
                               text=True).stdout.split("\0")[:-1]:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPO / path, copy / path)
    text = (copy / file).read_text()
    if text.count(old) != 1:
        sys.exit(f"{name}: {file} has no longer exactly one {old!r}")
    text = text.replace(old, new)
    if "strstr" in new:
        text = text.replace("#include <unistd.h>", "#include <string.h>\n#include <unistd.h>")
    (copy / file).write_text(text)
    environment = os.environ | {"QMP_GUARD_BUILD": str(directory / "build")}
    subprocess.run([copy / "scripts/build"], check=True, env=environment, stdout=subprocess.DEVNULL)
    return copy, environment


def is_found(name):
    with tempfile.TemporaryDirectory(prefix="qmp-guard-broken.") as directory:
        pathlib.Path(directory).chmod(0o755)
        copy, environment = build(pathlib.Path(directory), name)
        done = subprocess.run([copy / "scripts/witness", "--texts", "20000", "--agent-texts", "0", "--differences", "1",
                               "--workers", "4"], env=environment, capture_output=True, text=True, check=False)
    found = re.search(r"^DIFFERENCE.*?^  under", done.stdout, re.DOTALL | re.MULTILINE)
    print(f"== {name}: {'found' if found else 'NOT FOUND'}\n{found[0][:1500] if found else done.stdout + done.stderr}",
          flush=True)
    return done.returncode == 1 and found is not None


if __name__ == "__main__":
    sys.exit(0 if all([is_found(name) for name in sys.argv[1:] or FAULTS]) else 1)
