# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-qmp-guard audit --verify: a real trail is sound, and whatever was done to it is found and named."""

import gzip
import json
import pathlib
import re
import shutil

import pytest

from clients import qmp_guard, request

TRAIL = pathlib.Path("/var/log/libvirt/qmp-guard/audit.log")
SOUND, PROBLEM, UNSURE = 0, 1, 2


def verify(*words):
    """The exit status, and what was printed."""
    done = qmp_guard("audit", "--verify", *words)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def trail(vm, tmp_path):
    """A copy of the trail with its head, to be tampered with: of at least a dozen records."""
    for _ in range(10):
        vm.send(request("query-status"))
    copy = tmp_path / "audit.log"
    shutil.copy(TRAIL, copy)
    shutil.copy(f"{TRAIL}.head", f"{copy}.head")
    return copy


def test_sound(trail):
    status, output, errors = verify(trail)
    assert status == SOUND and errors == ""
    assert re.fullmatch(r"sound: records 1 to \d+\n", output)
    answer = json.loads(verify("--json", trail)[1])
    assert answer["sound"] and answer["head"] and answer["records"] == answer["last"] >= 10
    assert verify()[0] == SOUND


def alter(lines):
    lines[4] = lines[4].replace(b'"verdict":"', b'"verdict":"x', 1).replace(b'"event":"', b'"event":"x', 1)


def alter_hash(lines):
    digit = b"0" if lines[4][-4:-3] != b"0" else b"1"
    lines[4] = lines[4][:-4] + digit + lines[4][-3:]


def alter_number(lines):
    lines[4] = lines[4].replace(b'"seq":5,', b'"seq":50,')


def lower_number(lines):
    lines[4] = lines[4].replace(b'"seq":5,', b'"seq":2,')


def alter_end(lines):
    lines[4] = lines[4][:-3] + b"}\n"


def remove(lines):
    del lines[4]


def remove_three(lines):
    del lines[4:7]


def swap(lines):
    lines[4], lines[5] = lines[5], lines[4]


def swap_first(lines):
    lines[0], lines[1] = lines[1], lines[0]


def move_far(lines):
    lines.insert(8, lines.pop(4))


def repeat(lines):
    lines.insert(4, lines[2])


def insert_rubbish(lines):
    lines.insert(4, b"rubbish\n")


def insert_empty(lines):
    lines.insert(4, b"\n")


def insert_record(lines):
    lines.insert(4, lines[4].replace(b'"time":"2', b'"time":"3'))


def insert_with_a_blank(lines):
    """Readers would take it for a record, the chain would not."""
    lines.insert(4, lines[4].replace(b'"user":"root"', b'"user":"bob"')[:-1] + b" \n")


def insert_number_zero(lines):
    forged = lines[4][:lines[4].index(b',"seq":')] + b',"seq":0,"chain":"' + b"a" * 64 + b'"}\n'
    lines.insert(4, forged)


def cut_record(lines):
    lines[4] = lines[4][:100] + b"\n"


def cut_end(lines):
    del lines[-2:]


def tear_end(lines):
    lines[-1] = lines[-1][:100]


def start_anew(lines):
    lines.append(lines[0])


TAMPERINGS = [
    (alter, 5, 5, "record 5 was altered"),
    (alter_hash, 5, 5, "record 5 was altered"),
    (alter_number, 5, 5, "record 5 was altered: it says that its number is 50"),
    (lower_number, 5, 5, "record 5 was altered: it says that its number is 2"),
    (alter_end, 5, 5, "no record of the trail: it was put in, or its end was altered"),
    (remove, 5, 5, "record 5 is missing"),
    (remove_three, 5, 5, "records 5 to 7 are missing"),
    (swap, 5, 6, "record 6 stands where 5 belongs"),
    (swap_first, 2, 1, "record 1 comes after record 2: they were reordered"),
    (move_far, 5, 6, "record 6 stands where 5 belongs, which comes only in FILE:9: they were reordered"),
    (repeat, 5, 3, "record 3 comes after record 4: it was put in"),
    (insert_rubbish, 5, 5, "no record of the trail: it was put in"),
    (insert_empty, 5, 5, "no record of the trail: it was put in"),
    (insert_record, 5, 5, "a record with the number 5 was put in: the right one is in FILE:6"),
    (insert_with_a_blank, 5, 5, "no record of the trail: it was put in"),
    (insert_number_zero, 5, 5, "no record of the trail: it was put in"),
    (cut_record, 6, 5, "record 5 is missing"),
    (cut_end, None, None, "are missing at the end"),
    (tear_end, None, None, "is missing at the end"),
    (start_anew, None, 1, "a new chain starts after record"),
]


@pytest.mark.parametrize("parts", ["whole", "rotated", "compressed"])
@pytest.mark.parametrize("tamper, line, seq, wanted", TAMPERINGS, ids=[row[0].__name__ for row in TAMPERINGS])
def test_finds(trail, tamper, line, seq, wanted, parts):
    lines = trail.read_bytes().splitlines(keepends=True)
    tamper(lines)
    files = [trail]
    first = trail
    if parts != "whole":
        # The chain goes on from one part into the next; what was tampered with is in the first or at its border.
        first = trail.with_name("audit.log.1" if parts == "rotated" else "audit.log.1.gz")
        content = b"".join(lines[:9])
        first.write_bytes(content if parts == "rotated" else gzip.compress(content))
        lines = lines[9:]
        files = [first, trail]
    trail.write_bytes(b"".join(lines))
    status, output, errors = verify(*files)
    assert status == PROBLEM and errors == ""
    problem, = [row for row in output.splitlines() if wanted.replace("FILE", str(first)) in row]
    if line:
        assert problem.startswith(f"{first}:{line}: ")
    answer = json.loads(verify("--json", *files)[1])
    assert not answer["sound"] and (seq is None or answer["seq"] == seq) and (line is None or answer["line"] == line)


@pytest.mark.parametrize("cut", [0, 1, 4])
def test_every_byte_counts(trail, cut):
    """Of each record another byte, in turn all over it."""
    original = trail.read_bytes()
    lines = original.splitlines(keepends=True)[:12]
    for number, line in enumerate(lines):
        where = (len(line) - 2) * (number * 5 + cut) % (len(line) - 2)
        changed = bytearray(line)
        changed[where] ^= 1
        trail.write_bytes(b"".join(lines[:number] + [bytes(changed)] + lines[number + 1:]))
        assert verify(trail)[0] == PROBLEM, (number, where)


@pytest.mark.parametrize("left", [
    lambda line: line[:50], lambda line: line[:line.index(b"},") + 1], lambda line: line[:50] + b"\0" * 100,
    lambda line: b"\0" * 100, lambda line: line[:3],
], ids=["half", "half that ends with a brace", "half and zeros", "zeros", "three bytes"])
def test_torn_and_passed_by(trail, left):
    """What a writer that is killed, or a host that loses power, leaves behind: the chain does without it."""
    lines = trail.read_bytes().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if b'"who":{' in line)
    trail.write_bytes(b"".join(lines[:at]) + left(lines[at]) + b"\n" + b"".join(lines[at:]))
    status, output, _ = verify(trail)
    assert status == SOUND and output.startswith(f"{trail}:{at + 1}: torn: ") and "\nsound: " in output


def test_beginning_that_is_gone(trail):
    """As it is once logrotate has dropped a part: of the first record that is left nothing can be said."""
    lines = trail.read_bytes().splitlines(keepends=True)
    trail.write_bytes(b"".join(lines[3:]))
    status, output, _ = verify(trail)
    assert status == SOUND
    assert "the chain starts here with record 4: neither those before it nor that one itself can be checked" in output
    assert "\nsound: records 5 to " in output
    assert json.loads(verify("--json", trail)[1])["first_checked"] == 5


def test_a_head_that_is_behind(trail):
    """A writer that was killed between a record and its head; and a head that is another chain's."""
    head = pathlib.Path(f"{trail}.head")
    lines = trail.read_text().splitlines()
    last = json.loads(lines[-3])
    head.write_text(f"{last['seq']} {last['chain']}\n")
    assert verify(trail)[0] == SOUND
    head.write_text(f"{last['seq']} {last['chain'][::-1]}\n")
    status, output, _ = verify(trail)
    assert status == PROBLEM and "is not the one that its .head names" in output
    head.unlink()
    status, output, _ = verify(trail)
    assert status == SOUND and "there is no .head" in output


@pytest.mark.parametrize("is_there", [False, True], ids=["missing", "empty"])
def test_the_hosts_own_trail_without_a_head(second_lab, is_there):
    """The guard never leaves it so: whoever took records away at the end may have taken it too."""
    lab = second_lab()
    lab.machine().send(request("query-status"))
    directory = lab.directory / "var/log/libvirt/qmp-guard"
    assert lab.run("virt-qmp-guard", "audit", "--verify").returncode == SOUND
    (directory / "audit.log.head").unlink()
    if is_there:
        (directory / "audit.log.head").touch()
    done = lab.run("virt-qmp-guard", "audit", "--verify")
    assert done.returncode == PROBLEM
    assert done.stdout.startswith(
        f"{TRAIL}: .head is missing: whether records are missing at the end cannot be told\nsound before that: ")
    answer = json.loads(lab.run("virt-qmp-guard", "audit", "--verify", "--json").stdout)
    assert not answer["sound"] and not answer["head"] and ".head is missing" in answer["problem"]
    named = lab.run("virt-qmp-guard", "audit", "--verify", TRAIL)
    assert named.returncode == SOUND and "there is no .head" in named.stdout

    # The next writer makes it anew.
    lab.machine().send(request("query-status"))
    assert lab.run("virt-qmp-guard", "audit", "--verify").returncode == SOUND


def test_cannot_tell(tmp_path):
    empty = tmp_path / "empty"
    empty.write_text("")
    log = tmp_path / "log"
    log.write_text("QMP privileged: d | x | user=a\n")
    for words, wanted in (([empty], "not one record"), ([log], "is no trail"), ([tmp_path / "none"], "No such file"),
                          ([tmp_path], "is a directory"), (["--vm", "x", empty], "give it no filters")):
        status, output, errors = verify(*words)
        assert status == UNSURE and output == "" and wanted in errors
