# SPDX-License-Identifier: LGPL-2.1-or-later
"""policy test: the cases that ship pass, a wrong one is told of with its line, and what is no case is an error."""

import json

import pytest

from clients import REPO, qmp_guard
from machines import NAMESPACE, policy

EXAMPLES = REPO / "xml/examples"
YES, NO, UNSURE = 0, 1, 2


@pytest.fixture
def judge(tmp_path):
    """Runs cases on a policy; both are texts."""
    def judge_(text, cases, *options):
        (tmp_path / "policy.xml").write_text(text)
        (tmp_path / "policy.cases").write_text(cases)
        return qmp_guard("policy", "test", tmp_path / "policy.xml", tmp_path / "policy.cases", *options)
    return judge_


@pytest.mark.parametrize("name, least", [("domain-policy", 15), ("host-hardened", 15), ("host-grants", 14)])
def test_examples(name, least):
    done = qmp_guard("policy", "test", EXAMPLES / f"{name}.xml", EXAMPLES / f"{name}.cases")
    passed, failed = (int(part.split()[0]) for part in done.stdout.split(", "))
    assert (done.returncode, failed, done.stderr) == (YES, 0, "") and passed >= least


def test_each_shipped_policy_has_its_own_verdicts():
    """The cases of one are not true of another: they would tell if they had been mixed up."""
    done = qmp_guard("policy", "test", EXAMPLES / "host-hardened.xml", EXAMPLES / "domain-policy.cases")
    assert done.returncode == NO


def test_a_failing_case(judge, tmp_path):
    cases = "# one\n\nallow | alice | qmp | query-status\n  deny | alice | qmp | query-name | domain:quit#1 \n"
    done = judge(policy('<deny command="quit"/>'), cases)
    assert done.returncode == NO and done.stderr == ""
    assert done.stdout.splitlines() == [
        f"{tmp_path}/policy.cases:4: expected deny by domain:quit#1, found allow by baseline:@safe: qmp query-name",
        "1 passed, 1 failed"]
    answer = json.loads(judge(policy('<deny command="quit"/>'), cases, "--json").stdout)
    assert answer == {"passed": 1, "failed": 1, "errors": [], "failures": [{
        "line": 4, "user": "alice", "channel": "qmp", "text": "query-name", "expected": "deny",
        "expected-rule": "domain:quit#1", "found": "allow", "rule": "baseline:@safe"}]}


def test_the_rule_counts(judge):
    assert judge(policy(), "allow | - | qmp | query-status | baseline:@safe\n").returncode == YES
    assert judge(policy(), "allow | - | qmp | query-status | baseline:@query\n").returncode == NO


@pytest.mark.parametrize("case", [
    "allow | alice     | qmp   | query-status",
    "allow|alice|qmp|query-status",
    "allow | alice     | qmp   | {\"execute\":\"query-status\"}",
    "allow | alice     | qmp   | qom-get {\"path\":\"/a\\|b\",\"property\":\"x\"}",
    "deny  | alice     | hmp   | info status",
    "deny  | alice     | hmp   | drive_add 0 file=a\\|b | baseline:@dangerous",
    "allow | alice     | agent | guest-ping",
    "allow | alice:ops | qmp   | inject-nmi | domain:inject-nmi#1",
    "allow | alice:x, ops | qmp | inject-nmi",
    "deny  | alice     | qmp   | inject-nmi",
    "deny  | -         | qmp   | inject-nmi",
    "warn  | alice     | qmp   | quit",
    "deny  | alice     | qmp   | {\"execute\":1} | request:unreadable",
    "deny  | alice     | qmp   | query-status {",
    "\tallow | alice | qmp | query-status\t\r",
])
def test_a_passing_case(judge, case):
    done = judge(policy('<allow command="inject-nmi" unix-group="ops"/>'), case + "\n")
    assert (done.returncode, done.stdout, done.stderr) == (YES, "1 passed, 0 failed\n", "")


@pytest.mark.parametrize("case, remedy", [
    ("allow | alice | qmp", "3 columns: write 'verdict | user | channel | text'"),
    ("allow", "1 columns"),
    ("allow | alice | qmp | a | b | c", "6 columns"),
    ("allow | alice | qmp | a {\"x\":\"1|2\"} | b", "a bar inside a text is '\\|'"),
    ("permit | alice | qmp | query-status", "write allow, warn, audit or deny"),
    ("Allow | alice | qmp | query-status", "write allow, warn, audit or deny"),
    ("grant | alice | qmp | query-status", "write allow, warn, audit or deny"),
    ("allow | alice | json | query-status", "write qmp, hmp or agent"),
    ("allow | | qmp | query-status", "'-' is somebody without a UNIX name"),
    ("allow | alice | qmp | ", "the text is missing"),
    ("allow | alice | qmp | query-status |", "leave its bar out"),
    ("allow | :ops | qmp | query-status", "alice:ops"),
    ("allow | alice: | qmp | query-status", "alice:ops"),
])
def test_what_is_no_case(judge, tmp_path, case, remedy):
    done = judge(policy(), f"allow | alice | qmp | query-status\n{case}\n")
    assert done.returncode == UNSURE and done.stdout == "1 passed, 0 failed\n"
    assert done.stderr.startswith(f"{tmp_path}/policy.cases:2: ") and remedy in done.stderr
    answer = judge(policy(), f"\n{case}\n", "--json")
    assert answer.returncode == UNSURE
    assert [error["line"] for error in json.loads(answer.stdout)["errors"]] == [2]


@pytest.mark.parametrize("text, cases", [("<frob/>", "allow | a | qmp | b"), (policy("<frob/>"), "allow | a | qmp | b"),
                                         (policy(), ""), (policy(), "# nothing\n\n"), (policy(), "allow\0")])
def test_what_cannot_be_told(judge, text, cases):
    """A file of cases that is empty by mistake does not pass."""
    done = judge(text, cases)
    assert done.returncode == UNSURE and done.stderr


def test_kinds(judge):
    """A domain's policy is judged below a host's; a host's and a profile alone."""
    nmi = "{} | alice | qmp | inject-nmi | {}\n"
    lax = policy("<allow/>")
    assert judge(lax, nmi.format("allow", "domain:allow#1")).returncode == YES
    assert judge(lax, nmi.format("allow", "host:allow#1"), "--host").returncode == YES
    assert judge(lax, nmi.format("deny", "host:@dangerous#2"),
                 "--host-policy", EXAMPLES / "host-hardened.xml").returncode == YES
    host = policy('<delegate command="quit"/>', "<allow/>")
    assert judge(host, nmi.format("allow", "host:allow#2")).returncode == YES
    profile = f'<policy xmlns="{NAMESPACE}" name="mine" default="warn"><deny command="inject-nmi"/></policy>'
    cases = nmi.format("deny", "mine:inject-nmi") + "warn | - | qmp | quit | mine:default"
    assert judge(profile, cases).returncode == YES
    assert judge(policy(mode="audit"), nmi.format("audit", "baseline:@dangerous")).returncode == YES


def test_native_permissions_are_taken_as_given(judge):
    """What libvirt has no call for is denied to everybody; the rest is the policy's to say."""
    rules = policy('<allow group="@known" require="native"/>', profile="closed")
    assert judge(rules, "allow | - | qmp | inject-nmi | domain:@known#1\ndeny | - | qmp | qom-set\n").returncode == YES


def test_the_hosts_own_policy_is_left_alone(judge):
    """In CI the host has a policy of its own, or none: the answer is the same."""
    done = judge(policy("<delegate/>"), "deny | - | qmp | quit\n", "--host-policy", EXAMPLES / "host-hardened.xml")
    assert done.returncode == UNSURE and "--host-policy has nothing to say" in done.stderr


@pytest.mark.parametrize("words", [["test"], ["test", "a"], ["test", "a", "b", "c"], ["test", "--vm", "x", "a", "b"],
                                   ["test", "--host", "--host-policy", "x", "a", "b"], ["test", "/no/such", "/no/such"],
                                   ["replay"], ["replay", "--by-user", "x"], ["learn", "--host"],
                                   ["show", "--vm", "x"]])
def test_usage(words):
    done = qmp_guard("policy", *words)
    assert done.returncode == UNSURE and done.stdout == "" and len(done.stderr.splitlines()) == 1
