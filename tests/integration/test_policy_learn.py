# SPDX-License-Identifier: LGPL-2.1-or-later
"""policy learn and policy replay: on what the daemon recorded, and on records that nobody's daemon wrote."""

import json
import os
import pathlib
import re
import xml.etree.ElementTree as ElementTree

import libvirt_qemu
import pytest

from clients import HMP as HMP_FLAG, REPO, SYSTEM, answer_of, is_denied, monitor, qmp_guard, request, run
from machines import NAMESPACE, policy
from recorded import DUMP, GRANTED, HMP, MIGRATE, NO, SCREENDUMP, UNSURE, YES, replay

EXAMPLES = REPO / "xml/examples"
TRAIL = pathlib.Path("/var/log/libvirt/qmp-guard/audit.log")

TRANSACTION = '{"execute":"transaction","arguments":{"actions":[{"type":"abort","data":{}}]}}'
WRAPPED = request("human-monitor-command", command_line="info block")

# What is sent: by whom, in virsh's words, and the rule that it becomes.
SENT = [
    ("alice", ["query-status"], ("qmp", "query-status")),
    ("bob", ["query-status"], ("qmp", "query-status")),
    ("bob", ["query-name"], ("qmp", "query-name")),
    ("root", ["system_reset"], ("qmp", "system_reset")),
    ("root", ["migrate", '{"uri":"tcp:127.0.0.1:1"}'], ("qmp", "migrate")),
    ("root", [TRANSACTION], ("qmp", "transaction")),
    ("alice", ["--hmp", "info status"], ("hmp", "info status")),
    ("bob", [WRAPPED], ("hmp", "info block")),
    ("root", ["--hmp", "print", "1"], ("hmp", "print *")),
]
REFUSED = [("bob", ["inject-nmi"]), ("alice", ["--hmp", "info registers"]), ("root", ["query-kvm"])]
PERMISSIVE = ('<deny command="inject-nmi"/>', '<deny command="query-kvm"/>',
              '<deny channel="hmp" command="info registers"/>', '<warn command="system_reset"/>', "<allow/>")


def rules(text):
    """(kind, channel, command, group, user) of each rule of a policy."""
    root = ElementTree.fromstring(text.encode())
    assert root.tag == f"{{{NAMESPACE}}}policy" and root.get("profile") == "closed"
    return [(rule.tag.split("}")[1], rule.get("channel", "qmp"), rule.get("command"), rule.get("group"),
             rule.get("user")) for rule in root]


@pytest.fixture
def learn(tmp_path):
    """Learns from files, checks that what comes out is a policy, and returns its text, stderr and exit status."""
    def learn_(*words, **kwargs):
        done = qmp_guard("policy", "learn", *words, **kwargs)
        if done.returncode != UNSURE:
            (tmp_path / "learned.xml").write_text(done.stdout)
            assert qmp_guard("policy", "validate", tmp_path / "learned.xml").returncode == YES
            assert qmp_guard("policy", "learn", *words, **kwargs).stdout == done.stdout
        return done
    return learn_


@pytest.fixture
def sent(make_vm):
    """A machine, and everything in SENT and REFUSED done to it."""
    machine = make_vm()
    machine.set_policy(*PERMISSIVE)
    for user, words, _ in SENT:
        assert monitor(machine.name, *words, user=user).returncode == 0, words
    for user, words in REFUSED:
        assert "access denied" in monitor(machine.name, *words, user=user).stderr, words
    return machine


def test_learned_from_the_trail(sent, learn):
    done = learn("--vm", sent.name)
    assert done.returncode == YES and done.stderr == ""
    expected = {("allow", *rule, None, None) for _, _, rule in SENT if rule[1] != "system_reset"}
    expected |= {("warn", "qmp", "system_reset", None, None), ("allow", "qmp", "abort", None, None),
                 ("deny", "qmp", "migrate", "@dangerous", None)}
    learned = rules(done.stdout)
    assert set(learned) == expected and len(learned) == len(expected)
    assert [rule[0] for rule in learned if rule[2] == "migrate"] == ["deny", "allow"]
    assert "inject-nmi: 1, first by domain:inject-nmi#1" in done.stdout
    assert learn("--domain", sent.name, TRAIL).stdout == done.stdout
    assert qmp_guard("policy", "learn", "--vm", sent.name, "-", input=TRAIL.read_text()).stdout == done.stdout


def test_the_learned_policy_holds(sent, learn, tmp_path):
    """On the domain it lets pass what was sent, to the last word, and nothing else."""
    done = learn("--vm", sent.name)
    file = tmp_path / "learned.xml"
    assert qmp_guard("policy", "set", sent.name, file).returncode == YES
    for user, words, _ in SENT:
        assert "access denied" not in monitor(sent.name, *words, user=user).stderr, words
    for user, words in [*REFUSED, ("root", ["query-version"]), ("root", ["--hmp", "info version"]), ("root", ["quit"]),
                        ("root", ["migrate", '{"uri":"exec:true"}']), ("root", ["--hmp", "info", "block", "-v"]),
                        ("root", ["--hmp", "print"]), ("root", ["no-such-command"])]:
        answer = monitor(sent.name, *words, user=user)
        assert "access denied" in answer.stderr, words
    assert done.stdout == file.read_text()


def test_by_user(sent, learn, tmp_path):
    done = learn("--vm", sent.name, "--by-user")
    assert done.returncode == YES
    learned = rules(done.stdout)
    assert {(command, user) for kind, _, command, _, user in learned if kind != "deny"} == \
        {(rule[1], user) for user, _, rule in SENT} | {("abort", "root")}
    assert qmp_guard("policy", "set", sent.name, tmp_path / "learned.xml").returncode == YES
    for user, words, _ in SENT:
        assert "access denied" not in monitor(sent.name, *words, user=user).stderr, words
    assert "access denied" in monitor(sent.name, "query-name", user="alice").stderr
    assert "access denied" in monitor(sent.name, "system_reset", user="bob").stderr


def test_one_user(sent, learn):
    learned = rules(learn("--vm", sent.name, "--user", "alice").stdout)
    assert {rule[2] for rule in learned} == {rule[1] for user, _, rule in SENT if user == "alice"}


def test_replay_of_what_was_learned(sent, learn, tmp_path):
    """A policy that was learned changes nothing of what it was learned from."""
    learn("--vm", sent.name)
    status, changes, total = replay(tmp_path / "learned.xml", "--vm", sent.name)
    assert (status, changes) == (YES, []) and total["judged"] == len(SENT) + len(REFUSED)
    assert replay(tmp_path / "learned.xml", "--vm", sent.name, "--host")[0] == YES
    done = qmp_guard("policy", "replay", tmp_path / "learned.xml", "--vm", sent.name)
    assert done.stdout == f"{len(SENT) + len(REFUSED)} judged: 0 would be refused, 0 would no longer be refused, " \
                          "0 would pass as something else, 0 depend on what is not recorded\n"


def test_replay_says_what_the_daemon_then_does(sent, tmp_path):
    """The verdicts of a replay are those that the same commands meet under that policy."""
    file = tmp_path / "policy.xml"
    file.write_text(policy('<deny command="query-name" user="bob"/>', '<allow command="inject-nmi"/>',
                           '<warn command="query-status"/>', '<deny channel="hmp"/>', profile="restricted"))
    status, changes, total = replay(file, "--vm", sent.name)
    assert status == NO
    would_be = {(channel, command): verdict for channel, command, _, verdict in changes}
    assert would_be == {("qmp", "query-name"): "deny", ("qmp", "inject-nmi"): "allow", ("qmp", "query-status"): "warn",
                        ("qmp", "migrate"): "deny", ("qmp", "query-kvm"): "allow", ("hmp", "info status"): "deny",
                        ("hmp", "info block"): "deny", ("hmp", "print"): "deny"}
    assert (total["refused"], total["passed"], total["otherwise"], total["depends"]) == (5, 2, 2, 0)
    qmp_guard("policy", "set", sent.name, file)
    for user, words, rule in SENT:
        name = "print" if rule[1] == "print *" else rule[1]
        denied = "access denied" in monitor(sent.name, *words, user=user).stderr
        assert denied == (would_be.get((rule[0], name)) == "deny"), words


def test_the_text_log(sent, learn, tmp_path):
    """libvirt's log tells less: allow and warn look alike, and an HMP command's arguments are not told of."""
    log = os.environ["QMP_GUARD_LAB_LOG"]
    learned = rules(learn("--vm", sent.name, log).stdout)
    commands = {(channel, command) for kind, channel, command, _, _ in learned if kind != "deny"}
    assert commands >= {rule for _, _, rule in SENT} and ("hmp", "info block *") in commands
    learn("--vm", sent.name)
    status, changes, _ = replay(tmp_path / "learned.xml", "--vm", sent.name, log)
    assert status == UNSURE and {verdict for _, _, _, verdict in changes} == {"depends on the HMP line"}


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_nothing(learn, tmp_path, text):
    (tmp_path / "empty").write_text(text)
    done = learn(tmp_path / "empty")
    assert done.returncode == NO and rules(done.stdout) == [] and "lets nothing pass" in done.stderr
    (tmp_path / "policy.xml").write_text(policy())
    done = qmp_guard("policy", "replay", tmp_path / "policy.xml", tmp_path / "empty")
    assert done.returncode == UNSURE and "no command" in done.stderr


def test_only_refusals(learn, records):
    refused = {"verdict": "deny", "rule": "baseline:@dangerous"}
    path = records(refused | {"command": "inject-nmi"}, refused | {"command": "inject-nmi"},
                   refused | {"command": "(unreadable)"},
                   refused | {"command": "human-monitor-command", "channel": "hmp", "hmp": "info block"})
    done = learn(path)
    assert done.returncode == NO and rules(done.stdout) == []
    assert "<!-- qmp inject-nmi: 2, first by baseline:@dangerous -->" in done.stdout
    assert "<!-- hmp info block: 1, first by" in done.stdout
    answer = json.loads(qmp_guard("policy", "learn", "--json", path).stdout)
    assert answer["rules"] == [] and [row["count"] for row in answer["denied"]] == [1, 2, 1]


def test_what_passed_by_a_grant(learn, records):
    """Is a refusal: no rule comes of it."""
    refused = GRANTED | {"verdict": "deny", "grants": None}
    done = learn(records(GRANTED, refused, {}))
    assert done.returncode == YES and [rule[2] for rule in rules(done.stdout)] == ["query-status"]
    assert "<!-- qmp inject-nmi: 2, first by baseline:@dangerous; by a grant passed 1 -->" in done.stdout
    done = learn(records(GRANTED, GRANTED | {"verdict": "warn"}))
    assert rules(done.stdout) == [("warn", "qmp", "inject-nmi", None, None)]
    assert "<!-- inject-nmi: of these passed by a grant: 1 -->" in done.stdout
    answer = json.loads(qmp_guard("policy", "learn", "--json", records(GRANTED)).stdout)
    assert answer["rules"] == [] and [(row["count"], row["granted"]) for row in answer["denied"]] == [(1, 1)]


@pytest.mark.parametrize("name", ["a b", "a*", "?", "qu\\xc3\\xa9ry", "a\x1b[31m", "<allow/>",
                                  "a\"/><allow/>", "&amp;", "[ab]", "", "a" * 300, "(unreadable)", "..."])
def test_names_that_are_none(learn, records, name):
    """Nothing is made of them, they are told of, and what they are spelled with does no harm."""
    done = learn(records({"command": name}, {"command": "query-name"}))
    assert done.returncode == YES
    assert rules(done.stdout) == [("allow", "qmp", "query-name", None, None)]
    assert "left out: '" in done.stderr and "\x1b" not in done.stderr
    refused = learn(records({"command": name, "verdict": "deny", "rule": "--><allow/>"}))
    assert refused.returncode == NO and rules(refused.stdout) == []


@pytest.mark.parametrize("name", ["a--b", "x-y-", "--", "com.example_x", "-"])
def test_odd_names_that_are_some(learn, records, name):
    done = learn(records({"command": name, "verdict": "warn", "class": "unknown", "groups": ["@unknown"]},
                         {"command": name, "verdict": "deny", "rule": "a--b"}))
    assert done.returncode == YES and rules(done.stdout) == [("warn", "qmp", name, None, None)]
    assert "the catalogue does not know it" in done.stdout


def test_a_name_that_qemu_does_not_have(learn, records):
    wrong = {"command": "qurey-status", "class": "unknown", "groups": ["@unknown"]}
    outcome = {"event": "outcome", "command": "qurey-status", "result": "error", "error": "CommandNotFound",
               "duration_us": 1, "verdict": None, "rule": None}
    done = learn(records(wrong, outcome, {}))
    assert [rule[2] for rule in rules(done.stdout)] == ["query-status"] and "CommandNotFound" in done.stderr
    done = learn(records(wrong, outcome, wrong, outcome | {"result": "success", "error": None}))
    assert [rule[2] for rule in rules(done.stdout)] == ["qurey-status"]


def test_users_of_all_kinds(learn, records):
    who = [{"user": "DOM\\x5calice"}, {"user": "jos\\xc3\\xa9"}, {"user": "a&b<c\"d"},
           {"user": "sasl:eve", "who": {"sasl": "eve"}}, {"user": "-", "who": {}},
           {"user": "\\xff", "who": {"user": "\\xff"}}]
    done = learn(records(*who), "--by-user")
    assert {rule[4] for rule in rules(done.stdout)} == {"DOM\\alice", 'a&b<c"d'}
    assert done.stderr.count("a rule cannot name this user") == 4
    assert len(rules(learn(records(*who), "--user", "DOM\\alice").stdout)) == 1
    assert len(rules(learn(records(*who)).stdout)) == 1


def test_repetitions_count(learn, records):
    path = records({}, {"event": "repeat", "count": 41, "command": "query-name", "class": "safe"})
    answer = json.loads(qmp_guard("policy", "learn", "--json", path).stdout)
    assert {row["command"]: row["count"] for row in answer["rules"]} == {"query-status": 1, "query-name": 41}


@pytest.mark.parametrize("record, expected", [
    ({"hmp": "info block", "parameters": []}, ["info block"]),
    ({"hmp": "info block", "parameters": ["verbose"]}, ["info block *"]),
    ({"hmp": "info block"}, ["info block", "info block *"]),
    ({"hmp": "info status", "parameters": None}, ["info status"]),
    ({"hmp": "nonesuch", "parameters": []}, ["nonesuch", "nonesuch *"]),
    ({"hmp": None}, []), ({"hmp": "a?b"}, []), ({"hmp": "info  x"}, []), ({"hmp": "a b"}, []),
])
def test_hmp(learn, records, record, expected):
    done = learn(records(HMP | record))
    assert [rule[2] for rule in rules(done.stdout)] == expected
    assert all(rule[1] == "hmp" for rule in rules(done.stdout))
    assert bool(expected) == (done.returncode == YES) and bool(expected) == (done.stderr == "")


def test_dangerous_arguments(learn, records):
    """Only those that were seen are learned."""
    executed = MIGRATE | {"class": "dangerous", "groups": ["@migration", "@host-exec", "@dangerous", "@known"]}
    assert ("deny", "qmp", "migrate", "@dangerous", None) in rules(learn(records(MIGRATE)).stdout)
    assert [rule[0] for rule in rules(learn(records(MIGRATE, executed)).stdout)] == ["warn"]
    line = HMP | {"hmp": "migrate", "parameters": ["uri"], "groups": ["@migration", "@dangerous", "@known"]}
    assert ("deny", "hmp", "migrate *", "@host-exec", None) in rules(learn(records(line)).stdout)


def test_actions_of_a_transaction(learn, records):
    passed = {"command": "transaction", "parts": ["abort", "blockdev-backup", "abort"], "part": "blockdev-backup",
              "verdict": "warn", "class": "privileged", "groups": ["@block", "@privileged", "@known"]}
    refused = {"command": "transaction", "parts": ["abort", "drive-backup"], "part": "drive-backup", "verdict": "deny"}
    path = records(passed, refused)
    done = learn(path)
    assert rules(done.stdout) == [("allow", "qmp", "abort", None, None), ("warn", "qmp", "blockdev-backup", None, None),
                                  ("allow", "qmp", "transaction", None, None)]
    assert "<!-- qmp drive-backup: 1" in done.stdout


def test_too_many_commands_for_a_policy(learn, records):
    done = learn(records(*({"command": f"x-{number}"} for number in range(20001))))
    assert done.returncode == UNSURE and done.stdout == "" and "makes no policy" in done.stderr


def test_lines_that_cannot_be_read(learn, records):
    path = records({}, {})
    path.write_text(path.read_text() + '{"event":"decision","domain":\n')
    done = learn(path)
    assert done.returncode == YES and len(rules(done.stdout)) == 1
    told = f"virt-qmp-guard: {path}:3: a JSON object without its end: it is torn\n"
    assert done.stderr == \
        told + "virt-qmp-guard: lines that could not be read, and what they tell of is not in the policy: 1\n"
    file = path.parent / "policy.xml"
    file.write_text(policy())
    done = qmp_guard("policy", "replay", file, path)
    assert done.returncode == UNSURE
    assert done.stderr == told + "virt-qmp-guard: lines that could not be read, and were not judged: 1\n"


def test_many_lines_that_cannot_be_read(learn, records):
    """Some are named, and all are counted."""
    path = records({}, {})
    path.write_text(path.read_text() + 8 * '{"event":"decision","domain":\n')
    *named, last = learn(path).stderr.splitlines()
    assert [line.split(": ")[1] for line in named] == [f"{path}:{number}" for number in range(3, 8)]
    assert last.endswith(" is not in the policy: 8")
    (path.parent / "policy.xml").write_text(policy())
    *named, last = qmp_guard("policy", "replay", path.parent / "policy.xml", path).stderr.splitlines()
    assert len(named) == 5 and last.endswith(" were not judged: 8")


def test_a_vm_by_uuid(sent, learn, tmp_path):
    uuid = sent.domain.UUIDString().upper()
    learned = learn("--vm", uuid).stdout
    assert learned == learn("--vm", sent.name).stdout != ""
    _, _, total = replay(tmp_path / "learned.xml", "--vm", uuid)
    assert total["judged"] == len(SENT) + len(REFUSED)
    assert learn("--vm", uuid.replace(uuid[0], "0" if uuid[0] != "0" else "1")).returncode == NO


def test_a_name_that_looks_like_a_uuid(learn, records):
    """Is none to look for, as for audit --vm."""
    one, other = "12345678-1234-1234-1234-123456789abc", "12345678-1234-1234-1234-123456789abd"
    path = records({"domain": one, "uuid": other, "command": "query-name"}, {"domain": other, "uuid": one})
    assert [rule[2] for rule in rules(learn("--vm", one, path).stdout)] == ["query-status"]


TABLE = REPO / "tests/unit/decide.table"


def table():
    """The policies of decide.table that a domain can have, and its texts: (channel, text)."""
    policies, texts = [], {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        fields = [field.strip(" ") for field in line.removeprefix("policy ").split("|")]
        if line.startswith("policy "):
            policies.append(f'<policy xmlns="{NAMESPACE}" {fields[1]}>{fields[2]}</policy>')
        else:
            texts[fields[3], fields[4]] = None
    return policies, list(texts)


def send_as(machine, channel, text):
    name, _, arguments = text.partition(" ")
    wrapped = f'{{"execute":{json.dumps(name)}' + (f',"arguments":{arguments}' if arguments else "") + "}"
    if channel == "hmp":
        return machine.send(text, HMP_FLAG)
    if channel == "agent":
        return answer_of(libvirt_qemu.qemuAgentCommand, machine.domain, wrapped, 1, 0)
    return machine.send(request("human-monitor-command", command_line=text) if channel == "wrapped" else wrapped)


def checked(file, texts):
    """What `check` says of each text, which it has in full."""
    verdicts = {}
    for channel, options in (("qmp", []), ("hmp", ["--hmp"]), ("agent", ["--agent"])):
        mine = [(kind, text) for kind, text in texts if kind == channel or (kind == "wrapped" and channel == "hmp")]
        done = qmp_guard("check", "--json", "--policy", file, "--user", "root", *options, "-",
                         input="".join(text + "\n" for _, text in mine))
        answers = [json.loads(line)["verdict"] for line in done.stdout.splitlines()]
        assert len(answers) == len(mine)
        verdicts |= zip(mine, answers)
    return {key: verdicts[key] for key in texts}


# What may be missing in a record, and how many answers are certain all the same.
THRIFTY = [((), 15000), (("groups", "parameters"), 8000), (("groups", "parameters", "class"), 5000)]


def write_trail(path, found, missing):
    """Each record has a name of its own, so that its row can be found again."""
    with path.open("w") as file:
        for number, record in enumerate(found):
            kept = {name: value for name, value in record.items() if name not in missing}
            file.write(json.dumps(kept | {"domain": f"row-{number}"}, separators=(",", ":")) + "\n")


def test_replay_never_says_what_is_not_so(make_vm, tmp_path):
    """All texts of the unit tests' table under all of its policies: what replay is certain of is what check says.

    They are recorded without being done, by a policy that refuses all.
    """
    machine = make_vm()
    machine.set_policy("<deny/>")
    policies, texts = table()
    for channel, text in texts:
        assert is_denied(send_as(machine, channel, text))
    found = [record for record in map(json.loads, TRAIL.read_text().splitlines())
             if record["event"] == "decision" and record["domain"] == machine.name]
    assert len(found) == len(texts)
    file, trail = tmp_path / "policy.xml", tmp_path / "audit.log"
    certain = dict.fromkeys(range(len(THRIFTY)), 0)
    for text in policies:
        file.write_text(text)
        if not json.loads(qmp_guard("policy", "validate", "--json", file).stdout).get("kind", "").startswith("domain"):
            continue
        verdicts = list(checked(file, texts).items())
        for thrift, (missing, _) in enumerate(THRIFTY):
            write_trail(trail, found, missing)
            done = qmp_guard("policy", "replay", "--json", file, trail)
            rows = {row["vm"]: row for row in json.loads(done.stdout)["changes"]}
            for number, (_, verdict) in enumerate(verdicts):
                row = rows.get(f"row-{number}", {"would-be": "deny"})
                possible = row.get("possible", [row["would-be"]])
                assert verdict in possible, (text, texts[number], missing, row)
                certain[thrift] += len(possible) == 1
    assert all(certain[thrift] > least for thrift, (_, least) in enumerate(THRIFTY)), certain


def test_the_table(records, tmp_path):
    (tmp_path / "policy.xml").write_text(policy('<deny command="query-status"/>',
                                                f'<allow command="screendump">{DUMP}</allow>'))
    path = records({}, {}, {"user": "bob"}, SCREENDUMP, {"domain": "other"}, {"event": "repeat", "count": 5},
                   {"command": "query-name"})
    done = qmp_guard("policy", "replay", tmp_path / "policy.xml", path, "--vm", "demo")
    lines = [re.split(r" {2,}|(?<=\S) (?=\S)", line, maxsplit=5) for line in done.stdout.splitlines()]
    assert done.returncode == NO
    assert lines[0][:5] == ["count", "vm", "user", "channel", "command"]
    assert [line[:5] for line in lines[1:-1]] == [["7", "demo", "alice", "qmp", "query-status"],
                                                  ["1", "demo", "alice", "qmp", "screendump"],
                                                  ["1", "demo", "bob", "qmp", "query-status"]]
    assert done.stdout.splitlines()[-1].startswith("10 judged: 8 would be refused, 0 would no longer")
    answer = json.loads(qmp_guard("policy", "replay", "--json", tmp_path / "policy.xml", path, "--vm", "demo").stdout)
    assert answer["changes"][1]["possible"] == ["warn", "allow"]
    assert answer["changes"][1]["rule"] == "domain:screendump#2, baseline:@privileged"


@pytest.mark.parametrize("words", [["replay", "/no/such"], ["replay", "/dev/null"], ["learn", "/no/such/file"],
                                   ["replay", EXAMPLES / "domain-policy.xml", "/no/such/file"],
                                   ["replay", "--host-policy", "/no/such", EXAMPLES / "domain-policy.xml"],
                                   ["replay", EXAMPLES / "host-hardened.xml", "/dev/null"]])
def test_what_cannot_be_told(words):
    done = qmp_guard("policy", *words)
    assert done.returncode == UNSURE and done.stdout == "" and done.stderr


def test_an_ordinary_user_has_no_trail(sent):
    """It is root's alone."""
    done = run("virt-qmp-guard", "-c", SYSTEM, "policy", "learn", user="alice")
    assert done.returncode == UNSURE and done.stdout == "" and "root" in done.stderr


def test_learned_sums_do_not_turn_round(records, learn):
    repeats = [{"event": "repeat", "count": 10**15}] * 9300
    done = qmp_guard("policy", "learn", "--json", records(*repeats))
    assert json.loads(done.stdout)["rules"][0]["count"] == 2**63 - 1


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_users_that_are_not_printable(records, words):
    """Nothing of them is in a policy that somebody looks at on a terminal."""
    names = ["jos\\xc3\\xa9", "a\\xc2\\x9b2J", "a\u009bx", "a\\x7f"]
    done = qmp_guard("policy", "learn", "--by-user", *words,
                     records({"user": "bob"}, *({"user": name} for name in names)))
    assert done.returncode == YES and "bob" in done.stdout
    assert all(" " <= letter <= "~" for letter in (done.stdout + done.stderr).replace("\n", ""))
    assert done.stderr.count("a rule cannot name this user") == len(names)
