# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast `virt-qmp-guard audit` finds one VM's records in a large trail, beside grep and jq.

The trail is made up: records as the guard writes them, decisions each with its outcome, of so many VMs (the hashes are
not right, which only --verify would mind). All read from the page cache, if it is large enough.
"""

import datetime
import hashlib
import json
import pathlib
import random
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from rows import Row, ratios, row_of
from section import Unavailable
from turns import measure_in_turns

TITLE = "one VM's records in a large trail"
VMS = 40

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
    """Lines are made once for a block, which is then repeated as it is: making them is slow."""
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


def search(command):
    """Seconds, and the peak memory in MB."""
    memory = [0]
    before = time.monotonic()
    first = subprocess.Popen(command, stdout=subprocess.PIPE)
    last = subprocess.Popen(["wc", "-l"], stdin=first.stdout, stdout=subprocess.PIPE, text=True)
    first.stdout.close()
    watcher = threading.Thread(target=peak_memory, args=(first, memory))
    watcher.start()
    lines = int(last.communicate()[0])
    seconds = time.monotonic() - before
    watcher.join()
    if first.wait() != 0 or lines == 0:
        raise RuntimeError(f"{command[0]} found {lines} lines, exit status {first.returncode}")
    return seconds, memory[0]


def programs(guard, trail):
    audit = [guard, "audit"]
    return {
        "grep -c": ["grep", "-c", '"domain":"vm-01"', trail],
        "audit --vm --json": [*audit, "--vm", "vm-01", "--json", trail],
        "audit --vm": [*audit, "--vm", "vm-01", trail],
        "audit --count-by vm,user": [*audit, "--count-by", "vm,user", trail],
        "audit --summary": [*audit, "--summary", trail],
        "jq": ["jq", "-c", 'select(.domain == "vm-01" and .event == "decision")', trail],
    }


def measure(run):
    if not shutil.which("jq"):
        raise Unavailable("no jq: scripts/setup")
    with tempfile.TemporaryDirectory(prefix="qmp-guard-bench.") as directory:
        trail = pathlib.Path(directory) / "audit.log"
        write_trail(trail, run.choose(5, 100, 1000) * 1_000_000, VMS)
        size = trail.stat().st_size / 1e6
        commands = programs(run.build / "src/helper/virt-qmp-guard", trail)
        results = measure_in_turns({name: lambda command=command: search(command)
                                    for name, command in commands.items()}, run.choose(2, 5))
    seconds = {name: [result[0] for result in found] for name, found in results.items()}

    for name in commands:
        if name != "grep -c":
            yield row_of(f"{name}: time, to grep -c", ratios(seconds[name], seconds["grep -c"]),
                         note=f"{size / statistics.median(seconds[name]):,.0f} MB/s, {size:,.0f} MB of {VMS} VMs")
    yield row_of("jq: time, to audit --vm --json", ratios(seconds["jq"], seconds["audit --vm --json"]))
    yield Row("audit --vm --json: memory at its peak", max(memory for _, memory in results["audit --vm --json"]),
              unit="MB", note=f"grep's {max(memory for _, memory in results['grep -c']):.1f} MB")
