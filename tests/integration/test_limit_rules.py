# SPDX-License-Identifier: LGPL-2.1-or-later
"""<limit>: so many operations in a stretch of time, for each caller and each domain apart.

What a limit remembers outlives a policy's edit, so each test has a machine of its own.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import libvirt
import libvirt_qemu
import pytest

from clients import HMP, answer_of, is_denied, request
from machines import policy
from second_lab import SecondLab

RESET = request("system_reset")
HOST_RULE = "host:limit:@guest-power#1"
DOMAIN_RULE = "domain:limit:@guest-power#1"


def limit(count=3, per="60s", what='group="@guest-power"'):
    return f'<limit {what} count="{count}" per="{per}"/>'


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    started = SecondLab()
    yield started
    started.close()


@pytest.fixture
def lab(shared_lab):
    """Each test says what its host policy is."""
    shared_lab.set_host_policy(policy("<delegate/>"))
    yield shared_lab
    assert "host policy is invalid" not in str(shared_lab.log.messages())


@pytest.fixture
def make_machine(lab):
    made = []

    def make():
        made.append(lab.machine())
        lab.log.mark()
        lab.trail.mark()
        return made[-1]

    yield make
    for machine in made:
        machine.discard()


@pytest.fixture
def machine(make_machine):
    return make_machine()


def passes(machine, times=1, text=RESET, flags=0):
    """Which of so many texts pass the guard."""
    return [not is_denied(machine.send(text, flags)) for _ in range(times)]


def rules(lab):
    """By what each denial came, as the trail has it."""
    return [record["rule"] for record in lab.trail.records("decision") if record["verdict"] == "deny"]


def ask_as(lab, machine, user, command="system_reset"):
    done = lab.virsh("qemu-monitor-command", machine.name, command, user=user)
    assert done.returncode == 0 or "denied by" in done.stderr, done.stderr
    return done.returncode == 0


def test_one_more_than_the_limit_is_denied(lab, machine):
    lab.set_host_policy(policy(limit(), "<delegate/>"))
    assert passes(machine, 3) == 3 * [True]
    denied = machine.send(RESET)
    assert is_denied(denied)
    assert f"'system_reset' on domain '{machine.name}' is denied by {HOST_RULE}: at most 3 in 60 s" in str(denied)
    assert passes(machine, 5, request("query-status")) == 5 * [True]    # what it does not name
    assert passes(machine, 1, request("stop")) == [False]               # another of the group, which is counted as one


def test_without_a_limit_all_pass(lab, machine):
    assert passes(machine, 8) == 8 * [True]
    assert rules(lab) == []


def test_first_denial_is_loud_and_each_is_recorded(lab, machine):
    lab.set_host_policy(policy(limit(count=1), "<delegate/>"))
    assert passes(machine, 5) == [True] + 4 * [False]
    records = lab.log.records()
    assert [(record.kind, record.level) for record in records] == [
        ("QMP privileged", "warning"), ("QMP blocked", "error")] + 3 * [("QMP blocked", "info")]
    assert {record.field("rule") for record in records[1:]} == {HOST_RULE}
    decisions = lab.trail.records("decision")
    assert [(record["verdict"], record["rule"]) for record in decisions[1:]] == 4 * [("deny", HOST_RULE)]
    assert [record["command"] for record in decisions] == 5 * ["system_reset"]
    assert len({record["id"] for record in decisions}) == 5
    assert [record["id"] for record in lab.trail.records("outcome")] == [decisions[0]["id"]]


def test_denial_by_a_rule_is_loud_each_time(lab, machine):
    """Only a limit's repetitions are told in a lower voice."""
    lab.set_host_policy(policy(limit(count=1), '<deny command="stop"/>', "<delegate/>"))
    assert passes(machine, 4, request("stop")) == 4 * [False]
    assert [record.level for record in lab.log.records()] == 4 * ["error"]


def test_callers_and_domains_are_counted_apart(lab, make_machine):
    lab.set_host_policy(policy(limit(count=2), "<delegate/>"))
    one, other = make_machine(), make_machine()
    assert [ask_as(lab, one, "alice") for _ in range(3)] == [True, True, False]
    assert [ask_as(lab, one, "bob") for _ in range(3)] == [True, True, False]
    assert [ask_as(lab, other, "alice") for _ in range(3)] == [True, True, False]
    assert not ask_as(lab, one, "alice")
    levels = [(record.field("user"), record.domain, record.level) for record in lab.log.records() if not record.passed]
    assert levels == [("alice", one.name, "error"), ("bob", one.name, "error"), ("alice", other.name, "error"),
                      ("alice", one.name, "info")]


@pytest.mark.parametrize("condition, limited", [('user="bob"', "bob"), ('unix-group="ops"', "alice")])
def test_limit_for_some_callers(lab, machine, condition, limited):
    lab.set_host_policy(policy(limit(count=1, what=f'group="@guest-power" {condition}'), "<delegate/>"))
    for user in ("alice", "bob"):
        assert [ask_as(lab, machine, user) for _ in range(3)] == [True] + 2 * [user != limited]


def test_time_passes(lab, machine):
    lab.set_host_policy(policy(limit(per="2s"), "<delegate/>"))
    for _ in range(2):
        begun = time.monotonic()
        assert passes(machine, 5) == 3 * [True] + 2 * [False]
        assert time.monotonic() - begun < 2         # or the above shows nothing
        time.sleep(2.1)
    assert [record.level for record in lab.log.records() if not record.passed] == 2 * ["error", "info"]


def test_denied_attempts_do_not_keep_it_closed(lab, machine):
    lab.set_host_policy(policy(limit(count=1, per="2s"), "<delegate/>"))
    assert passes(machine) == [True]
    deadline = time.monotonic() + 10
    attempts = 0
    while passes(machine) == [False]:
        attempts += 1
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert attempts > 5


def test_threads_do_not_get_more(lab, machine):
    """The daemon serves them at once."""
    lab.set_host_policy(policy(limit(), "<delegate/>"))
    connections = [libvirt.open(lab.uri) for _ in range(4)]
    domains = 6 * [connection.lookupByName(machine.name) for connection in connections]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda domain: answer_of(libvirt_qemu.qemuMonitorCommand, domain, RESET, 0), domains))
    for connection in connections:
        connection.close()
    assert sum(map(is_denied, answers)) == len(domains) - 3
    assert [record.level for record in lab.log.records() if not record.passed].count("error") == 1


def test_hmp_counts_as_well(lab, machine):
    lab.set_host_policy(policy(limit(), '<allow channel="hmp"/>', "<delegate/>"))
    assert passes(machine, 1, "system_reset", HMP) == [True]
    assert passes(machine, 1, "s", HMP) == [True]       # an alias of stop
    assert passes(machine, 1, request("human-monitor-command", command_line="cont")) == [True]
    assert passes(machine) == [False]
    assert passes(machine, 1, "system_reset", HMP) == [False]
    assert passes(machine, 1, "info status", HMP) == [True]


def bitmaps(count):
    return request("transaction", actions=count * [
        {"type": "block-dirty-bitmap-add", "data": {"node": "none", "name": "x"}}])


def test_each_action_of_a_transaction_counts(lab, machine):
    lab.set_host_policy(policy(limit(what='command="block-dirty-bitmap-add"'), "<delegate/>"))
    assert passes(machine, 1, bitmaps(4)) == [False]    # more than could ever pass, and none of it is counted
    assert passes(machine, 1, bitmaps(2)) == [True]
    assert passes(machine, 1, bitmaps(2)) == [False]
    assert passes(machine, 2, bitmaps(1)) == [True, False]
    assert set(rules(lab)) == {"host:limit:block-dirty-bitmap-add#1"}


def test_what_is_denied_anyway_counts_for_nothing(lab, machine):
    lab.set_host_policy(policy(limit(count=1), '<deny command="stop"/>', "<delegate/>"))
    assert passes(machine, 3, request("stop")) == 3 * [False]
    assert passes(machine, 2) == [True, False]
    assert rules(lab) == 3 * ["host:stop#1"] + [HOST_RULE]


def test_edited_limit_counts_at_the_next_command(lab, machine):
    lab.set_host_policy(policy(limit(count=1), "<delegate/>"))
    assert passes(machine, 2) == [True, False]
    lab.set_host_policy(policy(limit(count=2), "<delegate/>"))
    assert passes(machine, 2) == [True, False]          # what had passed still counts
    lab.set_host_policy(policy("<delegate/>"))
    assert passes(machine, 2) == [True, True]


@pytest.mark.parametrize("count, passing, rule", [(2, 2, DOMAIN_RULE), (3, 3, HOST_RULE), (100, 3, HOST_RULE)])
def test_domains_limit_adds_to_the_hosts(lab, machine, count, passing, rule):
    lab.set_host_policy(policy(limit(), "<delegate/>"))
    machine.set_policy(limit(count))
    assert passes(machine, 5) == passing * [True] + (5 - passing) * [False]
    assert set(rules(lab)) == {rule}


def test_domains_limit_alone(lab, machine, make_machine):
    machine.set_policy(limit(1))
    assert passes(machine, 3) == [True, False, False]
    assert set(rules(lab)) == {DOMAIN_RULE}
    assert passes(make_machine(), 3) == 3 * [True]


@pytest.mark.parametrize("rule, attributes", [
    ("<allow/>", {}), ('<allow group="@guest-power"/>', {}), (limit(1000, "1s"), {}), ("", {"mode": "audit"})])
def test_domains_policy_cannot_loosen_the_hosts(lab, machine, rule, attributes):
    lab.set_host_policy(policy(limit(), "<delegate/>"))
    machine.set_policy(rule, **attributes)
    assert passes(machine, 5) == 3 * [True] + 2 * [False]
    assert set(rules(lab)) == {HOST_RULE}


def test_host_that_audits_lets_pass_and_says_so(lab, machine):
    lab.set_host_policy(policy(limit(), "<delegate/>", mode="audit"))
    assert passes(machine, 5) == 5 * [True]
    records = lab.log.records()
    assert [record.kind for record in records] == 3 * ["QMP privileged"] + 2 * ["QMP would block"]
    assert [record.level for record in records[3:]] == ["warning", "info"]
    assert {record.field("rule") for record in records[3:]} == {HOST_RULE}
    assert [record["verdict"] for record in lab.trail.records("decision")][3:] == ["audit", "audit"]


@pytest.mark.parametrize("host, passing", [({}, 5), ({"domain_mode": "enforce"}, 1)])
def test_domain_that_audits(lab, machine, host, passing):
    lab.set_host_policy(policy("<delegate/>", **host))
    machine.set_policy(limit(1), mode="audit")
    assert passes(machine, 5) == passing * [True] + (5 - passing) * [False]
    kinds = [record.kind for record in lab.log.records()]
    assert kinds == ["QMP privileged"] + 4 * ["QMP would block" if passing == 5 else "QMP blocked"]


@pytest.mark.parametrize("mode", [{}, {"mode": "audit"}])
def test_domain_that_audits_its_own_limit_does_not_undo_the_hosts(lab, machine, mode):
    """What the domain's limit only remarks on is no less counted by the host's."""
    lab.set_host_policy(policy(limit(), "<delegate/>"))
    machine.set_policy(limit(1), **mode)
    assert passes(machine, 5) == ([True] + 4 * [False] if not mode else 3 * [True] + 2 * [False])
    assert rules(lab)[-1] == (HOST_RULE if mode else DOMAIN_RULE)


def test_host_that_audits_its_own_limit_does_not_undo_the_domains(lab, machine):
    lab.set_host_policy(policy(limit(1), "<delegate/>", mode="audit"))
    machine.set_policy(limit(2))
    assert passes(machine, 5) == 2 * [True] + 3 * [False]
    assert set(rules(lab)) == {DOMAIN_RULE}


FILL = r'''
import itertools, sys, libvirt, libvirt_qemu
domain = libvirt.open("qemu:///system").lookupByName(sys.argv[1])
spelt = map("".join, itertools.product(*((letter, "?", "*") for letter in "query-status")))
for _ in range(260):
    limits = "".join(f'<limit command="{next(spelt)}" count="1000" per="24h"/>' for _ in range(64))
    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, f"<policy>{limits}</policy>", "qg",
                       "urn:qmp-guard:policy:1", 0)
    try:
        libvirt_qemu.qemuMonitorCommand(domain, '{"execute":"query-status"}', 0)
    except libvirt.libvirtError as error:
        assert "domain:limit" in str(error), error
'''


def test_ever_new_limits_fill_nothing_for_others(lab, make_machine):
    """Whoever may edit one domain's policy brings 16640 limits of a day each; the host's own go on counting."""
    lab.set_host_policy(policy(limit(count=1), "<delegate/>"))
    own, other = make_machine(), make_machine()
    done = lab.run("/usr/bin/python3", lab.file("fill.py", FILL), own.name, user="alice")
    assert done.returncode == 0, done.stderr
    assert [ask_as(lab, other, "bob") for _ in range(2)] == [True, False]
    assert [ask_as(lab, other, "alice") for _ in range(2)] == [True, False]
