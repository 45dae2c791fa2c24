# SPDX-License-Identifier: LGPL-2.1-or-later
"""The catalogue beside a real QEMU: what it lacks, what an upgrade brings, and what the policy does to it."""

import json

import pytest

from clients import qmp_guard


def rows(*words):
    done = qmp_guard("catalog", "--json", *words)
    return done.returncode, json.loads(done.stdout) if done.stdout else None


def write(path, *names):
    path.write_text(json.dumps({"return": [{"name": name} for name in names]}))
    return str(path)


def test_running_qemu_has_nothing_unknown(vm):
    assert rows("--against", vm.name) == (0, [])
    assert qmp_guard("catalog", "--against", vm.name).stdout == "the catalogue has all of its commands\n"


def test_question_is_judged_like_any_other(vm):
    vm.set_policy('<deny command="query-commands"/>')
    done = qmp_guard("catalog", "--against", vm.name)
    assert done.returncode == 2 and "access denied" in done.stderr


def test_unknown_command_is_named_with_its_verdict(tmp_path):
    status, found = rows("--against", write(tmp_path / "new.json", "quit", "x-brand-new"))
    assert status == 1
    assert found == [{"what": "unknown", "name": "x-brand-new", "class": "unknown", "verdict": "warn"}]


def test_verdict_is_that_of_the_policy_in_force(tmp_path):
    policy = tmp_path / "host.xml"
    policy.write_text('<policy xmlns="urn:qmp-guard:policy:1" profile="restricted"/>')
    status, found = rows("--against", write(tmp_path / "new.json", "x-brand-new"), "--host-policy", str(policy))
    assert (status, found[0]["verdict"]) == (1, "deny")


def test_upgrade(tmp_path):
    old = write(tmp_path / "old.json", "quit", "change")
    new = write(tmp_path / "new.json", "quit", "inject-nmi")
    status, found = rows("--diff", old, new)
    assert status == 1
    assert [(row["what"], row["name"], row["verdict"]) for row in found] == [
        ("new", "inject-nmi", "deny"), ("gone", "change", "warn")]
    assert rows("--diff", old, old) == (0, [])
    assert qmp_guard("catalog", "--diff", old, old).stdout == "no command is new, and none is gone\n"


def test_what_is_no_schema_is_refused(tmp_path):
    path = tmp_path / "odd.json"
    for text in ("", "{}", "[]", '{"return":5}', '["quit"]'):
        path.write_text(text)
        done = qmp_guard("catalog", "--against", str(path))
        assert done.returncode == 2 and str(path) in done.stderr, text


def test_no_such_domain():
    done = qmp_guard("catalog", "--against", "nonesuch")
    assert done.returncode == 2 and "nonesuch" in done.stderr


def test_group_lists_what_arguments_add():
    status, found = rows("--group", "@host-exec")
    assert status == 0
    assert {"migrate", "netdev_add"} <= {row["name"] for row in found}
    assert all("(@host-exec)" in row["groups"] or "@host-exec" in row["groups"] for row in found)
    assert "quit" not in {row["name"] for row in found}


def test_name_and_alias():
    assert [row["channel"] for row in rows("quit")[1]] == ["qmp", "hmp"]
    assert [row["name"] for row in rows("q")[1]] == ["quit"]
    assert rows("nonesuch") == (1, [])


def test_table():
    """What --json says is in the table, too, for people."""
    done = qmp_guard("catalog", "inject-nmi")
    assert done.returncode == 0 and done.stderr == ""
    heads, *lines = (line.split() for line in done.stdout.splitlines())
    assert heads[:2] == ["channel", "name"]
    (row,) = (line for line in lines if line[:2] == ["qmp", "inject-nmi"])
    assert "dangerous" in row and "virsh" in row
    (found,) = (row for row in rows("inject-nmi")[1] if row["channel"] == "qmp")
    assert " or ".join(found["native"]) in " ".join(row)
    done = qmp_guard("catalog", "nonesuch")
    assert (done.returncode, done.stdout) == (1, "") and "has no command 'nonesuch'" in done.stderr


def test_groups():
    status, groups = rows("--groups")
    assert status == 0 and {"@host-exec", "@dangerous", "@unknown"} <= {row["group"] for row in groups}
    assert all(row["help"] for row in groups)
    table = qmp_guard("catalog", "--groups")
    assert table.returncode == 0 and all(row["group"] in table.stdout for row in groups)


def test_profiles():
    status, found = rows("--profiles", "inject-nmi")
    assert status == 0
    for row in found:
        assert row["profiles"]["baseline"] == row["profiles"]["closed"] == "deny"
    (found,) = (row for row in rows("--profiles", "query-status")[1] if row["channel"] == "qmp")
    assert (found["profiles"]["baseline"], found["profiles"]["closed"]) == ("allow", "deny")


@pytest.mark.parametrize("words, wanted", [
    (["--group", "@nonesuch"], "there is no group '@nonesuch'"),
    (["--groups", "quit"], "give a NAME"),
    (["--groups", "--group", "@host-exec"], "give a NAME"),
    (["--profiles", "quit"], "--profiles goes with --json"),
    (["--diff", "/dev/null"], "OLD NEW"),
    (["--against", "/dev/null", "quit"], "give a NAME"),
    (["quit", "stop"], "give a NAME"),
    (["--frob"], "unrecognized option"),
])
def test_usage(words, wanted):
    done = qmp_guard("catalog", *words)
    assert (done.returncode, done.stdout) == (2, "") and wanted in done.stderr
