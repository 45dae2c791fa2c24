#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast `virt-qmp-guard audit` finds one VM's records in a large trail, beside grep and jq.

usage: tests/bench/audit.py [--megabytes 1000] [--runs 3] [--vms 40] [--no-jq] [build directory]

The trail is made up in a temporary directory: records as the guard writes them, decisions each with its outcome, of so
many VMs (the hashes are not right, which only --verify would mind). Every program gets its turn in each run, so that
what else the machine does meets all alike; the best run of each counts. All read from the page cache, if it is large
enough. Nothing is asserted.
"""

import argparse
import datetime
import hashlib
import json
import pathlib
import random
import subprocess
import tempfile
import threading
import time

COMMANDS = [
    ("query-status", "safe", "allow", ["@query", "@safe", "@known"], []),
    ("query-block", "safe", "allow", ["@query", "@safe", "@known"], []),
    ("query-blockstats", "safe", "allow", ["@query", "@safe", "@known"], ["query-nodes"]),
    ("system_powerdown", "privileged", "warn", ["@guest-power", "@privileged", "@known"], []),
    ("device_add", "privileged", "warn", ["@device", "@privileged", "@known"], ["driver", "id", "bus"]),
    ("quit", "dangerous", "deny", ["@guest-power", "@dangerous", "@known"], []),
    ("blockdev-snapshot-sync", "privileged", "warn", ["@block", "@privileged", "@known"], ["device", "snapshot-file"]),
]
USERS = ["alice", "bob", "root", "backup", "sasl:ops@EXAMPLE.ORG"]


def write_trail(path, size, vms):
    """Lines are made once for a block, which is then repeated with other times: making them is slow."""
    chance = random.Random(1)
    names = [(f"vm-{number:02}", f"3f2e7665-bbb1-43e1-b17a-{number:012x}") for number in range(vms)]
    start = datetime.datetime(2026, 11, 1)
    written = 0
    with path.open("w", encoding="ascii") as file:
        number = 0
        while written < size:
            block = []
            for _ in range(2000):
                number += 1
                stamp = (start + datetime.timedelta(milliseconds=7 * number)).isoformat(timespec="microseconds") + "Z"
                block += [json.dumps(record, separators=(",", ":"))
                          for record in records(chance, names, stamp, number)]
            text = "\n".join(block) + "\n"
            for _ in range(8):
                file.write(text)
            written += 8 * len(text)


def records(chance, names, stamp, number):
    name, uuid = chance.choice(names)
    command, kind, verdict, groups, parameters = chance.choice(COMMANDS)
    user = chance.choice(USERS)
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    common = {"domain": name, "uuid": uuid, "user": user, "channel": "qmp", "command": command}
    end = {"seq": number, "chain": digest}
    yield {"time": stamp, "event": "decision", "id": f"e0e84b2c69018192-{number}", **common, "verdict": verdict,
           "rule": f"baseline:@{kind}", "class": kind, "groups": groups, "parameters": parameters,
           "who": {"user": user, "uid": 1000, "gid": 1000, "pid": number}, "text": digest, "bytes": 26,
           "policy": "none", "host-policy": digest, **end}
    if verdict != "deny":
        yield {"time": stamp, "event": "outcome", "id": f"e0e84b2c69018192-{number}", **common, "result": "success",
               "duration_us": 1112, **end}


def peak_memory(process, ret):
    """MB at the peak, as long as it can be asked for: what wait4(2) says has this program's own size in it."""
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            ret[0] = max(ret[0], int(status.split("VmHWM:")[1].split()[0]) / 1024)
        except (OSError, IndexError):
            break
        time.sleep(0.01)


def run(command):
    """Seconds, the last word that came out, and the peak memory of the first program in MB."""
    memory = [0]
    before = time.monotonic()
    first = subprocess.Popen(command, stdout=subprocess.PIPE)
    last = subprocess.Popen(["wc", "-l"], stdin=first.stdout, stdout=subprocess.PIPE, text=True)
    first.stdout.close()
    watcher = threading.Thread(target=peak_memory, args=(first, memory))
    watcher.start()
    output = last.communicate()[0].strip()
    seconds = time.monotonic() - before
    first.wait()
    watcher.join()
    return seconds, output, memory[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--vms", type=int, default=40)
    parser.add_argument("--no-jq", action="store_true")
    parser.add_argument("build", nargs="?", default="build")
    options = parser.parse_args()
    guard = pathlib.Path(options.build).resolve() / "src/helper/virt-qmp-guard"
    with tempfile.TemporaryDirectory(prefix="qmp-guard-bench.") as directory:
        trail = pathlib.Path(directory) / "audit.log"
        write_trail(trail, options.megabytes * 1_000_000, options.vms)
        size = trail.stat().st_size / 1e6
        print(f"{size:.0f} MB, {options.vms} VMs")
        programs = {
            "audit --vm --json": [guard, "audit", "--vm", "vm-01", "--json", trail],
            "grep -c": ["grep", "-c", '"domain":"vm-01"', trail],
            "audit --vm": [guard, "audit", "--vm", "vm-01", trail],
            "audit --count-by vm,user": [guard, "audit", "--count-by", "vm,user", trail],
            "audit --summary": [guard, "audit", "--summary", trail],
            "jq": ["jq", "-c", 'select(.domain == "vm-01" and .event == "decision")', trail],
        }
        if options.no_jq:
            del programs["jq"]
        best = {}
        for number in range(options.runs):
            for name, command in programs.items():
                if name == "jq" and number > 0:
                    continue        # it takes as long as all the others together
                result = run(command)
                if name not in best or result[0] < best[name][0]:
                    best[name] = result
        grep = best["grep -c"][0]
        for name, (seconds, output, memory) in best.items():
            print(f"{name:26} {seconds:8.2f} s {size / seconds:8.0f} MB/s  {grep / seconds:6.2f} of grep's speed  "
                  f"peak {memory:6.1f} MB  lines {output}")
        if "jq" in best:
            print(f"audit --vm --json is {best['jq'][0] / best['audit --vm --json'][0]:.0f} times as fast as jq")


if __name__ == "__main__":
    main()
