# SPDX-License-Identifier: LGPL-2.1-or-later
"""The durable trail: a record for each decision and outcome, chained, under every trouble that a file can have."""

import collections
import hashlib
import json
import subprocess
import threading
import time

import libvirt
import pytest

from clients import HMP, request
from machines import NAMESPACE, unique_name
from second_lab import SecondLab
from trail import Trail, assert_chained

STATUS = request("query-status")


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    lab = SecondLab()
    yield lab
    lab.close()


@pytest.fixture
def lab(shared_lab):
    yield shared_lab
    set_host_policy(shared_lab)


@pytest.fixture
def trail(lab):
    return Trail(lab.directory)


@pytest.fixture
def machine(lab):
    made = lab.machine()
    yield made
    made.discard()


def set_host_policy(lab, rules="<delegate/>", **attributes):
    """Its change counts from the next command on."""
    words = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    new = lab.host_policy.with_suffix(".new")
    new.write_text(f'<policy xmlns="{NAMESPACE}"{words}>{rules}</policy>')
    new.rename(lab.host_policy)


def test_decision_and_outcome_are_linked(machine, trail):
    trail.mark()
    machine.send(STATUS)
    decision, outcome = trail.records("decision", "outcome")
    assert decision["id"] == outcome["id"] and decision["event"] == "decision"
    assert (decision["verdict"], decision["rule"], decision["class"]) == ("allow", "baseline:@safe", "safe")
    assert decision["text"] == hashlib.sha256(STATUS.encode()).hexdigest()
    assert (outcome["result"], outcome["command"]) == ("success", "query-status")
    assert 0 < outcome["duration_us"] < 60_000_000


@pytest.mark.parametrize("text, flags, result, error", [
    (request("nonesuch"), 0, "error", "CommandNotFound"),
    (request("device_del", id="nonesuch"), 0, "error", "DeviceNotFound"),
    (request("query-status", x=1), 0, "error", "GenericError"),
    (request("query-name"), 0, "success", None),
])
def test_outcome(machine, trail, text, flags, result, error):
    trail.mark()
    machine.send(text, flags)
    outcome, = trail.records("outcome")
    assert (outcome["result"], outcome.get("error")) == (result, error)


def test_failure_of_libvirts_own(lab, machine, trail):
    """An agent that is not there: libvirt says so by a number, not by words that may hold what was sent."""
    trail.mark()
    assert lab.virsh("qemu-agent-command", machine.name, '{"execute":"guest-ping"}').returncode == 1
    decision, outcome = trail.records("decision", "outcome")
    assert decision["channel"] == "agent" and outcome["result"] == "failure"
    assert outcome["error"].startswith("libvirt:") and outcome["error"].removeprefix("libvirt:").isdigit()


def test_denial_has_no_outcome(machine, trail):
    trail.mark()
    machine.send("info status", HMP)
    record, = trail.records("decision", "outcome")
    assert (record["verdict"], record["channel"], record["hmp"]) == ("deny", "hmp", "info status")


def test_who(lab, machine, trail):
    trail.mark()
    lab.virsh("qemu-monitor-command", machine.name, "query-status", user="alice")
    who = trail.records("decision")[0]["who"]
    assert (who["user"], who["uid"], who["gid"]) == ("alice", 21001, 21001) and who["pid"] > 1


@pytest.mark.parametrize("secret", ["hunter2-is-secret"])
def test_values_are_not_recorded(machine, trail, secret):
    trail.mark()
    machine.send(request("set_password", protocol="vnc", password=secret))
    machine.send(request("object-add", **{"qom-type": "secret", "id": "s", "data": secret}))
    machine.send(f"set_password vnc {secret}", HMP)
    machine.send(request("human-monitor-command", command_line=f"set_password vnc {secret}"))
    assert len(trail.records("decision")) == 4
    assert secret not in trail.path.read_text()


def test_values_that_the_host_policy_names(lab, machine, trail):
    set_host_policy(lab, '<allow command="qom-get" record="path property nonesuch"/><delegate/>')
    trail.mark()
    machine.send(request("qom-get", path="/machine\n|", property="type"))
    record, = trail.records("decision")
    assert record["values"] == {"path": "/machine\\x0a|", "property": "type"}


def test_policy_changes_are_in_the_trail(machine, trail):
    trail.mark()
    machine.send(STATUS)
    machine.set_policy('<allow command="quit"/>')
    machine.send(STATUS)
    first, second = trail.records("policy")
    assert (first["policy"], second["was"]) == ("none", "none") and len(second["policy"]) == 64
    assert [record["policy"] for record in trail.records("decision")] == ["none", second["policy"]]


def test_restart_and_rotation_keep_the_chain(lab, machine, trail):
    machine.send(STATUS)
    lab.daemon("restart")
    lab.find(machine).send(STATUS)
    rotated = trail.path.with_suffix(".log.1")
    trail.path.rename(rotated)
    machine.send(STATUS)
    count = assert_chained(rotated, trail.path)
    assert count == int((trail.path.parent / "audit.log.head").read_text().split()[0])
    rotated.write_bytes(rotated.read_bytes() + trail.path.read_bytes())
    rotated.rename(trail.path)


def test_commands_from_many_threads(lab, machine, trail):
    """Every command is recorded once, whoever sends it meanwhile."""
    threads, each = 8, 250
    trail.mark()

    def send():
        connection = libvirt.open(lab.uri)
        domain = connection.lookupByName(machine.name)
        for _ in range(each):
            subprocess_free_send(domain)
        connection.close()

    def subprocess_free_send(domain):
        import libvirt_qemu
        libvirt_qemu.qemuMonitorCommand(domain, STATUS, 0)

    started = [threading.Thread(target=send) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    events = collections.Counter(record["event"] for record in trail.records())
    assert (events["decision"], events["outcome"]) == (threads * each, threads * each)
    assert_chained(trail.path)


def cannot_be_written(trail):
    """A directory in its place: as good as a disk that is full, and seen by root too."""
    saved = trail.path.with_suffix(".saved")
    trail.path.rename(saved)
    trail.path.mkdir()

    def restore():
        trail.path.rmdir()
        saved.rename(trail.path)
    return restore


@pytest.mark.parametrize("setting, query, other", [
    ({}, True, False), ({"unrecorded": "query"}, True, False),
    ({"unrecorded": "deny"}, False, False), ({"unrecorded": "allow"}, True, True)])
def test_trail_that_cannot_be_written(lab, machine, trail, setting, query, other):
    set_host_policy(lab, **setting)
    machine.send(STATUS)
    lab.log.mark()
    restore = cannot_be_written(trail)
    try:
        answers = [machine.send(STATUS), machine.send(request("system_reset"))]
    finally:
        restore()
    assert [isinstance(answer, dict) for answer in answers] == [query, other]
    for answer in answers:
        assert isinstance(answer, dict) or "the audit trail cannot be written" in str(answer)
    told = [text for level, text in lab.log.messages() if text.startswith("audit trail:")]
    assert len(told) == 1 and str(trail.path.name) in told[0]
    # What is refused anyway is refused for its own reason, and the log's lines are all there.
    assert [record.command for record in lab.log.records()] == ["query-status", "system_reset"]

    trail.mark()
    assert isinstance(machine.send(STATUS), dict)
    lost, = trail.records("lost")
    assert lost["records"] >= 2
    assert_chained(trail.path)


def test_removed_directory_is_made_again(second_lab):
    lab = second_lab()
    machine, trail = lab.machine(), Trail(lab.directory)
    machine.send(STATUS)
    directory = trail.path.parent
    directory.rename(directory.with_name("gone"))
    machine.send(STATUS)
    assert [record["event"] for record in Trail(lab.directory).mark().records()] == []
    assert trail.path.stat().st_mode & 0o777 == 0o600 and directory.stat().st_mode & 0o777 == 0o700


def test_repetitions_are_counted_when_asked_for(lab, machine, trail):
    set_host_policy(lab, repeat=2)
    trail.mark()
    lab.log.mark()
    for _ in range(50):
        machine.send(STATUS)
    machine.send(request("query-name"))
    machine.send(request("system_reset"))
    machine.send(request("system_reset"))
    deadline = time.monotonic() + 8
    while not trail.records("repeat") and time.monotonic() < deadline:
        time.sleep(0.1)
    repeats = trail.records("repeat")
    recorded = collections.Counter(record["command"] for record in trail.records("decision"))
    counted = sum(record["count"] for record in repeats if record["command"] == "query-status")
    assert recorded["query-status"] + counted == 50 and counted >= 40
    assert (recorded["query-name"], recorded["system_reset"]) == (1, 2)
    assert repeats[0]["first"] <= repeats[0]["last"]
    lines = [record for record in lab.log.records() if record.field("repeated")]
    assert sum(int(record.field("repeated")) for record in lines) == counted
    assert_chained(trail.path)


def test_counts_outlive_a_killed_daemon(lab, machine, trail):
    set_host_policy(lab, repeat=3600)
    machine.send(request("query-kvm"))      # a window of its own
    trail.mark()
    for _ in range(20):
        machine.send(request("query-uuid"))
    lab.run("kill", "-KILL", lab.daemon("pid"))
    while lab.run(lab.directory / "daemon", "pid").returncode == 0:
        time.sleep(0.05)
    lab.daemon("start")
    lab.find(machine).send(request("query-name"))
    repeat = [record for record in trail.records("repeat") if record["command"] == "query-uuid"]
    first = [record for record in trail.records("decision") if record["command"] == "query-uuid"]
    assert (len(first), [record["count"] for record in repeat]) == (1, [19])


def test_nothing_is_counted_while_nothing_can_be_recorded(lab, machine, trail):
    """A count stands for a record that is there."""
    set_host_policy(lab, repeat=3600, unrecorded="deny")
    restore = cannot_be_written(trail)
    try:
        answers = [machine.send(request("query-kvm")) for _ in range(5)]
    finally:
        restore()
    assert not any(isinstance(answer, dict) for answer in answers)
    trail.mark()
    assert isinstance(machine.send(request("query-kvm")), dict)
    assert [record["event"] for record in trail.records("decision", "lost")] == ["decision", "lost"]


def test_file_of_counts_that_is_cut(lab, machine, trail):
    """Root may do anything to it; the daemon goes on."""
    set_host_policy(lab, repeat=3600)
    for _ in range(3):
        machine.send(request("query-memdev"))
    counts = trail.path.with_name("audit.log.repeats")
    with counts.open("r+b") as file:
        file.truncate(0)
    for _ in range(3):
        assert isinstance(machine.send(request("query-memdev")), dict)
    assert lab.daemon("pid")


def test_lock_that_is_never_given_back(lab, machine, trail):
    """It costs one command a second, and not each of them."""
    machine.send(STATUS)
    holder = subprocess.Popen(["flock", trail.path.with_name("audit.log.head"), "sleep", "60"], stdout=subprocess.PIPE)
    time.sleep(0.3)
    started = time.monotonic()
    try:
        for _ in range(20):
            assert isinstance(machine.send(STATUS), dict)      # queries pass unrecorded
    finally:
        holder.kill()
        subprocess.run(["pkill", "-x", "-f", "sleep 60"], check=False)
    assert time.monotonic() - started < 10
    time.sleep(0.2)
    trail.mark()
    machine.send(STATUS)
    assert trail.records("lost")[0]["records"] >= 40


def test_killed_daemon_leaves_a_record_for_all_that_was_executed(second_lab, tmp_path):
    """QEMU itself is the witness, through its trace."""
    from machines import WitnessedMachine
    lab = second_lab()
    witness = WitnessedMachine(lab.connect(), tmp_path)
    trail = Trail(lab.directory)
    stop = threading.Event()

    def send():
        while not stop.is_set():
            if not isinstance(witness.send(request("query-uuid")), dict):
                return

    sender = threading.Thread(target=send)
    sender.start()
    time.sleep(1)
    lab.run("kill", "-KILL", lab.daemon("pid"))
    stop.set()
    sender.join()
    executed = witness.executed().count("query-uuid")
    recorded = len([record for record in trail.records("decision") if record["command"] == "query-uuid"])
    assert executed > 100 and executed <= recorded <= executed + 1
    assert_chained(trail.path)
