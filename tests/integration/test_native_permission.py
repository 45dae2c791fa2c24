# SPDX-License-Identifier: LGPL-2.1-or-later
"""require="native" before a real polkit. What libvirt says when the same user makes its own call is the measure."""

import itertools
import json
import sys
import time

import pytest

from clients import is_denied, request, send
from features import needs
from machines import bare_xml, policy
from polkit import PolkitMachine, require_polkit, start_polkit
from second_lab import SecondLab

pytestmark = needs("polkit-rules")

NEAR, FAR = "near", "far"
UUIDS = {NEAR: "1c0ffee0-0000-4000-8000-000000000001", FAR: "1c0ffee0-0000-4000-8000-000000000002"}

# Who has which permissions, by user and domain. Nobody asks for root's.
BASE = {"getattr", "write"}
GIVEN = {
    "alice": {NEAR: BASE | {"read", "inject-nmi", "reset", "core-dump", "send-input", "fs-trim", "checkpoint"},
              FAR: BASE | {"suspend", "screenshot", "mem-read", "init-control", "set-time", "block-write"}},
    "bob": {NEAR: BASE | {"suspend", "screenshot", "mem-read", "snapshot", "pm-control"},
            FAR: BASE | {"read", "inject-nmi", "reset", "core-dump", "send-input", "fs-trim"}},
}

# Without the driver, the domain's name and its UUID there is no yes.
RULES = """var given = {}, uuids = {};
polkit.addRule(function(action, subject) {{
    if (action.lookup("qmp-guard-rules"))
        return action.lookup("qmp-guard-rules") == "{}" ? polkit.Result.YES : polkit.Result.NO;
    if (action.id.indexOf("org.libvirt.api.domain.") != 0 || subject.user == "root")
        return polkit.Result.NOT_HANDLED;
    var name = action.lookup("domain_name"), domains = given[subject.user];
    if (action.lookup("connect_driver") != "QEMU" || action.lookup("domain_uuid") != uuids[name] ||
        !domains || !domains[name])
        return polkit.Result.NO;
    var wanted = action.id.substring("org.libvirt.api.domain.".length);
    return domains[name].indexOf(wanted) >= 0 ? polkit.Result.YES : polkit.Result.NO;
}});
"""

NATIVE = policy('<allow require="native"/>', profile="closed")
RULE = "host:allow#1"

PEEK = """
import sys, libvirt
libvirt.registerErrorHandler(lambda *_: None, None)
domain = libvirt.open("qemu:///system").lookupByName(sys.argv[1])
try:
    domain.memoryPeek(0, 16, libvirt.VIR_MEMORY_PHYSICAL)
except libvirt.libvirtError as error:
    sys.exit(str(error))
"""


# Whether the rules in force are those of a number. What polkitd says of loading them is not the same in each version.
HAS_RULES = "pkcheck --action-id org.libvirt.api.connect.read --process $$ --detail qmp-guard-rules"
_numbers = itertools.count(1)


def rules_for(given, number=0):
    lists = {user: {name: sorted(have) for name, have in domains.items()} for user, domains in given.items()}
    return RULES.format(json.dumps(lists), json.dumps(UUIDS), number)


class NamedMachine(PolkitMachine):
    """One that the rules know."""

    def __init__(self, lab, name):
        self.lab = lab
        self.name = name
        xml = bare_xml(name).replace("</name>", f"</name><uuid>{UUIDS[name]}</uuid>")
        done = lab.virsh("create", "/dev/stdin", input=xml)
        assert done.returncode == 0, done.stderr

    def virsh(self, user, command, *arguments):
        """A call of libvirt's own about this domain."""
        return self.lab.virsh(command, self.name, *arguments, user=None if user == "root" else user)

    def passes(self, user, text, command="qemu-monitor-command", *options):
        """What the guard says of a text; whatever comes after it is libvirt's or QEMU's affair."""
        done = self.virsh(user, command, text, *options)
        denied = "denied by" in done.stderr
        assert denied or not is_refused(done), done.stderr
        return not denied


def is_refused(done):
    """Whether libvirt's access control said no."""
    return done.returncode != 0 and ("access denied" in done.stderr or "denied access" in done.stderr)


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    require_polkit()
    started = SecondLab()
    try:
        start_polkit(started, rules_for(GIVEN))
        started.daemon("restart")
        started.machines = {name: NamedMachine(started, name) for name in UUIDS}
        yield started
    finally:
        started.close()


@pytest.fixture
def lab(shared_lab):
    shared_lab.set_host_policy(NATIVE)
    shared_lab.log.mark()
    shared_lab.trail.mark()
    yield shared_lab
    assert "host policy is invalid" not in str(shared_lab.log.messages())


@pytest.fixture
def near(lab):
    return lab.machines[NEAR]


@pytest.fixture
def far(lab):
    return lab.machines[FAR]


def give(lab, given):
    """Gives polkit other rules, and waits until it has them."""
    number = next(_numbers)
    (lab.directory / "polkit/rules.d/libvirt.rules").write_text(rules_for(given, number))
    deadline = time.monotonic() + 30
    while lab.run("sh", "-c", f"{HAS_RULES} {number}").returncode != 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)


# What is sent, and the libvirt call that is as much.
SAME = {
    "inject-nmi": ({}, ["inject-nmi"]),
    "system_reset": ({}, ["reset"]),
    "stop": ({}, ["suspend"]),
    "cont": ({}, ["resume"]),
    "system_powerdown": ({}, ["shutdown", "--mode", "acpi"]),
    "system_wakeup": ({}, ["dompmwakeup"]),
    "send-key": ({"keys": [{"type": "qcode", "data": "a"}]}, ["send-key", "KEY_A"]),
    "screendump": ({"filename": "/nonexistent/x"}, ["screenshot", "/dev/null"]),
    "dump-guest-memory": ({"paging": False, "protocol": "file:/nonexistent/x"},
                          ["dump", "/var/lib/libvirt/x", "--memory-only"]),
    "query-status": ({}, ["domstate"]),
    "rtc-reset-reinjection": ({}, ["domtime", "--now"]),
    "block_resize": ({"device": "x", "size": 512}, ["blockresize", "x", "512B"]),
    "blockdev-snapshot-sync": ({"device": "x", "snapshot-file": "/nonexistent/x"},
                               ["snapshot-create-as", "--disk-only", "--no-metadata"]),
    "block-dirty-bitmap-add": ({"node": "x", "name": "x"}, ["checkpoint-create-as"]),
    "balloon": ({"value": 33554432}, ["setmem", "32768"]),
}


@pytest.mark.parametrize("command", SAME)
def test_answer_is_the_one_that_libvirt_gives_to_its_own_call(lab, command):
    arguments, call = SAME[command]
    answers = {}
    for name, machine in lab.machines.items():
        for user in ("alice", "bob", "root"):
            native = machine.virsh(user, *call)
            guards = machine.passes(user, json.dumps({"execute": command, "arguments": arguments}))
            assert guards == (not is_refused(native)), (user, name, native.stderr)
            answers[user, name] = guards
    assert answers["root", NEAR] and answers["root", FAR]
    if command != "balloon":    # for that it takes what everybody needs to get so far
        assert not all(answers.values())


def test_there_were_answers_of_both_kinds(lab, near, far):
    """Or the table above would show little."""
    for machine, user, command, passes in (
            (near, "alice", "inject-nmi", True), (far, "alice", "inject-nmi", False), (near, "bob", "inject-nmi", False),
            (far, "bob", "inject-nmi", True), (near, "alice", "stop", False), (near, "bob", "stop", True)):
        assert machine.passes(user, request(command)) == passes


def test_one_of_several_permissions_is_enough(lab):
    """core-dump or mem-read: whoever has either sees the memory by a call of libvirt's."""
    text = request("pmemsave", val=0, size=16, filename="/nonexistent/x")
    expected = {("alice", NEAR): True, ("alice", FAR): True, ("bob", NEAR): True, ("bob", FAR): True}
    for given in (GIVEN, GIVEN | {"alice": {NEAR: BASE | {"read"}, FAR: BASE | {"core-dump", "mem-read"}}}):
        give(lab, given)
        try:
            for (user, name), passes in expected.items():
                machine = lab.machines[name]
                dump = machine.virsh(user, "dump", "/var/lib/libvirt/x", "--memory-only")
                peek = lab.run(sys.executable, "-c", PEEK, name, user=user)
                assert (not is_refused(dump) or not is_refused(peek)) == passes, (dump.stderr, peek.stderr)
                assert machine.passes(user, text) == passes
        finally:
            give(lab, GIVEN)
        expected["alice", NEAR] = False


def test_agent_and_hmp_ask_for_the_same(lab, near, far):
    trim = request("guest-fstrim")
    assert not is_refused(near.virsh("alice", "domfstrim")) and is_refused(near.virsh("bob", "domfstrim"))
    assert near.passes("alice", trim, "qemu-agent-command")
    assert not near.passes("bob", trim, "qemu-agent-command")
    for machine, user, passes in ((near, "alice", True), (far, "alice", False), (near, "bob", False)):
        assert machine.passes(user, "nmi", "qemu-monitor-command", "--hmp") == passes
        assert machine.passes(user, request("human-monitor-command", command_line="nmi")) == passes


def test_each_action_of_a_transaction_is_asked_for(lab, near):
    bitmap = {"type": "block-dirty-bitmap-add", "data": {"node": "x", "name": "x"}}
    snapshot = {"type": "blockdev-snapshot-sync", "data": {"device": "x", "snapshot-file": "/nonexistent/x"}}
    for actions, passing in (([bitmap], {"alice", "root"}), ([snapshot], {"bob", "root"}),
                             ([bitmap, snapshot], {"root"})):
        text = request("transaction", actions=actions)
        assert {user for user in ("alice", "bob", "root") if near.passes(user, text)} == passing


def test_denial_says_what_is_missing_and_is_recorded(lab, far):
    denied = far.virsh("alice", "qemu-monitor-command", request("inject-nmi"))
    assert f"'inject-nmi' on domain 'far' is denied by {RULE}, which asks for libvirt's permission on the domain: " \
           'one of ["inject_nmi"]' in denied.stderr
    record = lab.log.record()
    assert (record.kind, record.level, record.field("rule"), record.field("user")) == (
        "QMP blocked", "error", RULE, "alice")
    (decision,) = lab.trail.records("decision")
    assert (decision["verdict"], decision["rule"], decision["domain"]) == ("deny", RULE, FAR)


def test_rule_that_asks_in_vain_ends_the_reading(lab, near, far):
    lab.set_host_policy(policy('<allow command="inject-nmi" require="native"/>', "<allow/>"))
    assert near.passes("alice", request("inject-nmi"))
    assert not far.passes("alice", request("inject-nmi"))
    assert far.passes("alice", request("system_reset"))


def test_rule_by_group(lab, near):
    lab.set_host_policy(policy('<allow group="@guest-power" require="native"/>', profile="closed"))
    assert near.passes("alice", request("inject-nmi")) and near.passes("alice", request("system_reset"))
    assert not near.passes("alice", request("stop"))
    assert not near.passes("alice", request("query-status"))     # hers, but the rule does not speak of it
    assert near.passes("bob", request("stop")) and not near.passes("bob", request("inject-nmi"))


def test_domains_policy_asks_as_well(lab, near):
    lab.set_host_policy(policy("<delegate/>"))
    near.set_policy('<allow command="inject-nmi" require="native"/>')
    try:
        assert near.passes("alice", request("inject-nmi"))
        assert not near.passes("bob", request("inject-nmi"))
        near.set_policy('<allow command="inject-nmi"/>')
        assert near.passes("bob", request("inject-nmi"))
    finally:
        near.clear_policy()


def test_warning_asks_as_well(lab, near):
    lab.set_host_policy(policy('<warn command="query-status" require="native"/>', profile="closed"))
    assert near.passes("alice", request("query-status"))
    assert not near.passes("bob", request("query-status"))
    assert [(record.passed, record.level) for record in lab.log.records()] == [(True, "warning"), (False, "error")]


@pytest.mark.parametrize("text", [
    request("qom-set", path="/machine", property="x", value=1), request("object-add", qom_type="rng-builtin", id="x"),
    request("x-query-roms"), request("not-known-at-all")])
def test_what_libvirt_has_no_call_for_is_denied_to_all(lab, near, text):
    denied = near.virsh("root", "qemu-monitor-command", text)
    assert denied.returncode == 1
    assert f"denied by {RULE}, which lets pass what libvirt has a call of its own for" in denied.stderr


@pytest.mark.parametrize("uri, passes", [("exec:true", False), ("tcp:127.0.0.1:1", True)])
def test_migration_that_runs_a_program_is_denied(lab, near, uri, passes):
    assert near.passes("root", request("migrate", uri=uri)) == passes
    assert near.passes("root", f"migrate -d {uri}", "qemu-monitor-command", "--hmp") == passes
    assert not near.passes("alice", request("migrate", uri=uri))


def test_permission_to_write_is_asked_for_behind_the_guard(lab, near):
    give(lab, GIVEN | {"bob": {NEAR: {"getattr", "inject-nmi"}, FAR: BASE}})
    try:
        done = near.virsh("bob", "qemu-monitor-command", request("inject-nmi"))
        assert is_refused(done) and "denied by" not in done.stderr
        assert not is_refused(near.virsh("bob", "inject-nmi"))
        assert [record.field("user") for record in lab.log.refused_by_libvirt()] == ["bob"]
    finally:
        give(lab, GIVEN)


def test_changed_rules_count_from_the_next_command_on(lab, far):
    assert not far.passes("alice", request("inject-nmi"))
    give(lab, GIVEN | {"alice": {FAR: BASE | {"inject-nmi"}}})
    try:
        assert far.passes("alice", request("inject-nmi"))
    finally:
        give(lab, GIVEN)
    assert not far.passes("alice", request("inject-nmi"))


def test_permission_that_polkit_does_not_know_is_not_given(lab, near):
    """It answers, but with an error; to root as well."""
    file = lab.directory / "polkit/actions/libvirt.policy"
    actions = file.read_text()
    assert near.passes("root", request("inject-nmi"))
    file.write_text(actions.replace("domain.inject-nmi", "domain.something"))
    try:
        deadline = time.monotonic() + 30
        while not is_refused(near.virsh("root", "inject-nmi")):
            assert time.monotonic() < deadline
        lab.trail.mark()
        assert not near.passes("root", request("inject-nmi")) and near.passes("root", request("system_reset"))
        assert [record["rule"] for record in lab.trail.records("decision")] == [RULE, RULE]
    finally:
        file.write_text(actions)
        while is_refused(near.virsh("root", "inject-nmi")):
            time.sleep(0.1)


ASK = """
import sys, libvirt, libvirt_qemu
libvirt.registerErrorHandler(lambda *_: None, None)
domain = libvirt.open("qemu:///system").lookupByName(sys.argv[1])
for line in sys.stdin:
    try:
        print(libvirt_qemu.qemuMonitorCommand(domain, line, 0), flush=True)
    except libvirt.libvirtError as error:
        print(error, flush=True)
"""
# alice keeps a connection. The bus forgets how to start another polkit.
WITHOUT_POLKIT = """
out=$(mktemp)
{
    echo "$3"
    while [ ! -s "$out" ]; do sleep 0.05; done
    mount -t tmpfs none /usr/share/dbus-1/system-services
    kill -HUP $(pidof dbus-daemon)
    kill -KILL $(pidof polkitd)
    sleep 1
    echo "$3"
} | setpriv --reuid=alice --regid=alice --init-groups -- /usr/bin/python3 -c "$1" "$2" >"$out" 2>&1
cat "$out"
"""


def test_polkit_that_is_gone_gives_nothing(second_lab):
    require_polkit()
    lab = second_lab()
    start_polkit(lab, rules_for(GIVEN))
    lab.daemon("restart")
    daemon = lab.daemon("pid")
    NamedMachine(lab, NEAR)
    lab.set_host_policy(NATIVE)
    done = lab.run("sh", "-c", WITHOUT_POLKIT, "-", ASK, NEAR, request("inject-nmi"))
    before, after = done.stdout.splitlines()
    assert "return" in before and after.startswith("access denied: "), done
    passed, denied = lab.trail.records("decision")
    # Not even the daemon itself may read a domain then, and so no policy of one.
    assert (passed["verdict"], denied["verdict"], denied["rule"]) == ("allow", "deny", "guard:no-domain")
    assert lab.daemon("pid") == daemon


def test_without_an_access_driver_everybody_has_every_permission(second_lab):
    lab = second_lab()
    lab.set_host_policy(NATIVE)
    machine = NamedMachine(lab, NEAR)
    for user in ("alice", "bob", "root"):
        assert not is_refused(machine.virsh(user, "inject-nmi"))
        assert machine.passes(user, request("inject-nmi")) and machine.passes(user, request("query-status"))
        assert not machine.passes(user, request("qom-set", path="/machine", property="x", value=1))
        assert not machine.passes(user, request("migrate", uri="exec:true"))
    # From another PID namespace too: nobody is asked about the process.
    domain = lab.connect().lookupByName(NEAR)
    assert not is_denied(send(domain, request("inject-nmi")))
