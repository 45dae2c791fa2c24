# SPDX-License-Identifier: LGPL-2.1-or-later
"""policy replay: what a record leaves open is said to be open, and nothing else."""

import pytest

from machines import policy
from recorded import DUMP, GRANTED, HMP, MIGRATE, NO, SCREENDUMP, UNSURE, YES, replay

BY_ARGUMENTS, BY_LINE, BY_DOMAIN = "depends on arguments", "depends on the HMP line", "depends on the domain's policy"
ABORT = {"command": "transaction", "parts": ["abort"], "parameters": ["actions"]}
BARE = HMP | {"hmp": "info block", "parameters": []}
VERBOSE = HMP | {"hmp": "info block", "parameters": ["verbose"]}
DEVICE = HMP | {"hmp": "info block", "parameters": ["device"]}
PROTECTED = SCREENDUMP | {"verdict": "deny", "rule": "confidential:@host", "profile": "confidential"}


def hmp_policy(command, *more, kind="allow"):
    return policy(f'<{kind} channel="hmp" command="{command}"/>', *more)


def wrapper_policy(line):
    return policy('<allow command="human-monitor-command">'
                  f'<argument name="command-line" value="{line}"/></allow>')


@pytest.mark.parametrize("text, record, expected", [
    # Values are not known; names are.
    (policy(f'<allow command="screendump">{DUMP}</allow>'), SCREENDUMP, BY_ARGUMENTS),
    (policy(f'<warn command="screendump">{DUMP}</warn>'), SCREENDUMP, None),
    (policy(f'<allow command="screendump">{DUMP}</allow>', '<allow command="screendump"/>'), SCREENDUMP, "allow"),
    (policy('<allow command="screendump"><argument name="format" value="png"/></allow>'), SCREENDUMP, None),
    (policy('<deny command="screendump"><argument name="format" value="png"/></deny>'), SCREENDUMP, BY_ARGUMENTS),
    (policy(f'<allow command="screendump">{DUMP}</allow>'), SCREENDUMP | {"parameters": []}, None),
    (policy(f'<allow command="screendump" user="bob">{DUMP}</allow>'), SCREENDUMP, None),
    (policy(f'<deny command="quit">{DUMP}</deny>'), SCREENDUMP, None),
    # A part's are not recorded.
    (policy('<deny command="abort"><argument name="x" value="y"/></deny>'), ABORT, BY_ARGUMENTS),
    (policy('<deny command="abort"/>'), ABORT, "deny"),
    # Groups say what the arguments made of the command; without them they may be any.
    (policy('<deny group="@host-net"/>'), MIGRATE | {"groups": ["@host-net", *MIGRATE["groups"]]}, "deny"),
    (policy('<deny group="@host-net"/>'), MIGRATE, None),
    (policy('<deny group="@host-net"/>'), MIGRATE | {"groups": None}, BY_ARGUMENTS),
    # What was unknown then is judged as what it is now.
    (policy('<deny group="@unknown"/>'), {"class": "unknown", "groups": ["@unknown"]}, None),
    (policy('<deny group="@unknown"/>'), {"command": "x-new", "class": "unknown", "groups": ["@unknown"]}, "deny"),
    # HMP lines. What lets pass does not match a `..` step, and a device may be called that.
    (hmp_policy("info block"), BARE, None),
    (hmp_policy("info block *"), BARE, "deny"),
    (hmp_policy("info block -v"), VERBOSE, BY_LINE),
    (hmp_policy("info block *"), VERBOSE, None),
    (hmp_policy("info block *"), DEVICE, BY_LINE),
    (hmp_policy("info block *", "<allow/>", kind="deny"), DEVICE, "deny"),
    (hmp_policy("info chardev*", "<allow/>", kind="deny"), DEVICE, None),
    (policy('<allow command="human-monitor-command"/>'), DEVICE, None),
    (wrapper_policy("info block"), BARE, None),
    (wrapper_policy("info block -v"), BARE, "deny"),
    (wrapper_policy("info block -v"), VERBOSE, BY_ARGUMENTS),
    (policy("<allow/>"), HMP | {"hmp": None}, BY_LINE),
    # Refusals that no policy has to do with stay.
    (policy("<allow/>"), {"command": "(unreadable)", "verdict": "deny", "rule": "request:unreadable"}, None),
    (policy("<allow/>"), {"verdict": "deny", "rule": "domain:invalid", "policy": "invalid"}, "allow"),
    # A protected guest.
    (policy(), {"profile": "confidential"}, None),
    (policy(), PROTECTED, None),
    (policy(profile="baseline"), PROTECTED, "warn"),
    # Groups of a user that this host does not know.
    (policy('<deny unix-group="ops"/>'), {"user": "nobody-knows-me"}, "depends on UNIX groups"),
    (policy('<deny unix-group="ops"/>'), {"user": "alice"}, "deny"),
    (policy('<deny unix-group="ops"/>'), {"user": "bob"}, None),
    (policy('<deny unix-group="ops"/>'), {"user": "sasl:x", "who": {"sasl": "x"}}, "deny"),
    # Callers' other names.
    (policy('<allow sasl="x"/>', "<deny/>"), {"user": "sasl:x", "who": {"sasl": "x"}}, None),
    (policy('<allow sasl="x"/>', "<deny/>"), {"user": "sasl:y", "who": {"sasl": "y"}}, "deny"),
    (policy('<allow sasl="x"/>', "<deny/>"), {"user": "alice"}, "deny"),
    (policy('<deny sasl="x"/>'), {"user": "sasl:y", "who": {"sasl": "y"}}, None),
    (policy('<deny sasl="x"/>'), {"user": "alice"}, "deny"),
    (policy('<allow x509="CN=a"/>', "<deny/>"), {"user": "x509:CN=a", "who": {"x509": "CN=a"}}, None),
    (policy('<allow selinux="a:*"/>', "<deny/>"), {"who": {"user": "alice", "selinux": "a:b:c"}}, None),
    (policy('<deny selinux="a:*"/>'), {"who": {"user": "alice", "selinux": "b:b:c"}}, None),
    (policy('<deny selinux="a:*"/>'), {"who": None}, "depends on the caller's other names"),
    (policy('<deny sasl="x"/>'), {"who": None}, "depends on the caller's other names"),
    (policy('<deny sasl="x"/>'), {"user": "sasl:y", "who": None}, None),
    # What libvirt itself would let the caller do.
    (policy('<allow command="system_reset" require="native"/>'),
     {"command": "system_reset", "verdict": "warn", "class": "privileged", "groups": ["@guest-power", "@privileged"]},
     "depends on libvirt's permissions"),
    (policy('<allow command="qom-set" require="native"/>'),
     {"command": "qom-set", "verdict": "warn", "class": "privileged", "groups": ["@privileged"]}, "deny"),
    (policy('<deny command="query-status"/>', '<allow require="native"/>'), {"verdict": "deny"}, None),
    # What passed by a grant was denied, and a limit is not counted.
    (policy(), GRANTED, None),
    (policy('<deny command="inject-nmi"/>'), GRANTED, None),
    (policy('<allow command="inject-nmi"/>'), GRANTED, "allow"),
    (policy('<limit command="query-status" count="1" per="1h"/>'), {}, None),
    (policy(), {"verdict": "deny", "rule": "domain:limit:query-status#1"}, "allow"),
])
def test_what_a_record_leaves_open(records, tmp_path, text, record, expected):
    (tmp_path / "policy.xml").write_text(text)
    status, changes, total = replay(tmp_path / "policy.xml", records(record))
    assert [change[3] for change in changes] == ([expected] if expected else [])
    assert status == (YES if not expected else UNSURE if expected.startswith("depends") else NO)
    assert total["judged"] == 1


@pytest.mark.parametrize("text, record, expected", [
    (policy('<deny command="query-status"/>'), {"policy": "b" * 64}, "deny"),
    (policy(), {"policy": "b" * 64}, None),
    (policy("<delegate/>"), {"policy": "b" * 64}, None),
    (policy('<warn command="query-status"/>'), {"policy": "b" * 64}, "warn"),
    # Its policy refused this, and still does.
    (policy("<delegate/>"), {"policy": "b" * 64, "verdict": "deny", "rule": "domain:query-status#1"}, None),
    (policy("<delegate/>"), {"policy": "b" * 64, "verdict": "grant", "rule": "domain:query-status#1"}, None),
    # ... but a limit of it need not be reached.
    (policy("<delegate/>"), {"policy": "b" * 64, "verdict": "deny", "rule": "domain:limit:query-status#1"}, BY_DOMAIN),
    # The host refused, so of the domain's policy nothing is known.
    (policy("<delegate/>"), {"policy": "b" * 64, "verdict": "deny", "rule": "host:query-status#1"}, BY_DOMAIN),
    (policy("<allow/>"), {"verdict": "deny", "rule": "host:query-status#1"}, "allow"),
    (policy("<allow/>"), {"policy": "invalid", "verdict": "deny", "rule": "domain:invalid"}, None),
])
def test_a_host_policy_above_policies_that_nobody_knows(records, tmp_path, text, record, expected):
    (tmp_path / "policy.xml").write_text(text)
    status, changes, _ = replay(tmp_path / "policy.xml", records(record), "--host")
    assert [change[3] for change in changes] == ([expected] if expected else [])
    assert status == (YES if not expected else UNSURE if expected.startswith("depends") else NO)


def test_replay_names_the_grant(records, tmp_path):
    (tmp_path / "policy.xml").write_text(policy('<allow command="inject-nmi"/>'))
    status, changes, total = replay(tmp_path / "policy.xml", records(GRANTED))
    assert (status, changes) == (NO, [("qmp", "inject-nmi", "grant", "allow")])
    assert (total["passed"], total["otherwise"]) == (1, 0)
