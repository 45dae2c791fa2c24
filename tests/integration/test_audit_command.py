# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-qmp-guard audit: real records of this lab, searched and counted; other logs; and what cannot be read."""

import datetime
import gzip
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import time

import pytest

from clients import HMP, qmp_guard, request
from machines import Machine, bare_xml, unique_name

TRAIL = pathlib.Path("/var/log/libvirt/qmp-guard/audit.log")
FOUND, NONE, UNSURE = 0, 1, 2

SAFE, PRIVILEGED, DENIED = "query-status", "closefd", "inject-nmi"


def audit(*words, **kwargs):
    """The exit status, and what was printed."""
    done = qmp_guard("audit", *words, **kwargs)
    return done.returncode, done.stdout, done.stderr


def records(*words, **kwargs):
    status, output, errors = audit("--json", *words, **kwargs)
    assert errors == ""
    found = [json.loads(line) for line in output.splitlines()]
    assert status == (FOUND if found else NONE)
    return found


def commands(*words, **kwargs):
    return [record.get("hmp") or record["command"] for record in records(*words, **kwargs)]


@pytest.fixture(scope="module")
def busy(connection):
    """A machine to which a few things were done, and the time before them."""
    before = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds")
    machine = Machine(connection, bare_xml(unique_name("audited")))
    for text, flags in ((request(SAFE), 0), (request(SAFE), 0), (request(PRIVILEGED, fdname="none"), 0),
                        (request(DENIED), 0), ("info status", HMP), ("not json", 0)):
        machine.send(text, flags)
    machine.before = before
    yield machine
    machine.discard()


@pytest.mark.parametrize("words, told", [([], "virt-qmp-guard: there is no such record\r\n"), (["--json"], ""), (["-q"], "")])
def test_nothing_is_found(busy, words, told):
    """Somebody at a terminal is told, and a script is not."""
    words = ["audit", *words, "--vm", "mistyped"]
    assert audit(*words[1:]) == (NONE, "", "")
    ours, theirs = pty.openpty()
    done = subprocess.run(["virt-qmp-guard", *words], stdout=subprocess.PIPE, stderr=theirs, check=False)
    os.write(theirs, b".\n")
    os.close(theirs)
    assert (done.returncode, done.stdout) == (NONE, b"")
    seen = ""
    while not seen.endswith(".\r\n"):
        seen += os.read(ours, 4096).decode()
    assert seen == f"{told}.\r\n"
    os.close(ours)


@pytest.fixture
def trail(busy, tmp_path):
    """A copy of the trail, to be written into."""
    return pathlib.Path(shutil.copy(TRAIL, tmp_path / "audit.log"))


ALL = [SAFE, SAFE, PRIVILEGED, DENIED, "info status", "(unreadable)"]


def test_the_trail_is_what_is_read(busy):
    found = records("--vm", busy.name)
    assert [record["event"] for record in found] == ["start"] + ["decision"] * 6
    assert [record.get("hmp") or record["command"] for record in found[1:]] == ALL
    lines = TRAIL.read_text().splitlines()
    assert all(line in lines for line in audit("--json", "--vm", busy.name)[1].splitlines())


@pytest.mark.parametrize("words, wanted", [
    (["--command", SAFE], [SAFE, SAFE]),
    (["--command", "info*"], ["info status"]),
    (["--command", "inject-???"], [DENIED]),
    (["--class", "privileged"], [PRIVILEGED]),
    (["--verdict", "blocked"], [DENIED, "info status", "(unreadable)"]),
    (["--verdict", "deny"], [DENIED, "info status", "(unreadable)"]),
    (["--verdict", "warn"], [PRIVILEGED]),
    (["--channel", "hmp"], ["info status"]),
    (["--user", "root", "--channel", "qmp", "--verdict", "allow", "--class", "safe"], [SAFE, SAFE]),
    (["--user", "nobody"], []),
    (["--command", "quer"], []),
    (["--since", "1 hour ago", "--event", "decision"], ALL),
    (["--until", "1 hour ago"], []),
    (["--since", "yesterday", "--until", "now", "--event", "decision"], ALL),
])
def test_filters(busy, words, wanted):
    assert commands("--vm", busy.name, *words) == wanted


def test_times(busy):
    found = records("--vm", busy.name, "--event", "decision")
    third = found[2]["time"]
    assert commands("--vm", busy.name, "--event", "decision", "--since", third) == ALL[2:]
    assert commands("--vm", busy.name, "--event", "decision", "--until", third) == ALL[:3]
    assert commands("--vm", busy.name, "--event", "decision", "--since", busy.before) == ALL


def test_a_vm_by_uuid(busy):
    assert commands("--vm", busy.domain.UUIDString().upper(), "--event", "decision") == ALL
    assert commands("--domain", busy.name, "--event", "decision") == ALL     # as virsh calls it


def test_events(busy):
    """One kind of record, also such as are hidden by default."""
    counts = {"decision": 6, "outcome": 3, "start": 1, "policy": 1, "repeat": 0, "identity": 0, "lost": 0}
    for kind, count in counts.items():
        assert [record["event"] for record in records("--vm", busy.name, "--event", kind)] == [kind] * count
    assert commands("--vm", busy.name, "--event", "decision", "--verdict", "warn") == [PRIVILEGED]


def test_outcomes(busy):
    found = records("--vm", busy.name, "--outcomes")
    assert [record["event"] for record in found].count("outcome") == 3
    assert len(found) == 10


def test_the_table(busy):
    status, output, errors = audit("--vm", busy.name, "--verdict", "deny")
    assert status == FOUND and errors == ""
    header, *rows = output.splitlines()
    assert header.split() == ["time", "vm", "user", "channel", "command", "class", "verdict", "rule"]
    assert [row.split()[2:] for row in rows] == [
        [busy.name, "root", "qmp", DENIED, "dangerous", "deny", "baseline:@dangerous"],
        [busy.name, "root", "hmp", "info", "status", "(hmp)", "dangerous", "deny", "baseline:@dangerous"],
        [busy.name, "root", "qmp", "(unreadable)", "-", "deny", "request:unreadable"]]


@pytest.mark.parametrize("keys, wanted", [
    ("command", {SAFE: 2, PRIVILEGED: 1, DENIED: 1, "info status (hmp)": 1, "(unreadable)": 1}),
    ("verdict", {"allow": 2, "warn": 1, "deny": 3}),
    ("channel", {"qmp": 5, "hmp": 1}),
    ("vm", None), ("user", {"root": 6}), ("rule", None), ("class", None), ("day", None), ("hour", None),
    ("vm,verdict", None),
])
def test_count_by(busy, keys, wanted):
    words = ["--vm", busy.name, "--event", "decision", "--count-by", keys]
    counts = [json.loads(line) for line in audit(*words, "--json")[1].splitlines()]
    assert sum(count["count"] for count in counts) == 6
    assert [count["count"] for count in counts] == sorted((count["count"] for count in counts), reverse=True)
    if wanted:
        assert {count[keys]: count["count"] for count in counts} == wanted
    table = audit(*words)[1].splitlines()
    assert table[0].split() == ["count", *keys.split(",")] and len(table) == len(counts) + 1


def test_summary(busy):
    summary, = (json.loads(line) for line in audit("--vm", busy.name, "--summary", "--json")[1].splitlines())
    assert summary["vm"] == busy.name
    assert (summary["total"], summary["blocked"], summary["starts"]) == (6, 3, 1)
    assert summary["users"] == {"root": 6} and summary["commands"][SAFE] == 2 and summary["classes"]["privileged"] == 1
    status, output, _ = audit("--vm", busy.name, "--summary")
    assert status == FOUND and output.startswith(f"{busy.name}: 6 commands, 3 blocked, 1 start; ")
    assert re.search(rf"commands +{SAFE} +2  #+\n", output) and "█" not in output


REFUSED = "VM start refused: demo | network-monitor | operation=prepare | policy=none | rule=r | reason=y\n"
STARTED = "VM start: demo | prepare | policy=none | findings=0 | timestamp=2026-11-21T12:34:56\n"


@pytest.mark.parametrize("glob, wanted", [
    ("network-monitor", [REFUSED]), ("*-monitor", [REFUSED]), ("start: network*", [REFUSED]),
    ("start: prepare", [STARTED]), ("start: *", [REFUSED, STARTED]), ("*", [REFUSED, STARTED]),
    ("prepare", []), ("start", []), ("query-status", []),
])
def test_starts_by_what_was_found(glob, wanted):
    text = made_up(at(0)) + REFUSED + STARTED
    found = records("--event", "start", "--command", glob, "-", input=text)
    assert [record.get("finding", "prepare") for record in found] == \
        [["network-monitor", "prepare"][line == STARTED] for line in wanted]
    others = records("--command", glob, "-", input=text)
    assert [record for record in others if record["event"] == "start"] == found


def test_summary_of_starts():
    """What refused a start, and what would have, are told apart."""
    text = STARTED + REFUSED + 2 * REFUSED.replace("refused", "would refuse") + REFUSED.replace("refused", "warning")
    summary = json.loads(audit("--summary", "--json", "-", input=text)[1])
    assert (summary["starts"], summary["refused_starts"], summary["would_be_refused_starts"]) == (1, 1, 2)
    assert audit("--summary", "-", input=text)[1].startswith(
        "demo: 0 commands, 0 blocked, 1 start, 1 reason to refuse one, 2 reasons that would have refused one; ")
    made = made_up(at(0), event="start", finding="network-monitor", verdict="audit")
    summary = json.loads(audit("--summary", "--json", "-", input=made)[1])
    assert (summary["starts"], summary["refused_starts"], summary["would_be_refused_starts"]) == (0, 0, 1)
    assert len(records("--verdict", "audit", "-", input=text)) == 2


LIFE = (
    "QMP grant given: demo | inject-nmi | user=root | channel=qmp | grant=0a1b2c3d | for=user:bob | left=1"
    " | seconds=900 | reason=bug 7\n"
    "QMP dangerous: demo | inject-nmi | user=bob | rule=baseline:@dangerous | grant=0a1b2c3d | left=0 | reason=bug 7\n"
    "QMP blocked: demo | inject-nmi | user=bob | rule=baseline:@dangerous | grant=0a1b2c3d | reason=it is spent\n"
    "QMP blocked: demo | inject-nmi | user=eve | rule=baseline:@dangerous\n"
    "QMP grant ended: demo | inject-nmi | user=- | channel=qmp | grant=0a1b2c3d | for=user:bob | left=0"
    " | seconds=0 | reason=bug 7\n")
USED = [{"grant": "0a1b2c3d", "taken": 1, "left": 0, "given-by": "root", "reason": "bug 7"}]


def test_rows_of_a_grant():
    """What one was given for, what passed by it, what it did not help, and its end: and nothing of others."""
    _, *rows = audit("--grant", "0a1b2c3d", "-", input=LIFE)[1].splitlines()
    assert [row[20:].split() for row in rows] == [line.split() for line in (
        "demo root qmp grant given: inject-nmi - - grant 0a1b2c3d for user:bob",
        "demo bob qmp inject-nmi dangerous grant baseline:@dangerous, grant 0a1b2c3d",
        "demo bob qmp inject-nmi - deny baseline:@dangerous, grant 0a1b2c3d is spent",
        "demo - qmp grant ended: inject-nmi - - grant 0a1b2c3d for user:bob")]
    assert len(audit("-", input=LIFE)[1].splitlines()) == 6
    assert audit("--grant", "0a1b2c3e", "-", input=LIFE)[:2] == (NONE, "")
    assert audit("--grant", "0a1b2c3", "-", input=LIFE)[0] == UNSURE


@pytest.mark.parametrize("words, wanted", [
    (["--event", "grant"], ["given", "ended"]), (["--event", "grant", "--user", "root"], ["given"]),
    (["--verdict", "grant"], [None]), (["--verdict", "grant", "--grant", "0a1b2c3d"], [None]),
    (["--verdict", "deny", "--grant", "0a1b2c3d"], [None]), (["--command", "inject-*", "--user", "-"], ["ended"]),
])
def test_filters_of_grants(words, wanted):
    assert [record.get("step") for record in records(*words, "-", input=LIFE)] == wanted


def test_counts_of_grants():
    """What passed by a grant is a command that passed."""
    text = LIFE + made_up(at(3), command="inject-nmi", verdict="grant", rule="baseline:@dangerous", grants=USED)
    summary = json.loads(audit("--summary", "--json", "-", input=text)[1])
    assert (summary["total"], summary["blocked"], summary["granted"]) == (4, 2, 2)
    assert summary["verdicts"] == {"grant": 2, "deny": 2}
    assert ": 4 commands, 2 blocked, 2 passed by a grant, 0 starts; " in audit("--summary", "-", input=text)[1]
    assert "granted" not in audit("--summary", "-", input=made_up(at(0)))[1]
    counts = [json.loads(line) for line in audit("--count-by", "command", "--json", "-", input=text)[1].splitlines()]
    assert counts == [{"count": 4, "command": "inject-nmi"}, {"count": 1, "command": "grant ended: inject-nmi"},
                      {"count": 1, "command": "grant given: inject-nmi"}]
    assert len(records("--grant", "0a1b2c3d", "-", input=text)) == 5


def test_rows_of_policies_and_lost_records():
    """Of a digest the first digits are shown."""
    old, new = "0123456789abcdef" * 4, "f" * 64
    text = (whole_record(at(0), "policy", domain="demo", policy=old, was="none") +
            whole_record(at(1), "policy", domain="demo", policy=new, was=old) +
            f"domain policy in force: demo | policy={new}\n")
    _, *rows = audit("--event", "policy", "-", input=text)[1].splitlines()
    assert rows[0].split()[2:] == ["demo", "-", "-", "policy", "changed", "-", "-", "was", "none,", "now", old[:12]]
    assert rows[1].endswith(f" was {old[:12]}, now {new[:12]}")
    assert " policy in force " in rows[2] and rows[2].endswith(f" {new[:12]}")
    rows = audit("--event", "lost", "-", input=text + whole_record(at(2), "lost", records=7))[1].splitlines()
    assert len(rows) == 2 and rows[1].split()[2:] == ["-", "-", "-", "lost", "7", "-", "-", "-"]


def test_bursts(busy):
    words = ["--vm", busy.name]
    burst, = (json.loads(line) for line in audit(*words, "--burst", "5/60", "--json")[1].splitlines())
    assert (burst["vm"], burst["user"], burst["count"]) == (busy.name, "root", 6)
    assert burst["first"] < burst["last"]
    assert audit(*words, "--burst", "7/60")[1] == ""
    assert len(audit(*words, "--burst", "6/60")[1].splitlines()) == 2


def made_up(*times, count=None, **members):
    """Records as lines, without a chain."""
    return "".join(json.dumps({
        "time": moment, "event": "repeat" if count else "decision", "domain": "demo", "user": "alice",
        "channel": "qmp", "command": "query-status", "class": "safe", "verdict": "allow", "rule": "r",
        **({"count": count} if count else {}), **members}) + "\n" for moment in times)


def whole_record(moment, event, **members):
    """A line as the guard itself writes it, but for its chain."""
    record = {"time": moment, "event": event, **members, "seq": 1, "chain": "0" * 64}
    return json.dumps(record, separators=(",", ":")) + "\n"


def at(second):
    moment = datetime.datetime(2026, 11, 21) + datetime.timedelta(seconds=second)
    return moment.isoformat(timespec="microseconds") + "Z"


@pytest.mark.parametrize("seconds, wanted", [
    ([0, 1, 2], [(0, 2, 3)]),
    ([0, 5, 10], [(0, 10, 3)]),
    ([0, 5, 11], []),
    ([0, 1, 2, 3, 40, 41, 42], [(0, 3, 4), (40, 42, 3)]),
    ([0, 20, 40, 60], []),
    ([0, 4, 8, 12, 16, 20], [(0, 20, 6)]),
])
def test_burst_windows(seconds, wanted):
    found = [json.loads(line) for line in
             audit("--burst", "3/10", "--json", "-", input=made_up(*map(at, seconds)))[1].splitlines()]
    assert [(burst["first"], burst["last"], burst["count"]) for burst in found] == \
        [(at(first), at(last), count) for first, last, count in wanted]


def test_repetitions_count_as_many():
    text = made_up(at(0)) + made_up(at(60), count=99, first=at(1), last=at(60))
    assert json.loads(audit("--count-by", "vm", "--json", "-", input=text)[1]) == {"count": 100, "vm": "demo"}
    assert json.loads(audit("--summary", "--json", "-", input=text)[1])["total"] == 100
    burst = json.loads(audit("--burst", "100/60", "--json", "-", input=text)[1])
    assert burst["count"] == 100
    assert "query-status x99" in audit("-", input=text)[1]


# The text log and the journal

def test_libvirts_log(busy, log):
    """The same commands as the trail has, and what each line says of them."""
    path = os.environ["QMP_GUARD_LAB_LOG"]
    assert commands("--vm", busy.name, "--event", "decision", path) == ALL
    from_trail = records("--vm", busy.name, "--event", "decision")
    from_log = records("--vm", busy.name, "--event", "decision", path)
    for one, other in zip(from_trail, from_log):
        shared = {"domain", "user", "command", "hmp", "channel", "verdict"}
        assert {name: one.get(name) for name in shared} == {name: other.get(name) for name in shared}
        assert other["time"][:19] == one["time"][:19]
    assert commands("--vm", busy.name, "--verdict", "blocked", path) == ALL[3:]


def test_a_journal():
    entry = {"__REALTIME_TIMESTAMP": "1795255200000000", "_UID": "0", "_HOSTNAME": "h", "QMPGUARD_VERDICT": "deny",
             "MESSAGE": "QMP blocked: demo | quit | user=alice | rule=r"}
    text = json.dumps(entry) + "\n" + json.dumps(entry | {"MESSAGE": "something else"}) + "\n"
    found, = records("--vm", "demo", "-", input=text)
    assert found["time"] == "2026-11-21T10:00:00.000000Z" and found["command"] == "quit"


def test_sources_mixed_in_one_stream():
    text = (made_up(at(0)) + "2026-11-21 10:00:00.000+0000: 123: info : QMP blocked: demo | quit | user=a | rule=r\n" +
            "2026-11-21T10:00:00Z host qmp-guard[12]: VM start refused: demo | x | operation=prepare | policy=none"
            " | rule=r | reason=y\n")
    assert [record["event"] for record in records("-", input=text)] == ["decision", "decision", "start"]


@pytest.mark.parametrize("name", ["a|b=c", "x\n{\"event\":\"decision\"}", "QMP: x | y", "späce", '"domain":"demo"',
                                  "back\\slash", "[31mred"])
def test_hostile_names(make_vm, name):
    """What a name looks like is nothing that a record is taken for; and each is found by the name it was given."""
    machine = make_vm(f"{unique_name()} {name}")
    machine.send(request(SAFE))
    for path in ([], [os.environ["QMP_GUARD_LAB_LOG"]]):
        assert commands("--vm", machine.name, "--event", "decision", *path) == [SAFE]
    assert len(audit("--vm", machine.name, "--event", "decision")[1].splitlines()) == 2


def test_records_are_printed_as_they_are():
    text = '{ "event" : "start", "domain" : "demo" }\n' + made_up(at(0))
    assert audit("--json", "-", input=text)[1] == text


# What cannot be read

@pytest.mark.parametrize("content, wanted", [
    (b"", ""),
    (b"\n\n", ""),
    (b'{"time":"2026', "1: a JSON object without its end: it is torn"),
    (b'{"event":"decision","domain":"\xff\xfe"}\n', "1: bytes that are not UTF-8"),
    (b'{"event":"decision","domain":"' + b"x" * 1_000_000 + b'"\n', "1: a JSON object without its end: it is torn"),
    (b"x" * 1_000_000, ""),
    (bytes(range(256)) * 64, "1: NUL bytes: this is no text"),
    (b"\x1f\x8bnot gzip", None),
    (b"[]\n", ""),
], ids=["empty", "empty-lines", "torn", "no-utf8", "long-and-torn", "long", "binary", "no-gzip", "list"])
def test_no_records(tmp_path, content, wanted):
    path = tmp_path / "file"
    path.write_bytes(content)
    status, output, errors = audit(path)
    assert output == ""
    if wanted is None:
        assert status == UNSURE and "gzip data" in errors
    else:
        assert status == NONE and f"{path}:{wanted}" in errors if wanted else errors == ""


def test_long_records(tmp_path):
    path = tmp_path / "file"
    path.write_text(made_up(at(0), reason="x" * 1_000_000) + made_up(at(1)))
    assert len(records(path)) == 2 and len(records("--vm", "demo", path)) == 2
    path.write_text(made_up(at(0), domain="x" * 1_000_000) + made_up(at(1)))
    assert audit("--vm", "demo", path)[0] == FOUND
    path.write_text(whole_record(at(0), "decision", domain="x" * 300_000) + made_up(at(1)))
    status, output, errors = audit(path)
    assert status == FOUND and len(output.splitlines()) == 2
    assert f"{path}:1: members of more than 256 KiB" in errors and "lines that could not be read: 1\n" in errors


def test_unreadable_lines_are_counted_and_named(trail):
    lines = trail.read_bytes().splitlines(keepends=True)
    lines[2:2] = [b"rubbish\n"] * 7
    lines[12:12] = [b'{"time":"20\n']
    trail.write_bytes(b"".join(lines))
    status, _, errors = audit("--vm", "no-such-vm", trail)
    assert status == NONE
    assert [f"{trail}:{number}: not a JSON object" in errors for number in range(3, 9)] == [True] * 5 + [False]
    assert "lines that could not be read: 8" in errors


LOST = "virt-qmp-guard: records that the guard could not write, by its own count: "


@pytest.mark.parametrize("words, wanted", [
    ([], "9\n"),
    (["--vm", "demo", "--verdict", "deny"], "9\n"),
    (["--since", at(5)], "4 in the time asked for\n"),
    (["--until", at(5)], "5 in the time asked for\n"),
    (["--since", at(11)], None),
    (["--event", "lost", "--since", at(5)], "4 in the time asked for\n"),
    (["--summary", "--json"], "9\n"),
])
def test_records_that_the_guard_lost(words, wanted):
    text = whole_record(at(0), "lost", records=5) + made_up(at(5)) + whole_record(at(10), "lost", records=4)
    assert audit(*words, "-", input=text)[2] == (LOST + wanted if wanted else "")


@pytest.mark.parametrize("words, wanted", [
    ([], "11\n"),
    (["--since", at(5)], "4 in the time asked for, and of 7 it does not say when\n"),
    (["--since", at(11)], "0 in the time asked for, and of 7 it does not say when\n"),
])
def test_records_that_the_guard_once_lost(words, wanted):
    """Those of an older guard say nothing of the time, and so may be of any."""
    text = '{"event":"lost","records":7}\n' + whole_record(at(10), "lost", records=4)
    assert audit(*words, "-", input=text)[2] == LOST + wanted
    assert '{"event":"lost","records":7}\n' in audit("--event", "lost", "--json", *words, "-", input=text)[1]


def test_rotated_parts(second_lab):
    lab = second_lab()
    path = lab.directory / "var/log/libvirt/qmp-guard/audit.log"
    machine = lab.machine("turned")
    for number in range(1, 4):
        machine.send(request(SAFE))
        if number == 1:
            path.with_name("audit.log.2.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        elif number == 2:
            path.rename(path.with_name("audit.log.1"))
    found = lab.run("virt-qmp-guard", "audit", "--json")
    times = [json.loads(line)["time"] for line in found.stdout.splitlines()]
    assert len(times) == 4 and times == sorted(times)
    # The start, the policy that the first command met, and three commands with their outcomes.
    assert lab.run("virt-qmp-guard", "audit", "--verify").stdout == "sound: records 1 to 8\n"

    lab.daemon("restart")
    lab.find(machine).send(request(SAFE))
    verified = lab.run("virt-qmp-guard", "audit", "--verify")
    assert verified.returncode == FOUND and re.fullmatch(r"sound: records 1 to \d+\n", verified.stdout)

    path.with_name("audit.log.2.gz").unlink()
    verified = lab.run("virt-qmp-guard", "audit", "--verify")
    assert verified.returncode == FOUND and verified.stdout.startswith("the chain starts here with record 5: ")

    path.with_name("audit.log.1").unlink()
    path.unlink()
    verified = lab.run("virt-qmp-guard", "audit", "--verify")
    assert verified.returncode == NONE and "are missing at the end" in verified.stdout


def next_line(process, seconds=10):
    """A line of a process that follows; it has to come soon."""
    os.set_blocking(process.stdout.fileno(), False)
    deadline = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n"):
        assert time.monotonic() < deadline, f"nothing more came: {line}"
        try:
            line += os.read(process.stdout.fileno(), 65536)
        except BlockingIOError:
            time.sleep(0.02)
    return json.loads(line)


def append(path, text):
    with path.open("a", encoding="ascii") as file:
        file.write(text)


def follow(*words):
    """The helper, as a pipe's writer that is told of the pipe's end and not killed by it."""
    return subprocess.Popen(["virt-qmp-guard", "audit", "--follow", "--json", *words], stdout=subprocess.PIPE, bufsize=0,
                            restore_signals=False)


def end(process, go_on):
    """Nobody reads any more: at the next record it ends by itself, and that is no failure."""
    process.stdout.close()
    try:
        go_on()
        assert process.wait(timeout=10) == FOUND
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("rotate", ["rename", "copytruncate"])
def test_follow(tmp_path, rotate):
    path = tmp_path / "audit.log"
    path.write_text(made_up(at(0)) + made_up(at(1), domain="other"))
    process = follow("--vm", "demo", path)
    try:
        assert next_line(process)["time"] == at(0)
        with path.open("a", encoding="ascii") as file:
            text = made_up(at(2))
            file.write(text[:40])
            file.flush()
            time.sleep(0.5)
            file.write(text[40:])
        assert next_line(process)["time"] == at(2)
        if rotate == "rename":
            with path.open("a", encoding="ascii") as file:
                path.rename(tmp_path / "audit.log.1")
                file.write(made_up(at(3)))
            assert next_line(process)["time"] == at(3)
            path.write_text(made_up(at(4)))
        else:
            path.write_text("")
            time.sleep(0.5)
            path.write_text(made_up(at(4)))
        assert next_line(process)["time"] == at(4)
        assert process.poll() is None
    finally:
        end(process, lambda: append(path, made_up(at(5))))


def test_follow_the_trail(vm):
    """What is done shows up at once; with --since, nothing older."""
    since = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds")
    process = follow("--since", since, "--vm", vm.name)
    try:
        vm.send(request("query-name"))
        assert next_line(process)["command"] == "query-name"
    finally:
        end(process, lambda: vm.send(request("query-kvm")))


# Usage

@pytest.mark.parametrize("words, wanted", [
    (["--since", "sometime"], "'sometime' is no time: accepted are 2026-11-21"),
    (["--verdict", "blocke"], "there is no verdict 'blocke': it is allow, warn, grant, audit or deny"),
    (["--class", "privilege"], "did you mean 'privileged'?"),
    (["--channel", "vnc"], "it is qmp, hmp or agent"),
    (["--event", "strat"], "there is no event 'strat': it is decision, outcome, repeat, start, grant, policy, identity"),
    (["--event", "start", "--outcomes"], "give one of them"),
    (["--verify", "--event", "start"], "give it no filters"),
    (["--count-by", "vm,usr"], "nothing is counted by 'usr': it is vm, user"),
    (["--burst", "5"], "--burst '5' is not COMMANDS/SECONDS"),
    (["--burst", "1/5"], "2 to"),
    (["--burst", "100001/5"], "2 to 100000 commands"),
    (["--vm", "a", "--vm", "b"], "'a' and 'b': give one of them"),
    (["--summary", "--verify"], "give one of them"),
    (["--follow", "--count-by", "vm"], "--follow has no end"),
    (["/no/such/file"], "cannot read /no/such/file: No such file"),
    (["/tmp"], "is a directory"),
    (["--nonsense"], "nonsense"),
])
def test_mistakes(words, wanted):
    status, output, errors = audit(*words)
    assert status == UNSURE and output == "" and wanted in errors


def test_one_file_of_several_is_missing(trail):
    status, output, errors = audit("--json", trail, "/no/such/file")
    assert status == UNSURE and output != "" and "/no/such/file" in errors


def test_not_for_everyone(busy):
    status, _, errors = audit(user="alice")
    assert status == UNSURE and "run this as root" in errors


def test_help():
    status, output, _ = audit("--help")
    assert status == FOUND
    assert audit("--vm", "x", "--help")[:2] == audit("--summary", "-h")[:2] == (FOUND, output)
    for word in ("--vm", "--burst", "--verify", "lost records are hidden", "exit status: 0 records were found", "1 none was", "2 usage"):
        assert word in output
