# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-qmp-guard audit on input that somebody wrote to lead a terminal, a sum or a filter astray."""

import json
import subprocess

import pytest

from clients import qmp_guard, request
from test_audit_command import FOUND, NONE, SAFE, at, audit, made_up, whole_record

HOSTILE = "a\x1b[31m\x7f\u009b2J\u00e9\U0001f600"


@pytest.mark.parametrize("words", [[], ["--json"], ["--summary"], ["--summary", "--json"], ["--burst", "2/60"],
                                   ["--burst", "2/60", "--json"], ["--count-by", "vm,user,command"],
                                   ["--count-by", "vm,user,command", "--json"]])
@pytest.mark.parametrize("is_raw", [False, True])
def test_only_printable_ascii_comes_out(words, is_raw):
    """Whatever a file holds; and JSON still says what was in it."""
    members = {"domain": HOSTILE, "user": HOSTILE, "command": HOSTILE}
    record = json.loads(made_up(at(0), **members))
    line = json.dumps(record, ensure_ascii=not is_raw) + "\n"
    if is_raw:
        line = line.replace("\\u007f", "\x7f")
    done = qmp_guard("audit", *words, "-", input=2 * line)
    assert done.returncode == FOUND
    assert all(" " <= letter <= "~" for letter in done.stdout.replace("\n", ""))
    if "--json" not in words:
        assert "a\\x1b[31m\\x7f\\xc2\\x9b2J" in done.stdout
    elif len(words) == 1:
        assert [json.loads(found) for found in done.stdout.splitlines()] == [record] * 2
    else:
        assert HOSTILE in json.loads(done.stdout).values()


@pytest.mark.parametrize("count", [0, -1, 10**15 + 1, 2**64, "7", 1.5, [], True])
@pytest.mark.parametrize("is_whole", [False, True])
def test_counts_that_are_none(count, is_whole):
    text = whole_record(at(0), "repeat", domain="demo", count=count) if is_whole else \
        made_up(at(0), event="repeat").replace("}", f', "count": {json.dumps(count)}}}')
    status, output, errors = audit("--json", "-", input=text + made_up(at(1)))
    assert (status, output) == (FOUND, made_up(at(1)))
    # json-c since 0.17 reads nothing that has a number beyond 64 bits.
    faults = ["its count is no number from 1 to 10^15"] + (["not a JSON object"] if count == 2**64 else [])
    assert any(f"-:1: {fault}" in errors for fault in faults) and "lines that could not be read: 1\n" in errors


def test_sums_do_not_turn_round():
    text = made_up(at(0), count=10**15) * 9300
    wanted = 2**63 - 1
    assert json.loads(audit("--count-by", "vm", "--json", "-", input=text)[1])["count"] == wanted
    assert json.loads(audit("--summary", "--json", "-", input=text)[1])["total"] == wanted
    assert " " + 24 * "#" + "\n" in audit("--summary", "-", input=text)[1]


@pytest.mark.parametrize("moment", ["2262-04-12T00:00:00.000000Z", "9999-12-31T23:59:59.000000Z",
                                    "1970-01-01T00:00:01.000000+14:00"])
def test_bursts_far_away(moment):
    status, output, errors = audit("--burst", "2/60", "--json", "-", input=2 * made_up(moment))
    assert (status, errors) == (FOUND, "") and json.loads(output)["count"] == 2
    first, last = json.loads(output)["first"], json.loads(output)["last"]
    assert first == last and "1970" <= first[:4] <= "2262"


def test_bursts_in_bounded_memory(tmp_path):
    """Of many senders most are let go, the longest idle first."""
    path = tmp_path / "audit.log"
    with path.open("w", encoding="ascii") as file:
        for number in range(300_000):
            file.write(whole_record(at(number / 1000), "decision", domain=f"{number:0500}", user="a"))
        for number in range(2):
            file.write(whole_record(at(400), "decision", domain="demo", user="a"))
    done = subprocess.run(["/bin/bash", "-c", 'ulimit -v 260000; exec virt-qmp-guard audit --burst 2/60 --json "$0"', path],
                          capture_output=True, check=False, text=True)
    assert json.loads(done.stdout)["vm"] == "demo"
    assert "--burst: too many" in done.stderr


@pytest.mark.parametrize("words, line", [
    (["--vm", "demo"], whole_record(at(0), "decision", domain="demo").replace("demo", "\\u0064emo")),
    (["--user", "a/b"], whole_record(at(0), "decision", domain="x", user="a/b").replace("a/b", "a\\/b")),
    (["--since", "2026-11-21T00:00:00Z"],
     whole_record("2026-11-20T23:59:59.0-01:00", "decision", domain="demo")),
    (["--until", "2026-11-21T12:00:00Z"],
     whole_record("2026-11-21T12:59:59.0+01:00", "decision", domain="demo")),
])
def test_filters_skip_nothing_that_is_written_otherwise(words, line):
    assert audit("--json", *words, "-", input=line)[:2] == (FOUND, line)


@pytest.mark.parametrize("words", [[], ["--vm", "demo"], ["--vm", "other"], ["--since", "2030-01-01"]])
@pytest.mark.parametrize("line", [
    whole_record(at(0), "decision", domain="demo").replace(',"seq"', ',"domain":"other","seq"'),
    whole_record(at(0), "decision", domain="demo").replace(',"seq"', ',"event":"outcome","seq"'),
    whole_record(at(0), "identity", who={"uid": 1}).replace('"uid":1', '"uid":1,"uid":2'),
    made_up(at(0)).replace("}", ', "domain": "other"}'),
])
def test_members_twice(words, line):
    status, output, errors = audit(*words, "-", input=line)
    assert (status, output) == (NONE, "")
    assert "-:1: a member that is there twice" in errors and "lines that could not be read: 1\n" in errors


@pytest.mark.parametrize("uid, wanted", [("7", "uid:7"), ('"a\\\\"', "-"), ('"7"', "-"), ("[7]", "-"), ("{}", "-")])
@pytest.mark.parametrize("is_whole", [False, True])
def test_the_uid_of_a_claim(uid, wanted, is_whole):
    line = whole_record(at(0), "identity", who={"uid": 0}).replace('"uid":0', f'"uid":{uid}')
    if not is_whole:
        line = line.replace('"seq":', '"seq": ')
    _, row = audit("-", input=line)[1].splitlines()
    assert row.split()[3] == wanted


def test_the_hosts_own_trail_holds_nothing_else(second_lab):
    """No line in it can be meant for others, and one that looks like a log's hides no other."""
    lab = second_lab()
    path = lab.directory / "var/log/libvirt/qmp-guard/audit.log"
    machine = lab.machine("own")
    machine.send(request(SAFE))
    with path.open("a", encoding="ascii") as file:
        file.write("QMP privileged: demo | quit | user=alice\nrubbish\n{rubbish\n" + 5_000_000 * "x" + "\n"
                   "2026-11-21T10:00:00Z host logger: hello\n" + '{"MESSAGE":"hello"}\n')
    found = lab.run("virt-qmp-guard", "audit", "--vm", "nobody")
    assert "lines that could not be read: 5\n" in found.stderr
    assert "a line of more than 4 MiB" in found.stderr


# Rotation
