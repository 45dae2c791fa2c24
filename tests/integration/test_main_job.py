# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the guard is for: virsh sends a command, the guard decides, and the log says who sent what to which machine."""

import re
import subprocess

import libvirt
import pytest

from audit_log import TIMESTAMP
from clients import SYSTEM, is_denied, monitor, qmp_guard, request, run, virsh
from features import needs
from machines import NAMESPACE, policy

LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG

DENY_STATUS = '<deny command="query-status"/>'


def assert_record(log, level, pattern, name):
    """The line exactly, and how loud it is."""
    record = log.record()
    assert re.fullmatch(pattern.replace("NAME", name), record.text), record.text
    assert record.level == level


def assert_denied(done, rule, instead=None):
    """The client sees one error, of which libvirt itself makes the first words, and the exit status says so too."""
    assert done.returncode == 1 and done.stdout.strip() == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: access denied: "), done.stderr
    assert f" {rule}" in lines[0]
    assert lines[0].endswith(f"; use: {instead}") if instead else "use:" not in lines[0], lines[0]


def words_only(value):
    """An id for pytest that can be read."""
    return " ".join(value) if isinstance(value, list) else ""


# One row for each class that passes: virsh's words, the level, the line.
PASSING = [
    (["query-status"], "info", rf"QMP: NAME \| query-status \| params=\[\] \| user=root \| {TIMESTAMP}"),
    (['{"execute":"query-status","arguments":{}}'], "info",
     rf"QMP: NAME \| query-status \| params=\[\] \| user=root \| {TIMESTAMP}"),
    (["--pretty", "qom-list", '"path":"/machine"'], "info",
     rf"QMP: NAME \| qom-list \| params=\[path\] \| user=root \| {TIMESTAMP}"),
    (["--return-value", "qom-get", '"path":"/machine"', '"property":"type"'], "info",
     rf"QMP: NAME \| qom-get \| params=\[path,property\] \| user=root \| {TIMESTAMP}"),
    (["system_reset"], "warning", r"QMP privileged: NAME \| system_reset \| user=root"),
    (["pmemsave", '"val":0', '"size":16', '"filename":"/var/lib/libvirt/qemu/NAME.dump"'], "info",
     r"QMP memory dump: NAME \| pmemsave \| user=root \| purpose=testing"),
]


@pytest.mark.parametrize("words, level, pattern", PASSING, ids=words_only)
def test_passing_command(vm, log, words, level, pattern):
    done = monitor(vm.name, *(word.replace("NAME", vm.name) for word in words))
    assert done.returncode == 0 and '"error"' not in done.stdout, done
    assert_record(log, level, pattern, vm.name)


def test_unknown_command_passes_loudly(vm, log):
    """QEMU says itself that it does not know it: it may be newer than the catalogue."""
    done = monitor(vm.name, "no-such-command")
    assert "CommandNotFound" in done.stdout
    assert_record(log, "warning", r"QMP unknown: NAME \| no-such-command \| user=root", vm.name)


DENIED = [
    (["inject-nmi"], r"QMP blocked: NAME \| inject-nmi \| user=root \| rule=baseline:@dangerous",
     "virsh inject-nmi NAME"),
    (['{"execute":"inject-nmi"}'], r"QMP blocked: NAME \| inject-nmi \| user=root \| rule=baseline:@dangerous",
     "virsh inject-nmi NAME"),
    (["migrate", '"uri":"exec:true"'], r"QMP blocked: NAME \| migrate \| user=root \| rule=baseline:@dangerous",
     "virsh migrate NAME DESTURI --live"),
    (["human-monitor-command", '"command-line":"info status"'],
     r"QMP blocked: NAME \| human-monitor-command \| user=root \| rule=baseline:@dangerous \| hmp=info status",
     "virsh domstate NAME --reason"),
    (["--hmp", "info status"],
     r"QMP blocked: NAME \| human-monitor-command \| user=root \| rule=baseline:@dangerous \| hmp=info status",
     "virsh domstate NAME --reason"),
    (["--hmp", "help"],
     r"QMP blocked: NAME \| human-monitor-command \| user=root \| rule=baseline:@dangerous \| hmp=help", None),
    (["--hmp", "migrate", "exec:true"],
     r"QMP blocked: NAME \| human-monitor-command \| user=root \| rule=baseline:@dangerous \| hmp=migrate",
     "virsh migrate NAME DESTURI --live"),
    (["--hmp", "no_such", "x"],
     r"QMP blocked: NAME \| human-monitor-command \| user=root \| rule=baseline:@dangerous \| hmp=no_such", None),
    (["transaction", '"actions":[{"type":"abort","data":{}},{"type":"inject-nmi","data":{}}]'],
     r"QMP blocked: NAME \| transaction \| user=root \| rule=baseline:@dangerous \| "
     r"parts=\[abort,inject-nmi\] \| part=inject-nmi",
     "virsh inject-nmi NAME"),
]


@pytest.mark.parametrize("words, pattern, instead", DENIED, ids=words_only)
def test_denied_command(witness, log, words, pattern, instead):
    done = monitor(witness.name, *words)
    assert_denied(done, "baseline:@dangerous", instead and instead.replace("NAME", witness.name))
    assert_record(log, "error", pattern, witness.name)
    assert witness.executed() == []
    assert witness.is_sane()


def test_secrets_are_nowhere_in_the_log(vm, log):
    """Neither what passes nor what is denied leaves a value, in the record or in libvirt's own line for the error."""
    vm.set_policy('<deny command="set_password"/>')
    monitor(vm.name, "qom-set", '"path":"/machine"', '"property":"none"', '"value":"hush-1"')
    assert monitor(vm.name, "set_password", '"protocol":"vnc"', '"password":"hush-2"').returncode == 1
    assert monitor(vm.name, "--hmp", "set_password vnc hush-3").returncode == 1
    assert monitor(vm.name, "--hmp", "set_password vnc 'hush-4 x").returncode == 1
    assert monitor(vm.name, '{"execute":"set_password","arguments":{"password":"hush-5",}}').returncode == 1
    assert len(log.records()) == 5
    assert "hush" not in log.raw().decode()


@pytest.mark.parametrize("rule, line, passes", [
    ('<allow channel="hmp" command="info status"/>', "info status", True),
    ('<allow channel="hmp" command="info status"/>', " info   status ", True),
    ('<allow channel="hmp" command="info status"/>', "info version", False),
    ('<allow channel="hmp" command="info *"/>', "info version", True),
    ('<allow command="human-monitor-command"/>', "info status", True),
    ('<allow channel="hmp" group="@query"/>', "info status", True),
    ('<allow channel="hmp" group="@query"/>', "stop", False),
    ('<allow command="query-status"/>', "info status", False),
])
def test_hmp_by_permission(witness, log, rule, line, passes):
    """Both ways to send a line are judged alike."""
    witness.set_policy(rule)
    wrapped = ["human-monitor-command", f'"command-line":"{line}"']
    for words in (["--hmp", line], wrapped):
        done = monitor(witness.name, *words)
        record = log.record()
        assert (done.returncode == 0) == record.passed == passes, done
        assert record.field("hmp") == " ".join(line.split())
        if passes:
            assert record.text.startswith(f"QMP dangerous: {witness.name} | human-monitor-command | user=root | rule=")
            assert record.level == "warning" and re.fullmatch("domain:.*#1", record.field("rule"))
        log.mark()
    assert witness.executed() == 2 * ["human-monitor-command", f"hmp: {' '.join(line.split())}"] * passes


def pass_descriptors(name, command, *files):
    numbers = [file.fileno() for file in files]
    return monitor(name, "--pass-fds", ",".join(map(str, numbers)), command, pass_fds=numbers)


GETFD = '{"execute":"getfd","arguments":{"fdname":"given"}}'


@needs("pass-fds")
def test_descriptor_with_the_commands_that_take_one(vm, log):
    with open("/etc/hostname") as file:
        for command in ('{"execute":"add-fd"}', GETFD):
            done = pass_descriptors(vm.name, command, file)
            assert done.returncode == 0 and "error" not in done.stdout, done
            assert log.record().kind == "QMP privileged"
            log.mark()


@needs("pass-fds")
@pytest.mark.parametrize("command", ["query-status", '{"execute":"no-such-command"}',
                                     '{"execute":"transaction","arguments":{"actions":[]}}'])
def test_stray_descriptor(witness, log, command):
    """QEMU would keep it for the next command that asks for one, whoever sends that."""
    with open("/etc/hostname") as file:
        done = pass_descriptors(witness.name, command, file)
    assert_denied(done, "request:stray-fd")
    record = log.record()
    assert record.level == "error" and record.field("rule") == "request:stray-fd"
    assert witness.executed() == []
    assert "No file descriptor supplied" in monitor(witness.name, GETFD).stdout


@needs("pass-fds")
def test_descriptor_is_denied_by_a_policy(witness, log):
    witness.set_policy('<deny command="getfd"/>')
    with open("/etc/hostname") as file:
        assert_denied(pass_descriptors(witness.name, GETFD, file), "domain:getfd#1")
    witness.clear_policy()
    assert "No file descriptor supplied" in monitor(witness.name, GETFD).stdout
    assert [record.passed for record in log.records()] == [False, True]


@needs("pass-fds")
def test_hmp_with_a_descriptor(vm, log):
    vm.set_policy('<allow channel="hmp" command="*"/>')
    with open("/etc/hostname") as file:
        done = monitor(vm.name, "--hmp", "--pass-fds", str(file.fileno()), "info status", pass_fds=[file.fileno()])
    assert_denied(done, "request:stray-fd")
    assert not log.record().passed


def agent(name, *words, **kwargs):
    return virsh("qemu-agent-command", name, *words, **kwargs)


def test_agent_command_passes(guest, log):
    assert agent(guest.name, '{"execute":"guest-ping"}').stdout.strip() == '{"return":{}}'
    assert_record(log, "info", rf"QMP: NAME \| guest-ping \| params=\[\] \| user=root \| {TIMESTAMP} \| channel=agent",
                  guest.name)
    log.mark()
    done = agent(guest.name, request("guest-exec", path="/bin/true", arg=["hush"]))
    assert "pid" in done.stdout
    assert_record(log, "warning", r"QMP privileged: NAME \| guest-exec \| user=root \| channel=agent", guest.name)


@pytest.mark.parametrize("rule, command, passes", [
    ('<deny channel="agent" command="guest-exec"/>', "guest-exec", False),
    ('<deny channel="agent" command="guest-exec"/>', "guest-ping", True),
    ('<deny group="@agent-unrestricted"/>', "guest-exec", False),
    ('<deny group="@agent-unrestricted"/>', "guest-get-osinfo", True),
    # A rule that names a command and no channel is about QEMU's monitor.
    ('<deny command="guest-ping"/>', "guest-ping", True),
    ('<deny channel="agent"/>', "guest-ping", False),
    ('<deny/>', "guest-ping", False),
])
def test_agent_command_by_rule(guest, log, rule, command, passes):
    guest.set_policy(rule)
    done = agent(guest.name, request(command, **({"path": "/bin/true"} if command == "guest-exec" else {})))
    record = log.record()
    assert (done.returncode == 0) == record.passed == passes, done
    assert record.field("channel") == "agent" and record.command == command
    if not passes:
        assert done.stderr.startswith("error: access denied: ") and record.level == "error"


@pytest.mark.parametrize("text", ["", "guest-ping", '{"execute":"guest-ping","id":1}', '{"execute":"guest-ping"}{}',
                                  '\xff{"execute":"guest-ping"}', '{"execute":"guest-ping","execute":"guest-ping"}'])
def test_unreadable_agent_command(guest, log, text):
    """virsh sends these as they are."""
    assert_denied(agent(guest.name, text), "request:unreadable")
    assert re.fullmatch(rf"QMP blocked: {guest.name} \| \(unreadable\) \| user=root \| rule=request:unreadable \| "
                        r"reason=[^|]* \| channel=agent", log.record().text)
    assert agent(guest.name, '{"execute":"guest-ping"}').returncode == 0


def test_agent_that_is_not_there(make_vm, log):
    """What passes gets libvirt's own error, as without a guard; what is denied never gets that far."""
    machine = make_vm(channel=True)
    done = agent(machine.name, '{"execute":"guest-ping"}')
    assert done.returncode == 1 and "guest agent is not connected" in done.stderr
    machine.set_policy('<deny channel="agent"/>')
    assert_denied(agent(machine.name, '{"execute":"guest-ping"}'), "domain:deny#1")
    assert [record.passed for record in log.records()] == [True, False]


@pytest.fixture
def policy_file(tmp_path):
    def write(*rules, **attributes):
        path = tmp_path / "policy.xml"
        path.write_text(policy(*rules, **attributes))
        return path
    return write


def test_policy_is_live_at_the_next_command(vm, policy_file):
    assert monitor(vm.name, "query-status").returncode == 0
    done = qmp_guard("policy", "set", vm.name, policy_file(DENY_STATUS))
    assert done.returncode == 0 and "live" in done.stdout and "next start" not in done.stdout, done
    denied = monitor(vm.name, "query-status")
    assert_denied(denied, "domain:query-status#1", f"virsh domstate {vm.name} --reason")
    assert monitor(vm.name, "query-name").returncode == 0

    shown = qmp_guard("policy", "show", vm.name)
    assert shown.returncode == 0 and DENY_STATUS in shown.stdout

    assert qmp_guard("policy", "set", vm.name, policy_file('<deny command="query-name"/>')).returncode == 0
    assert monitor(vm.name, "query-status").returncode == 0
    assert monitor(vm.name, "query-name").returncode == 1

    assert qmp_guard("policy", "clear", vm.name).returncode == 0
    assert monitor(vm.name, "query-name").returncode == 0
    assert qmp_guard("policy", "show", vm.name).returncode == 1


def test_policy_of_a_persistent_domain_is_kept(make_vm, policy_file):
    """Set while it runs, it holds after each of the ways for a domain to come back."""
    machine = make_vm(persistent=True).start()
    done = qmp_guard("policy", "set", machine.name, policy_file(DENY_STATUS))
    assert "live" in done.stdout and "for the next start" in done.stdout
    assert DENY_STATUS in machine.policy(LIVE) and DENY_STATUS in machine.policy(CONFIG)
    assert is_denied(machine.send(request("query-status")))

    for stop in ("managedsave", "destroy"):
        assert virsh(stop, machine.name).returncode == 0
        assert is_denied(machine.send(request("query-status")))
        assert virsh("start", machine.name).returncode == 0
        assert is_denied(machine.send(request("query-status")))
        assert not is_denied(machine.send(request("query-name")))

    assert qmp_guard("policy", "clear", machine.name).returncode == 0
    assert machine.policy(LIVE) is None and machine.policy(CONFIG) is None
    assert not is_denied(machine.send(request("query-status")))


def test_policy_of_a_domain_that_does_not_run(make_vm, policy_file):
    machine = make_vm(persistent=True)
    done = qmp_guard("policy", "set", machine.name, policy_file(DENY_STATUS))
    assert done.returncode == 0 and "for the next start" in done.stdout and "live" not in done.stdout
    machine.start()
    assert is_denied(machine.send(request("query-status")))


def test_policy_that_is_defined_counts_from_the_next_start(make_vm):
    """As everything else in a domain's definition."""
    machine = make_vm(persistent=True).start()
    machine.set_policy_text(f"<policy>{DENY_STATUS}</policy>", CONFIG)
    assert not is_denied(machine.send(request("query-status")))
    machine.domain.destroy()
    machine.start()
    assert is_denied(machine.send(request("query-status")))
    definition = machine.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    machine.connection.defineXML(definition.replace("query-status", "query-kvm"))
    assert is_denied(machine.send(request("query-status")))
    machine.domain.destroy()
    machine.start()
    assert not is_denied(machine.send(request("query-status")))
    assert is_denied(machine.send(request("query-kvm")))


def test_policy_survives_save_and_restore(make_vm, tmp_path, policy_file):
    machine = make_vm()
    assert qmp_guard("policy", "set", machine.name, policy_file(DENY_STATUS)).returncode == 0
    assert virsh("save", machine.name, tmp_path / "image").returncode == 0
    assert virsh("restore", tmp_path / "image").returncode == 0
    assert monitor(machine.name, "query-status").returncode == 1
    assert monitor(machine.name, "query-name").returncode == 0


def test_policy_goes_along_when_a_guest_migrates(make_vm, second_lab, tmp_path):
    """The other host's guard finds it in the guest, from the first command on."""
    machine = make_vm()
    machine.set_policy(DENY_STATUS)
    other = second_lab()
    done = virsh("migrate", "--live", machine.name, other.uri, "--migrateuri", f"unix://{tmp_path}/socket")
    assert done.returncode == 0, done.stderr
    other.log.mark()
    other.find(machine)
    assert is_denied(machine.send(request("query-status")))
    assert not is_denied(machine.send(request("query-name")))
    assert [record.passed for record in other.log.records()] == [False, True]


BROKEN = [
    ("<policy><frob/></policy>", 2, "frob"),
    ("<policy profile='no-such'/>", 1, "no-such"),
    ("<policy mode='maybe'/>", 1, "maybe"),
    ("<policy colour='red'/>", 1, "colour"),
    ("<policy>\n<allow/>\n<allow group='@no-such'/>\n</policy>", 3, "@no-such"),
    ("<policy>\n<allow command='*' channel='mqp'/></policy>", 2, "mqp"),
    ("<policy>\n<allow/>\n\n<allow command=''/></policy>", None, "empty"),
    ("<policy><delegate/></policy>", 2, "delegate"),
    ("<policy><allow/>words</policy>", None, "text"),
    ("<other/>", 1, "policy"),
]


@pytest.mark.parametrize("text, line, word", BROKEN)
def test_broken_policy_denies_everything(vm, log, text, line, word):
    """Whoever breaks it, by hand and with no tool of ours, learns where; the others are not let through meanwhile."""
    virsh("metadata", vm.name, NAMESPACE, "--key", "qg", "--set", text, check=True)
    for words in (["query-status"], ["query-name"], ["--hmp", "info status"], ["no-such-command"], ["not { json"]):
        done = monitor(vm.name, *words)
        assert_denied(done, "domain:invalid")
        record = log.record()
        assert record.level == "error" and record.field("rule") == "domain:invalid"
        for told in (record.field("reason"), done.stderr):
            assert word in told and (re.search(r"line \d+: ", told) if line is None else f"line {line}: " in told), told
            assert "'virt-qmp-guard policy show' prints it" in told
        log.mark()
    agent_answer = virsh("qemu-agent-command", vm.name, '{"execute":"guest-ping"}')
    assert_denied(agent_answer, "domain:invalid")

    virsh("metadata", vm.name, NAMESPACE, "--remove", check=True)
    assert monitor(vm.name, "query-status").returncode == 0


def test_broken_policy_is_cured_by_a_valid_one(vm, policy_file):
    vm.set_policy_text("<policy><frob/></policy>")
    assert is_denied(vm.send(request("query-status")))
    shown = qmp_guard("policy", "show", vm.name)
    assert shown.returncode == 0 and "frob" in shown.stdout
    assert qmp_guard("policy", "set", vm.name, policy_file()).returncode == 0
    assert not is_denied(vm.send(request("query-status")))


def test_domain_that_is_gone(make_vm, log):
    """Clients tell a domain that is gone from one that they may not use."""
    machine = make_vm()
    machine.domain.destroy()
    answer = machine.send(request("query-status"))
    assert answer.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN
    record = log.record()
    assert not record.passed and record.field("rule") == "guard:no-domain"


def shell(script, **variables):
    return subprocess.run(["bash", "-c", f"set -o pipefail; {script}"], env={"PATH": "/usr/bin:/bin", **variables},
                          capture_output=True, text=True, check=False, timeout=30).stdout


def test_analyses_of_the_log(make_vm, log, tmp_path):
    """The one-liners that people run on such a log, on the real one."""
    first, second = make_vm(), make_vm()
    for who, machine, words in [
            ("root", first, ["query-status"]),
            ("alice", first, ["query-status"]), ("alice", first, ["inject-nmi"]),
            ("alice", first, ["--hmp", "info status"]),
            ("alice", second, ["system_reset"]), ("alice", second, ["inject-nmi"]),
            ("bob", second, ["query-name"]), ("bob", first, ["system_reset"]),
            ("root", first, ["pmemsave", '"val":0', '"size":16', f'"filename":"{tmp_path}/dump"'])]:
        monitor(machine.name, *words, user=None if who == "root" else who)

    part = tmp_path / "log"
    part.write_bytes(log.raw())
    names = {"LOG": str(part), "VM": first.name, "OTHER": second.name}
    for recipe, answer in [
            ('grep -c "QMP blocked" $LOG', "3"),
            ('grep -c "QMP privileged" $LOG', "2"),
            ('grep -c "QMP memory dump" $LOG', "1"),
            ('grep -c "QMP: " $LOG', "3"),
            ('grep "QMP blocked" $LOG | grep -c ": $VM |"', "2"),
            ('grep -E "QMP[a-z ]*: $OTHER " $LOG | wc -l', "3"),
            ('grep "QMP" $LOG | grep -c "user=alice"', "5"),
            ('grep "QMP memory dump" $LOG | grep -o "purpose=.*"', "purpose=testing"),
            ('grep "QMP blocked" $LOG | awk -F" [|] " \'{print $2}\' | sort | uniq -c | awk \'{print $1, $2}\'',
             "1 human-monitor-command\n2 inject-nmi"),
            ('grep "QMP" $LOG | grep -o "user=[^ ]*" | sort | uniq -c | awk \'{print $1, $2}\'',
             "5 user=alice\n2 user=bob\n2 user=root"),
            ('awk -F"[|]" \'/QMP/ {n[$2]++} END {for (c in n) print n[c] c}\' $LOG | sort',
             "1 human-monitor-command \n1 pmemsave \n1 query-name \n2 inject-nmi \n2 query-status \n2 system_reset ")]:
        assert shell(recipe, **names).rstrip("\n") == answer.rstrip("\n"), recipe


def test_read_only_connection_is_refused(vm, log):
    """As without the guard. virsh itself refuses, so there is nothing to record."""
    done = run("virsh", "-q", "-r", "-c", SYSTEM, "qemu-monitor-command", vm.name, "query-status")
    assert done.returncode == 1 and "read only access" in done.stderr
    assert log.records() == []
