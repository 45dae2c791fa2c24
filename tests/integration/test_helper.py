# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-qmp-guard: its answers, its exit status, and that it says of a command what the daemon does with it."""

import json
import re

import pytest

from clients import REPO, SOCKET, SYSTEM, is_denied, monitor, qmp_guard, request, run, virsh
from machines import NAMESPACE, bare_xml, policy, unique_name

DENY_STATUS = '<deny command="query-status"/>'
EXAMPLES = REPO / "xml/examples"
YES, NO, UNSURE = 0, 1, 2


@pytest.fixture
def write(tmp_path):
    def write_(text, name="policy.xml"):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write_


def check(*words, **kwargs):
    """check --json: the exit status and the objects that it printed."""
    done = qmp_guard("check", "--json", *words, **kwargs)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("words, verdict, rule", [
    (["query-status"], "allow", "baseline:@safe"),
    (['{"execute":"query-status"}'], "allow", "baseline:@safe"),
    (["system_reset"], "warn", "baseline:@privileged"),
    (["inject-nmi"], "deny", "baseline:@dangerous"),
    (["no-such-command"], "warn", "baseline:@unknown"),
    (["--hmp", "info status"], "deny", "baseline:@dangerous"),
    (["--hmp", "info", "status"], "deny", "baseline:@dangerous"),
    (["--agent", '{"execute":"guest-ping"}'], "allow", "baseline:@safe"),
    (['{"execute":1}'], "deny", "request:unreadable"),
    (["--hmp", "info /status"], "deny", "request:unreadable"),
])
def test_check(words, verdict, rule):
    status, (answer,) = check(*words)
    assert (answer["verdict"], answer["rule"]) == (verdict, rule)
    assert status == (NO if verdict == "deny" else YES)
    assert ("message" in answer) == (verdict == "deny")
    assert answer["record"].startswith("QMP")

    plain = qmp_guard("check", *words)
    assert plain.returncode == status and plain.stdout.startswith(f"{verdict}: ") and plain.stderr == ""
    assert rule in plain.stdout


def test_check_says_what_would_be_sent_and_why():
    _, (answer,) = check('{ "arguments" : {}, "execute" : "query-kvm" }')
    assert json.loads(answer["text"]) == {"execute": "query-kvm", "arguments": {}} and " " not in answer["text"]
    _, (answer,) = check("--hmp", "  p   1 ")
    assert answer["text"] == "print 1"
    (operation,) = answer["operations"]
    assert operation["channel"] == "hmp" and operation["class"] == "dangerous" and "@dangerous" in operation["groups"]
    _, (answer,) = check("transaction", '"actions":[{"type":"abort","data":{}},{"type":"inject-nmi","data":{}}]')
    assert [operation["command"] for operation in answer["operations"]] == ["transaction", "abort", "inject-nmi"]


def test_check_by_file(write):
    file = write(policy(DENY_STATUS))
    assert check("--policy", file, "query-status")[0] == NO
    assert check("--policy", file, "query-name")[0] == YES
    assert check("query-status")[0] == YES
    domain = bare_xml("x").replace("</domain>", f"<metadata>{policy(DENY_STATUS)}</metadata></domain>")
    assert check("--domain-xml", write(domain, "domain.xml"), "query-status")[0] == NO
    assert check("--domain-xml", write(bare_xml("x"), "plain.xml"), "query-status")[0] == YES


def test_check_by_host_policy(write):
    host = write(policy(DENY_STATUS, "<delegate/>"), "host.xml")
    lax = write(policy("<allow/>"), "lax.xml")
    assert check("--host-policy", host, "query-status")[0] == NO
    assert check("--host-policy", host, "--policy", lax, "query-status")[0] == NO
    assert check("--host-policy", host, "--policy", lax, "inject-nmi")[0] == YES
    assert check("--host-policy", EXAMPLES / "host-hardened.xml", "--policy", lax, "inject-nmi")[0] == NO


@pytest.mark.parametrize("option, text, rule", [("--policy", "<frob/>", "domain:invalid"),
                                                ("--host-policy", "<policy/>", "host:invalid")])
def test_check_with_a_broken_policy(write, option, text, rule):
    status, (answer,) = check(option, write(text), "query-status")
    assert status == NO and answer["rule"] == rule


def test_check_by_user(vm):
    vm.set_policy('<allow command="inject-nmi" user="alice"/>', '<allow command="system_wakeup" unix-group="ops"/>',
                  '<deny command="system_wakeup"/>')
    for user, expected in (("alice", (YES, YES)), ("bob", (NO, NO)), ("root", (NO, NO)), ("no-such-user", (NO, NO))):
        assert check("--domain", vm.name, "--user", user, "inject-nmi")[0] == expected[0], user
        status, (answer,) = check("--domain", vm.name, "--user", user, "system_wakeup")
        assert status == expected[1] and f"user={user}" in answer["record"], user
    # Without the option it is whoever asks.
    assert check("--domain", vm.name, "inject-nmi", user="alice")[0] == YES
    assert check("--domain", vm.name, "inject-nmi", user="bob")[0] == NO


CALLERS = policy('<allow command="query-status" sasl="fred"/>', '<allow command="query-name" x509="CN=fred"/>',
                 '<allow command="query-kvm" selinux="*_t:s0"/>', '<allow command="inject-nmi" user="alice"/>',
                 profile="closed")


@pytest.mark.parametrize("words, status, label", [
    (["--sasl", "fred", "query-status"], YES, "sasl:fred"),
    (["--sasl", "eve", "query-status"], NO, "sasl:eve"),
    (["query-status"], NO, "root"),
    (["--sasl", "fred", "--user", "alice", "query-status"], YES, "alice"),
    (["--sasl", "alice", "inject-nmi"], NO, "sasl:alice"),      # of that name, and no UNIX user
    (["--sasl", "fred", "--user", "alice", "inject-nmi"], YES, "alice"),
    (["--x509", "CN=fred", "query-name"], YES, r"x509:CN\x3dfred"),
    (["--sasl", "fred", "--x509", "CN=fred", "query-name"], YES, "sasl:fred"),
    (["--selinux", "fred_t:s0", "query-kvm"], YES, "root"),
    (["--selinux", "fred", "query-kvm"], NO, "root"),
])
def test_check_by_other_names(write, words, status, label):
    found, (answer,) = check("--policy", write(CALLERS), *words)
    assert found == status and f"user={label}" in answer["record"]


NATIVE = policy('<allow command="inject-nmi" require="native"/>', '<allow command="pmemsave" require="native"/>',
                '<allow command="qom-set" require="native"/>', '<deny command="quit"/>',
                '<allow command="query-status"/>', profile="closed")


@pytest.mark.parametrize("words, wanted, told", [
    (["inject-nmi"], ["inject_nmi"], ", only if libvirt itself lets the caller: inject_nmi\n"),
    (["pmemsave"], ["core_dump", "mem_read"], ", only if libvirt itself lets the caller: core_dump or mem_read\n"),
    (["query-status"], None, "#5\n"),
    (["qom-set"], None, None),      # libvirt has no such call: that is no, whoever asks
    (["quit"], None, None),
])
def test_check_says_what_rests_on_libvirt(write, words, wanted, told):
    """Nobody is asked here; the answer says what it takes as given."""
    file = write(NATIVE)
    status, (answer,) = check("--policy", file, *words)
    assert answer.get("requires_native") == wanted and status == (NO if told is None else YES)
    plain = qmp_guard("check", "--policy", file, *words).stdout
    assert plain.endswith(told) if told else "only if libvirt" not in plain
    explained = qmp_guard("explain", "--policy", file, *words).stdout
    assert explained.splitlines()[-1] + "\n" == plain
    rules = json.loads(qmp_guard("explain", "--json", "--policy", file, *words).stdout)["rules"]
    assert sum(row["matched"] and row["policy"] == "host" for row in rules) == 1      # none is shown twice


def test_domain_by_name_id_and_uuid(vm):
    vm.set_policy(DENY_STATUS)
    for name in (vm.name, str(vm.domain.ID()), vm.domain.UUIDString()):
        assert check("--domain", name, "query-status")[0] == NO
        assert DENY_STATUS in qmp_guard("policy", "show", name).stdout
    assert qmp_guard("check", "--domain", "no-such-domain", "query-status").returncode == UNSURE


def test_lines_on_standard_input():
    text = 'query-status\n\n{"execute":"inject-nmi"}\nsystem_reset\nbroken {\n'
    status, answers = check("-", input=text)
    assert status == NO
    assert [answer["verdict"] for answer in answers] == ["allow", "deny", "warn", "deny"]
    assert check("-", input="query-status\nquery-name")[0] == YES
    assert check("-", input="")[0] == UNSURE        # nothing was judged
    assert check("--hmp", "-", input="info status\ninfo version\n")[0] == NO


@pytest.mark.parametrize("text, verdict", [
    (b'{"execute":\n"query-status"\n}\n', "allow"),
    (b'{"execute":"query-status"}\n{"execute":"query-status"}\n', "deny"),
    (b'{"execute":"query-status"}\0', "deny"),
    (b'\xff{"execute":"query-status"}', "deny"),
    (b"query-status", "deny"),
    (b"", "deny"),
    (b"[" * 2000000, "deny"),
    (b'{"execute":"query-status"}' + b" " * 4194304, "deny"),
], ids=lambda value: ascii(value)[:40])
def test_whole_file_as_one_text(tmp_path, text, verdict):
    """As it is: what is not JSON there is not made into it."""
    file = tmp_path / "text"
    file.write_bytes(text)
    status, (answer,) = check("--text-file", file)
    assert answer["verdict"] == verdict and status == (YES if verdict == "allow" else NO)


def test_explain_shows_every_rule_tried(write):
    file = write(policy('<allow command="query-name"/>', DENY_STATUS, "<allow/>"))
    done = qmp_guard("explain", "--json", "--policy", file, "query-status")
    assert done.returncode == NO
    rules = [(rule["policy"], rule["line"], rule["kind"], rule["rule"], rule["matched"])
             for rule in json.loads(done.stdout)["rules"]]
    assert rules == [("host", 1, "delegate", "host:delegate#1", True),
                     ("domain", 2, "allow", "domain:query-name#1", False),
                     ("domain", 3, "deny", "domain:query-status#2", True)]
    plain = qmp_guard("explain", "--policy", file, "query-status")
    assert plain.returncode == NO
    for words in ("class safe", "@query", "domain:query-name#1", "domain:query-status#2", "deny: "):
        assert words in plain.stdout
    assert qmp_guard("explain", "--policy", file, "query-name").returncode == YES


@pytest.mark.parametrize("words", [
    [], ["frobnicate"], ["check"], ["check", "--frob", "x"], ["check", "--hmp", "--agent", "x"],
    ["check", "--policy", "/no/such/file", "x"], ["check", "--host-policy", "/no/such/file", "x"],
    ["check", "--domain-xml", "/no/such/file", "x"], ["check", "--domain-xml", "/etc/hostname", "x"],
    ["check", "--text-file", "/no/such/file"], ["check", "--text-file", "/etc/hostname", "x"],
    ["check", "--policy", "/dev/null", "--domain", "x", "x"], ["check", "--domain", "no-such-domain", "x"],
    ["check", "--policy"], ["explain"], ["policy"], ["policy", "frob"], ["policy", "validate"],
    ["policy", "validate", "/no/such/file"], ["policy", "validate", "a", "b"], ["policy", "show"],
    ["policy", "show", "no-such-domain"], ["policy", "set", "no-such-domain"], ["policy", "set", "x", "/no/such/file"],
    ["policy", "clear", "no-such-domain"], ["policy", "--frob", "show", "x"],
])
def test_what_cannot_be_told(words):
    """Never 1, which would mean no; and one line that says what is the matter, or the usage."""
    done = qmp_guard(*words)
    assert done.returncode == UNSURE and done.stdout == "" and done.stderr


def test_no_connection(write):
    for words in (["check", "--domain", "x", "query-status"], ["policy", "show", "x"],
                  ["policy", "set", "x", write(policy())], ["policy", "clear", "x"]):
        done = run("virt-qmp-guard", "-c", "qemu+unix:///system?socket=/no/such/socket", *words)
        assert done.returncode == UNSURE and "no connection" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_connection_by_option_and_environment(vm, unguarded):
    vm.set_policy(DENY_STATUS)
    assert run("virt-qmp-guard", "-c", SYSTEM, "policy", "show", vm.name).returncode == YES
    assert run("virt-qmp-guard", "--connect", SYSTEM, "policy", "show", vm.name).returncode == YES
    assert run("virt-qmp-guard", "policy", "show", vm.name).returncode == YES
    assert run("virt-qmp-guard", "-c", unguarded.uri, "policy", "show", vm.name).returncode == UNSURE


@pytest.mark.parametrize("text, status, kind", [
    (policy(), YES, "domain or host"),
    (policy(DENY_STATUS, mode="audit"), YES, "domain or host"),
    ("<policy><deny/></policy>", YES, "domain"),    # as libvirt hands it out; a host's says its namespace
    (policy("<delegate/>"), YES, "host"),
    (policy(domain_mode="enforce"), YES, "host"),
    (policy(name="mine", default="deny"), YES, "profile"),
    (policy("<frob/>"), NO, 2),
    (policy("", "<allow/>", "<allow group='@no-such'/>"), NO, 4),
    (policy("<delegate/>", "<frob/>"), NO, 3),
    ("<policy", NO, 1),
    ("", NO, 1),
])
def test_policy_validate(write, text, status, kind):
    file = write(text)
    done = qmp_guard("policy", "validate", "--json", file)
    answer = json.loads(done.stdout)
    assert done.returncode == status and answer["valid"] == (status == YES)
    if status == YES:
        assert answer["kind"] == kind
    else:
        assert answer["line"] == kind and answer["reason"]
    plain = qmp_guard("policy", "validate", file)
    assert plain.returncode == status
    assert re.match(f"{file}: " if status == YES else f"{file}:{kind}: ",
                    plain.stdout if status == YES else plain.stderr)


@pytest.mark.parametrize("text, reason", [
    (policy(unrecorded="none"), "unrecorded 'none': it is query, deny or allow"),
    (policy("<delegate/>", domain_mode="no"), "domain-mode 'no': it is any or enforce"),
    (policy("<delegate/>", mode="off"), "mode 'off': it is enforce or audit"),
    (policy(name="mine", default="no"), "default 'no': it is deny, warn or allow"),
    (policy("<delegate/>", default="deny"), "attribute 'default' does not belong in a domain's policy"),
])
def test_policy_validate_tells_of_the_kind_that_it_is(write, text, reason):
    """Not that a host's or a profile's is no domain's."""
    assert reason in qmp_guard("policy", "validate", write(text)).stderr


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.xml")) + sorted((REPO / "xml/profiles").glob("*.xml")),
                         ids=lambda file: file.name)
def test_what_is_shipped_is_valid(file):
    if "<domain" in file.read_text():
        assert check("--domain-xml", file, "query-status")[1][0]["rule"] != "domain:invalid"
    else:
        done = qmp_guard("policy", "validate", file)
        assert done.returncode == YES, done.stderr


def test_policy_set_show_and_clear(vm, write):
    assert qmp_guard("policy", "show", vm.name).returncode == NO
    assert json.loads(qmp_guard("policy", "show", "--json", vm.name).stdout) == {"policy": None}
    done = qmp_guard("policy", "set", vm.name, write(policy(DENY_STATUS)))
    assert done.returncode == YES and vm.name in done.stdout
    shown = qmp_guard("policy", "show", "--json", vm.name)
    assert shown.returncode == YES and DENY_STATUS in json.loads(shown.stdout)["policy"]
    assert qmp_guard("policy", "clear", vm.name).returncode == YES
    assert vm.policy() is None
    assert qmp_guard("policy", "clear", vm.name).returncode == YES      # as it was asked for


@pytest.mark.parametrize("text", [policy("<frob/>"), policy("<delegate/>"), policy(name="x"), "", "<policy"])
def test_invalid_policy_is_not_set(vm, write, text):
    vm.set_policy(DENY_STATUS)
    done = qmp_guard("policy", "set", vm.name, write(text))
    assert done.returncode == NO and "nothing was changed" in done.stderr
    assert DENY_STATUS in vm.policy()


@pytest.mark.parametrize("text", [
    policy(DENY_STATUS),
    f'<qg:policy xmlns:qg="{NAMESPACE}"><qg:deny command="query-status"/></qg:policy>',
    f'<other:policy xmlns:other="{NAMESPACE}" xmlns:x="urn:x"><other:deny command="query-status"/></other:policy>',
    f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- mine -->\n<p:policy xmlns:p="{NAMESPACE}" profile="baseline">\n'
    '<!-- why --><p:deny command="query-status"/></p:policy>\n<!-- end -->\n',
    f'<policy xmlns="{NAMESPACE}"><deny command="query-status" user="ro&#111;t"/><allow command="a&lt;b&amp;c"/>'
    '</policy>',
])
def test_policy_however_it_is_spelled(vm, write, text):
    """Set, shown, and what is shown set again: the same policy."""
    assert qmp_guard("policy", "set", vm.name, write(text)).returncode == YES
    assert is_denied(vm.send(request("query-status"))) and not is_denied(vm.send(request("query-name")))
    shown = qmp_guard("policy", "show", vm.name).stdout
    vm.clear_policy()
    assert qmp_guard("policy", "validate", write(shown)).returncode == YES
    assert qmp_guard("policy", "set", vm.name, write(shown)).returncode == YES
    assert qmp_guard("policy", "show", vm.name).stdout == shown
    assert is_denied(vm.send(request("query-status")))


def test_policy_from_standard_input(vm):
    assert qmp_guard("policy", "validate", "-", input=policy(DENY_STATUS)).returncode == YES
    assert qmp_guard("policy", "set", vm.name, "-", input=policy(DENY_STATUS)).returncode == YES
    assert is_denied(vm.send(request("query-status")))


def test_policy_set_without_permission(vm, write):
    """On a read-only socket nothing can be written, and nothing is said to have been."""
    file = write(policy(DENY_STATUS))
    read_only = f"qemu+unix:///system?socket={SOCKET}-ro"
    done = run("virt-qmp-guard", "-c", read_only, "policy", "set", vm.name, file)
    assert done.returncode == UNSURE and "set" not in done.stdout
    assert vm.policy() is None


VERDICT_RULES = [
    '<allow channel="hmp" command="info status"/>',
    '<allow channel="hmp" command="print *"/>',
    '<deny command="query-block*"/>',
    '<warn command="query-version"/>',
    '<allow command="inject-nmi" user="root"/>',
    '<allow command="qom-get"><argument name="property" match="t*e"/></allow>',
    '<deny command="qom-get"/>',
    '<allow command="screendump"><argument name="filename" match="/no/such/*"/></allow>',
    '<deny command="screendump"/>',
    '<deny group="@migration"/>',
    '<deny channel="agent"/>',
    '<deny group="@unknown"/>',
]

VERDICT_ROWS = [
    ["query-status"], ["query-kvm"], ["query-version"], ["query-block"], ["query-blockstats"], ["query-migrate"],
    ["inject-nmi"], ["closefd", '"fdname":"none"'], ["no-such-command"], ["qmp_capabilities"],
    ["query-status", '"a":1'],
    ['{"execute":"query-status"}'], [' { "execute" : "query-status" } '], ['{"execute":"query-status","arguments":{}}'],
    ['{"execute":"query-status","id":1}'], ['{"exec-oob":"query-status"}'], ["qom-list", '"path":"/machine"'],
    ["qom-get", '"path":"/machine"', '"property":"type"'], ["qom-get", '"path":"/machine","property":"type"'],
    ["qom-get", '"path":"/machine"', '"property":"graphics"'], ["qom-get", '"path":"/machine"'],
    ["qom-get", '"path":"/machine"', '"property":1'],
    ["screendump", '"filename":"/no/such/x"'], ["screendump", '"filename":"/no/such/../x"'],
    ["screendump", '"filename":"/x"'],
    ["migrate", '"uri":"exec:true"'], ["migrate", '"uri":"tcp:127.0.0.1:1"'], ["migrate_set_downtime", '"value":1'],
    ["human-monitor-command", '"command-line":"info status"'],
    ["human-monitor-command", '"command-line":"info version"'],
    ["human-monitor-command", '"command-line":" print  1"'], ["human-monitor-command"],
    ["transaction", '"actions":[]'], ["transaction", '"actions":[{"type":"abort","data":{}}]'],
    ["transaction", '"actions":[{"type":"inject-nmi","data":{}},{"type":"migrate","data":{}}]'],
    ["--hmp", "info status"], ["--hmp", "info", "status"], ["--hmp", " info  status "], ["--hmp", "info version"],
    ["--hmp", "print 1"], ["--hmp", "p 1"], ["--hmp", "print 1+1"], ["--hmp", "info /status"], ["--hmp", "x" * 300],
    ["--hmp", "no_such_command"], ["--hmp", '{"execute":"query-status"}'], ["--hmp", "qom-get /machine type"],
]


def without_time(text):
    return re.sub(r"timestamp=\S+", "timestamp=", text)


@pytest.fixture(scope="module")
def judged_vm(shared_witness):
    shared_witness.set_policy(*VERDICT_RULES)
    yield shared_witness
    shared_witness.clear_policy()


@pytest.mark.parametrize("words", VERDICT_ROWS, ids=" ".join)
def test_check_says_what_virsh_meets(judged_vm, log, words):
    """The same words to both: the same record, the same refusal, and what would be sent is what QEMU gets."""
    status, (answer,) = check("--domain", judged_vm.name, *words)
    assert log.records() == []
    judged_vm.mark()
    done = monitor(judged_vm.name, *words)
    record = log.record()
    assert without_time(record.text) == without_time(answer["record"])
    assert (status == YES) == record.passed
    if status == NO:
        assert done.returncode == 1 and done.stderr.strip() == f"error: access denied: {answer['message']}"
        assert judged_vm.executed() == []
    elif answer["operations"][0]["channel"] == "hmp" and words[0] == "--hmp":
        assert judged_vm.executed() == ["human-monitor-command", f"hmp: {answer['text']}"]


AGENT_ROWS = ['{"execute":"guest-ping"}', '{"execute":"guest-exec","arguments":{"path":"/bin/true"}}',
              '{"execute":"no-such-command"}', '{"execute":"guest-ping","id":1}', "{}"]


@pytest.mark.parametrize("text", AGENT_ROWS)
@pytest.mark.parametrize("rules", [[], ['<deny channel="agent" command="guest-exec"/>', '<deny group="@unknown"/>']],
                         ids=["baseline", "own"])
def test_check_says_what_virsh_meets_at_the_agent(vm, log, rules, text):
    """There is no agent: what passes gets libvirt's own error for that."""
    vm.set_policy(*rules)
    status, (answer,) = check("--domain", vm.name, "--agent", text)
    done = virsh("qemu-agent-command", vm.name, text)
    record = log.record()
    assert without_time(record.text) == without_time(answer["record"])
    assert (status == YES) == record.passed == ("access denied" not in done.stderr)


NETWORK_MONITOR = bare_xml("x").replace("<domain ", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' ", 1)
NETWORK_MONITOR = NETWORK_MONITOR.replace("</domain>", """<qemu:commandline><qemu:arg value='-qmp'/>
    <qemu:arg value='tcp:127.0.0.1:4444,server=on'/></qemu:commandline></domain>""")


def test_check_start_in_words(write):
    """For people: what the hook would say, and a table of all there is to say."""
    plain = qmp_guard("check", "--start", "--domain-xml", write(bare_xml("x"), "plain.xml"))
    assert (plain.returncode, plain.stderr) == (YES, "") and plain.stdout.startswith("allow: domain 'x' may start")
    file = write(NETWORK_MONITOR, "network.xml")
    done = qmp_guard("check", "--start", "--domain-xml", file)
    assert (done.returncode, done.stderr) == (NO, "")
    told, heads, *found = done.stdout.splitlines()
    assert told.startswith("deny: domain 'x' may not start: ") and "finding" in heads
    assert any("network-monitor" in line for line in found)
    answer = json.loads(qmp_guard("check", "--start", "--json", "--domain-xml", file).stdout)
    assert answer["verdict"] == "deny" and told == f"deny: {answer['message']}"
    audited = qmp_guard("check", "--start", "--domain-xml", file, "--host-policy", write(policy(mode="audit"), "host.xml"))
    assert audited.returncode == YES and "the host policy only audits" in audited.stdout


@pytest.mark.parametrize("words, wanted", [
    (["--domain-xml", "/nonesuch"], "cannot read /nonesuch"),
    (["--domain", "nonesuch"], "nonesuch"),
    (["--domain-xml", "/dev/null", "--host-policy", "/nonesuch"], "cannot read /nonesuch"),
])
def test_check_start_that_cannot_tell(words, wanted):
    done = qmp_guard("check", "--start", *words)
    assert (done.returncode, done.stdout) == (UNSURE, "") and wanted in done.stderr


def test_check_start_without_a_host_policy(write):
    """One that cannot be read lets nothing start, here as there."""
    done = qmp_guard("check", "--start", "--domain-xml", write(bare_xml("x"), "plain.xml"),
                     "--host-policy", write("<frob/>", "host.xml"))
    assert done.returncode == NO and "host.xml" in done.stdout


def test_words_of_policy_are_no_terminals(make_vm):
    """libvirt lets whoever may rename a domain put anything into its name, and anybody may write its metadata."""
    vm = make_vm(unique_name() + "\u009b31m\u202e")
    for words in (["policy", "show", vm.name], ["policy", "set", vm.name, EXAMPLES / "domain-policy.xml"],
                  ["policy", "clear", vm.name]):
        done = qmp_guard(*words)
        assert (done.stdout + done.stderr).isascii() and "\\xc2\\x9b31m" in done.stdout + done.stderr, done


def test_policy_is_shown_as_it_is_and_harmless_on_a_terminal(vm):
    vm.set_policy("<!-- \u009b2J --><allow user='jos\u00e9'/>")
    assert "<!-- \u009b2J -->" in qmp_guard("policy", "show", vm.name).stdout
    done = run("script", "-qc", f"virt-qmp-guard policy show {vm.name}", "/dev/null")
    assert done.stdout.isascii() and "<!-- &#x9B;2J -->" in done.stdout and "jos&#xE9;" in done.stdout
