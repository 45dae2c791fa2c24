# SPDX-License-Identifier: LGPL-2.1-or-later
"""What passes by a grant through a real daemon, and what does not although it looks much the same."""

import contextlib
import json
import shutil
import time

import libvirt
import pytest

from clients import is_denied, qmp_guard, request, virsh
from features import needs
from machines import Machine, WitnessedMachine, bare_xml, policy, unique_name
from polkit import PolkitMachine, denying, require_polkit, start_polkit
from raw_rpc import RawClient, RpcError
from second_lab import SHIPPED_DEFAULT, SecondLab
from test_grant_command import ALICE, BOB, REASON, YES, grant, grants, guard, steps, store

NMI = ["--command", "inject-nmi"]
# Writes nothing.
SAVE = {"val": 0, "size": 1, "filename": "/dev/null"}


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    lab = SecondLab()
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def witness(shared_lab, tmp_path_factory):
    return WitnessedMachine(shared_lab.connect(), tmp_path_factory.mktemp("trace"))


@pytest.fixture
def lab(shared_lab):
    shared_lab.trail.mark()
    yield shared_lab
    shared_lab.set_host_policy(SHIPPED_DEFAULT)
    shutil.rmtree(store(shared_lab).parent, ignore_errors=True)
    assert_sound(shared_lab)


@pytest.fixture
def vm(lab, witness):
    witness.mark()
    yield witness
    lab.find(witness).clear_policy()


def assert_sound(lab):
    done = lab.run("virt-qmp-guard", "audit", "--verify")
    assert done.returncode == 0 and done.stdout.startswith("sound: "), done.stderr


def ask(lab, machine, *words, user="alice"):
    """Sends a command as one of the lab's users, by virsh; None when it passed, else what he was told."""
    done = lab.virsh("qemu-monitor-command", machine.name, *words, user=user)
    return None if done.returncode == 0 else done.stderr


def refused(told):
    """Whether it is the guard that refused it."""
    return told is not None and "access denied: " in told


def decisions(lab):
    """(verdict, user, [(grant, taken, left)], (grant, why it does not count)) of each."""
    return [(record["verdict"], record["user"],
             [(use["grant"], use["taken"], use["left"]) for use in record.get("grants", [])],
             tuple(record.get("refused-grant", {}).values())) for record in lab.trail.records("decision")]


def test_once(lab, vm):
    assert refused(ask(lab, vm, "inject-nmi")) and vm.executed() == []
    name = grant(lab, *NMI, "--user", "alice", domain=vm.name)["grant"]
    assert ask(lab, vm, "inject-nmi") is None and vm.executed() == ["inject-nmi"]
    told = ask(lab, vm, "inject-nmi")
    assert refused(told) and f"the grant {name} is spent" in told
    assert vm.executed() == ["inject-nmi"]
    assert decisions(lab) == [("deny", "alice", [], ()), ("grant", "alice", [(name, 1, 0)], ()),
                              ("deny", "alice", [], (name, "spent"))]
    (used,) = [record for record in lab.trail.records("decision") if record["verdict"] == "grant"]
    assert used["grants"][0]["reason"] == "ticket 7" and used["grants"][0]["given-by"] == "root"
    assert steps(lab) == [("given", name, "root")]


def qmp(command, **arguments):
    return [request(command, **arguments)]


OTHERS = {
    "command": (NMI, ["stop"], ["inject-nmi"]),
    "channel": (NMI, ["--hmp", "nmi"], ["inject-nmi"]),
    "of-hmp": (["--hmp", "--command", "nmi"], ["inject-nmi"], ["--hmp", "nmi"]),
    "line": (["--hmp", "--command", "print 1"], ["--hmp", "print 2"], ["--hmp", "p  1"]),
    "part-of-line": (["--hmp", "--command", "print 1"], ["--hmp", "print 1 + 1"], ["--hmp", "print 1"]),
    "wrapped": (["--hmp", "--command", "print 1"], qmp("human-monitor-command", command_line="print 2"),
                qmp("human-monitor-command", command_line="print 1")),
    "wrapper-is-any-line": (["--command", "human-monitor-command"], ["inject-nmi"], ["--hmp", "print 7"]),
    "wrapper-wrapped": (["--command", "human-monitor-command"], ["inject-nmi"],
                        qmp("human-monitor-command", command_line="print 8")),
    "text": (["--text", request("pmemsave", **SAVE)], qmp("pmemsave", **SAVE | {"size": 2}), qmp("pmemsave", **SAVE)),
    "text-and-more": (["--text", request("pmemsave", **SAVE)], qmp("pmemsave", **SAVE, x=1),
                      [" " + request("pmemsave", **SAVE) + "\n"]),
    "order": (["--text", request("pmemsave", **SAVE)], qmp("pmemsave", **dict(reversed(SAVE.items()))),
              qmp("pmemsave", **SAVE)),
    "hmp-text": (["--hmp", "--text", "print 3"], ["--hmp", "print 4"], ["--hmp", "print 3"]),
}


@pytest.mark.parametrize("granted, other, same", OTHERS.values(), ids=OTHERS)
def test_what_was_not_granted(lab, vm, granted, other, same):
    """It is denied and costs no use; what was granted still passes then, and once."""
    vm.set_policy('<deny command="pmemsave"/>', '<deny command="stop"/>')
    name = grant(lab, *granted, "--user", "alice", domain=vm.name)["grant"]
    for _ in range(2):
        assert refused(ask(lab, vm, *other))
    assert vm.executed() == [] and [row["left"] for row in grants(lab)] == [1]
    assert ask(lab, vm, *same) is None
    executed = vm.executed()
    assert executed and f"the grant {name} is spent" in ask(lab, vm, *same)
    assert vm.executed() == executed
    assert [use for *_, use, _ in decisions(lab) if use] == [[(name, 1, 0)]]


def test_agent_command_is_not_the_monitors(lab, vm):
    """Though it has the same name."""
    vm.set_policy('<deny command="guest-exec"/>')
    grant(lab, "--agent", "--command", "guest-exec", domain=vm.name)
    assert refused(ask(lab, vm, "guest-exec"))
    assert [row["left"] for row in grants(lab)] == [1]


def test_other_user(lab, vm):
    """He is not told that somebody else has a grant."""
    name = grant(lab, *NMI, "--user", "alice", domain=vm.name)["grant"]
    for user in ("bob", None):
        told = ask(lab, vm, "inject-nmi", user=user)
        assert refused(told) and name not in told
    assert vm.executed() == [] and ask(lab, vm, "inject-nmi") is None
    assert decisions(lab) == [("deny", "bob", [], (name, "for another caller")),
                              ("deny", "root", [], (name, "for another caller")),
                              ("grant", "alice", [(name, 1, 0)], ())]


def test_anybody(lab, vm):
    grant(lab, *NMI, "--uses", 3, domain=vm.name)
    assert [ask(lab, vm, "inject-nmi", user=user) for user in ("bob", None, "alice")] == [None] * 3
    assert refused(ask(lab, vm, "inject-nmi", user="bob")) and vm.executed() == ["inject-nmi"] * 3


def test_other_domain(lab, vm):
    other = lab.machine()
    grant(lab, *NMI, domain=other.name)
    told = ask(lab, vm, "inject-nmi")
    assert refused(told) and "the grant " not in told and vm.executed() == []
    assert ask(lab, other, "inject-nmi") is None
    other.discard()


@pytest.mark.parametrize("uses", [1, 3])
def test_uses(lab, vm, uses):
    name = grant(lab, *NMI, "--uses", uses, domain=vm.name)["grant"]
    answers = [ask(lab, vm, "inject-nmi") for _ in range(uses + 2)]
    assert answers[:uses] == [None] * uses and all("is spent" in told for told in answers[uses:])
    assert vm.executed() == ["inject-nmi"] * uses
    assert [use for *_, use, _ in decisions(lab) if use] == [[(name, 1, left)] for left in reversed(range(uses))]


def test_two_grants_are_used_one_after_the_other(lab, vm):
    names = {grant(lab, *NMI, domain=vm.name)["grant"] for _ in range(2)}
    assert [ask(lab, vm, "inject-nmi") for _ in range(2)] == [None, None] and refused(ask(lab, vm, "inject-nmi"))
    assert {use[0][0] for *_, use, _ in decisions(lab) if use} == names


def test_each_action_takes_a_use(lab, vm):
    """Of three actions no two may pass with two uses."""
    text = request("transaction", actions=3 * [{"type": "blockdev-snapshot-internal-sync",
                                                "data": {"device": "none", "name": "x"}}])
    lab.set_host_policy(policy('<deny command="blockdev-snapshot-internal-sync"/>', "<allow/>"))
    name = grant(lab, "--command", "blockdev-snapshot-internal-sync", "--uses", 5, domain=vm.name)["grant"]
    told = ask(lab, vm, text)
    assert not refused(told) and vm.executed() == ["transaction"]       # QEMU has no such device
    told = ask(lab, vm, text)
    assert refused(told) and vm.executed() == ["transaction"]
    assert [(verdict, use) for verdict, _, use, _ in decisions(lab)] == [("grant", [(name, 3, 2)]), ("deny", [])]


def test_expiry(lab, vm):
    name = grant(lab, *NMI, "--for", "2s", "--uses", 5, domain=vm.name)["grant"]
    assert ask(lab, vm, "inject-nmi") is None
    time.sleep(2)
    for _ in range(2):
        told = ask(lab, vm, "inject-nmi")
        assert refused(told) and f"the grant {name} is expired" in told
    assert vm.executed() == ["inject-nmi"]
    assert [step for step, *_ in steps(lab)] == ["given", "expired"]
    assert decisions(lab)[1:] == [("deny", "alice", [], (name, "expired"))] * 2


def test_revocation_counts_at_once(lab, vm):
    kept = grant(lab, "--hmp", "--command", "print 1", domain=vm.name)["grant"]
    name = grant(lab, *NMI, "--uses", 5, domain=vm.name)["grant"]
    assert ask(lab, vm, "inject-nmi") is None
    assert guard(lab, "revoke", name).returncode == YES
    told = ask(lab, vm, "inject-nmi")
    assert refused(told) and f"the grant {name} is revoked" in told
    assert vm.executed() == ["inject-nmi"] and ("revoked", name, "root") in steps(lab)
    assert ask(lab, vm, "--hmp", "print 1") is None and [use[0][0] for *_, use, _ in decisions(lab) if use][-1] == kept


INVALID = "<policy><frob/></policy>"


def test_invalid_domain_policy(lab, vm):
    grant(lab, *NMI, domain=vm.name)
    vm.set_policy_text(INVALID)
    assert "domain:invalid" in ask(lab, vm, "inject-nmi") and vm.executed() == []
    vm.clear_policy()
    assert [row["left"] for row in grants(lab)] == [1] and ask(lab, vm, "inject-nmi") is None


def test_invalid_host_policy(lab, vm):
    """The last valid one stays in force until the daemon starts anew."""
    grant(lab, *NMI, "--uses", 2, domain=vm.name)
    lab.set_host_policy(INVALID)
    assert ask(lab, vm, "inject-nmi") is None
    lab.daemon("restart")
    assert "host:invalid" in ask(lab, vm, "inject-nmi") and vm.executed().count("inject-nmi") == 1
    lab.set_host_policy(SHIPPED_DEFAULT)
    assert [row["left"] for row in grants(lab)] == [1] and ask(lab, vm, "inject-nmi") is None


@pytest.mark.parametrize("rule", ['<deny command="query-status"/>', '<deny user="alice"/>',
                                  '<deny group="@query" user="alice"/>'])
@pytest.mark.parametrize("is_host", [True, False], ids=["host", "domain"])
def test_any_rule_is_overruled(lab, vm, rule, is_host):
    if is_host:
        lab.set_host_policy(policy(rule, "<allow/>"))
    else:
        vm.set_policy(rule)
    grant(lab, "--command", "query-status", domain=vm.name)
    vm.mark()
    assert [ask(lab, vm, "query-status") is None for _ in range(2)] == [True, False]
    assert vm.executed().count("query-status") == 1


def test_allowed_command_costs_nothing(lab, vm):
    grant(lab, "--command", "query-status", domain=vm.name)
    assert ask(lab, vm, "query-status") is None
    assert [row["left"] for row in grants(lab)] == [1] and decisions(lab)[0][0] == "allow"


def test_limit_still_denies(lab, vm):
    vm.set_policy('<limit command="inject-nmi" count="2" per="1h"/>')
    name = grant(lab, *NMI, "--uses", 4, domain=vm.name)["grant"]
    assert [ask(lab, vm, "inject-nmi") for _ in range(2)] == [None, None]
    assert refused(ask(lab, vm, "inject-nmi")) and vm.executed() == ["inject-nmi"] * 2
    assert [(row["grant"], row["left"]) for row in grants(lab)] == [(name, 2)]      # what is refused costs no use
    vm.clear_policy()
    assert ask(lab, vm, "inject-nmi") is None


def test_second_person(lab, vm):
    lab.set_host_policy(policy("<delegate/>", confirm="@dangerous"))
    name = grant(lab, *NMI, domain=vm.name, login=ALICE)["grant"]
    told = ask(lab, vm, "inject-nmi")
    assert refused(told) and f"the grant {name} is unconfirmed" in told
    assert guard(lab, "confirm", name, login=ALICE).returncode != YES
    assert refused(ask(lab, vm, "inject-nmi")) and vm.executed() == []
    assert guard(lab, "confirm", name, login=BOB).returncode == YES
    assert ask(lab, vm, "inject-nmi") is None and vm.executed() == ["inject-nmi"]
    assert "is spent" in ask(lab, vm, "inject-nmi")
    assert steps(lab) == [("given", name, "alice"), ("confirmed", name, "bob")]


def test_confirm_is_asked_for_when_it_is_used(lab, vm):
    """A policy that is changed afterwards counts, too."""
    name = grant(lab, *NMI, "--uses", 2, domain=vm.name)["grant"]
    assert ask(lab, vm, "inject-nmi") is None
    lab.set_host_policy(policy("<delegate/>", confirm="@dangerous"))
    assert f"the grant {name} is unconfirmed" in ask(lab, vm, "inject-nmi")


@contextlib.contextmanager
def lab_with(*options):
    lab = SecondLab(*options)
    try:
        yield lab
        assert_sound(lab)
    finally:
        lab.close()


@pytest.mark.parametrize("options", [[], ["--no-hook"]], ids=["hook", "no-hook"])
def test_next_run_has_no_grant(in_lab, options):
    """The hook ends it when the domain stops; where none is, the daemon sees that it is for another run."""
    with lab_with(*options) as lab:
        machine = Machine(lab.connect(), bare_xml(unique_name()), persistent=True).start()
        names = [grant(lab, *NMI, domain=machine.name)["grant"] for _ in range(2)]
        assert ask(lab, machine, "inject-nmi") is None
        machine.domain.destroy()
        machine.start()
        told = ask(lab, machine, "inject-nmi")
        assert refused(told) and "is for another run" in told
        assert [row["state"] for row in grants(lab)] == []      # the helper sees it, too
        assert [name for step, name, _ in steps(lab) if step == "ended"] == [
            name for name in names if name != decisions(lab)[0][2][0][0]]
        grant(lab, *NMI, domain=machine.name)
        assert ask(lab, machine, "inject-nmi") is None


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "restarted"])
def test_daemon_starts_anew(lab, vm, is_killed):
    def again():
        if is_killed:
            lab.kill_daemon()
            lab.daemon("start")
        else:
            lab.daemon("restart")

    kept = grant(lab, *NMI, "--uses", 2, domain=vm.name)["grant"]
    taken_back = grant(lab, "--hmp", "--command", "print 1", domain=vm.name)["grant"]
    used = grant(lab, "--hmp", "--command", "print 2", domain=vm.name)["grant"]
    guard(lab, "revoke", taken_back)
    assert ask(lab, vm, "--hmp", "print 2") is None and ask(lab, vm, "inject-nmi") is None
    again()
    assert f"the grant {taken_back} is revoked" in ask(lab, vm, "--hmp", "print 1")
    assert f"the grant {used} is spent" in ask(lab, vm, "--hmp", "print 2")
    assert ask(lab, vm, "inject-nmi") is None
    again()
    assert f"the grant {kept} is spent" in ask(lab, vm, "inject-nmi")
    assert [command for command in vm.executed() if "print" in command or command == "inject-nmi"] == [
        "hmp: print 2", "inject-nmi", "inject-nmi"]


@pytest.mark.parametrize("socket, flags", [("-ro", 0), ("-ro", libvirt.VIR_CONNECT_RO), ("", libvirt.VIR_CONNECT_RO)])
def test_read_only_connection_uses_nothing_up(lab, vm, socket, flags):
    grant(lab, *NMI, domain=vm.name)
    uuid = vm.domain.UUID()
    with RawClient(lab.socket + socket, flags) as client:
        for _ in range(3):
            with pytest.raises(RpcError):
                client.monitor_command(uuid, request("inject-nmi").encode())
    assert vm.executed() == [] and [row["left"] for row in grants(lab)] == [1]
    with RawClient(lab.socket) as client:
        client.monitor_command(uuid, request("inject-nmi").encode())
    assert vm.executed() == ["inject-nmi"] and grants(lab) == []


@needs("polkit-rules")
def test_caller_without_write_uses_nothing_up(in_lab):
    """libvirt asks for it behind the guard; had the use been taken by then, bob would use up what is alice's."""
    require_polkit()
    with lab_with() as lab:
        start_polkit(lab, denying(("domain.write", "bob")))
        lab.daemon("restart")
        machine = PolkitMachine(lab)
        grant(lab, *NMI, domain=machine.name)
        for _ in range(3):
            assert machine.ask("bob", "inject-nmi").returncode == 1
        assert [row["left"] for row in grants(lab)] == [1]
        assert machine.ask("alice", "inject-nmi").returncode == 0 and grants(lab) == []


def test_agent(guest):
    """In the lab whose guest has an agent: a grant of the agent's command, and not of the monitor's of that name."""
    def attempt(text):
        return virsh("qemu-agent-command", guest.name, text, user="alice")

    guest.set_policy('<deny channel="agent" command="guest-get-*"/>')
    name, other = request("guest-get-host-name"), request("guest-get-osinfo")
    assert "access denied: " in attempt(name).stderr
    for words in (["--command", "guest-get-host-name"], ["--agent", "--command", "guest-get-host-name"]):
        done = qmp_guard("grant", guest.name, *words, "--user", "alice", *REASON, "--json")
        assert done.returncode == YES, done.stderr
        assert "access denied: " in attempt(other).stderr
        passed = attempt(name)
        assert (passed.returncode == 0) == ("--agent" in words)
    assert "host-name" in json.loads(passed.stdout)["return"]
    assert "is spent" in attempt(name).stderr
    qmp_guard("revoke", "--all")
    guest.clear_policy()
    assert not is_denied(guest.send(request("query-status")))
