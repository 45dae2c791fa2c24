# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many who want the same few uses at the same moment: as many pass as were given, whoever counts."""

import json
import subprocess
import sys

import pytest

from clients import zip_equal
from machines import WitnessedMachine
from second_lab import SecondLab
from slow_store import slow_store
from test_grant_command import grant, grants, guard

ATTEMPTS, USES = 10000, 100
PROCESSES, THREADS = 4, 5
USERS = ["alice", "bob", "alice", "root"]

# Each thread has a connection of its own; all begin when a line comes. libvirt itself never sends this command.
CLIENT = """
import json, sys, threading
import libvirt, libvirt_qemu
libvirt.registerErrorHandler(lambda *_: None, None)
uri, name, threads, attempts = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
counts = {"passed": 0, "denied": 0, "failed": 0}
lock = threading.Lock()
domains = [libvirt.open(uri).lookupByName(name) for _ in range(threads)]
def attempt(domain):
    try:
        libvirt_qemu.qemuMonitorCommand(domain, '{"execute":"query-uuid"}', 0)
        return "passed"
    except libvirt.libvirtError as error:
        return "denied" if error.get_error_message().startswith("access denied: ") else "failed"
def run(domain):
    for _ in range(attempts):
        result = attempt(domain)
        with lock:
            counts[result] += 1
running = [threading.Thread(target=run, args=[domain]) for domain in domains]
print("ready", flush=True)
sys.stdin.readline()
for thread in running:
    thread.start()
for thread in running:
    thread.join()
print(json.dumps(counts))
"""


@pytest.fixture(scope="module")
def lab(in_lab, tmp_path_factory):
    # The daemon has a thread for each client.
    started = SecondLab("--set", "max_workers=40", "--set", "min_workers=20")
    started.preload(started.guard, slow_store(tmp_path_factory.mktemp("library")))
    started.daemon("restart")
    yield started
    started.close()


def race_of(lab, machine, attempts):
    """What the clients counted, all together."""
    each = attempts // (PROCESSES * THREADS)
    clients = [subprocess.Popen(["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--",
                                 sys.executable, "-c", CLIENT, lab.uri, machine.name, str(THREADS), str(each)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for user in USERS]
    for client in clients:
        assert client.stdout.readline() == "ready\n"
    for client in clients:
        client.stdin.write("go\n")
        client.stdin.flush()
    answers = [json.loads(client.communicate(timeout=120)[0]) for client in clients]
    return {what: sum(answer[what] for answer in answers) for what in answers[0]}


@pytest.mark.parametrize("numbers", [[USES], [1] * 30 + [70]], ids=["one grant", "many grants"])
def test_no_more_pass_than_were_given(lab, tmp_path_factory, numbers):
    machine = WitnessedMachine(lab.connect(), tmp_path_factory.mktemp("trace"))
    machine.set_policy('<deny command="query-uuid"/>')
    names = [grant(lab, "--command", "query-uuid", "--uses", uses, domain=machine.name)["grant"] for uses in numbers]
    lab.trail.mark()
    machine.mark()
    counts = race_of(lab, machine, ATTEMPTS)
    assert counts == {"passed": USES, "denied": ATTEMPTS - USES, "failed": 0}

    decided = lab.trail.records("decision")
    assert len(decided) == ATTEMPTS
    taken = [(use["grant"], use["left"]) for record in decided for use in record.get("grants", [])]
    assert [record["verdict"] for record in decided].count("grant") == len(taken) == USES
    assert sorted(taken) == sorted((name, left) for name, uses in zip_equal(names, numbers)
                                   for left in range(uses))
    # It was a race, and not one after the other.
    assert {record["user"] for record in decided if record["verdict"] == "grant"} == set(USERS)
    assert machine.executed().count("query-uuid") == USES
    assert grants(lab) == [] and {row["left"] for row in grants(lab, "--all")} == {0}
    machine.discard()
    guard(lab, "revoke", "--all")
    assert lab.run("virt-qmp-guard", "audit", "--verify").returncode == 0
