# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook fed by hand with what no libvirt would send: it always ends, with a plain yes or a no of one line."""

import json
import random
import re
import time
import xml.etree.ElementTree as ElementTree

import pytest

from machines import bare_xml, policy
from second_lab import HOOK_PATH, SecondLab

SECONDS = 5
LAX = policy("<start><ignore/></start>")
NOT_JUDGED = ["start", "started", "stopped", "unknown", "", "prepare\n", "PREPARE"]


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    lab = SecondLab()
    yield lab
    lab.close()


@pytest.fixture
def lab(shared_lab):
    """Its host ignores every finding, so that a start depends on the XML alone."""
    shared_lab.set_host_policy(LAX)
    shared_lab.trail.mark()
    return shared_lab


GOOD = bare_xml("good", ["-no-hpet", "-name", "a,,b"], environment=["NAME=x&y"], metadata=policy(
    '<allow command="query-status"/>', "<!-- caf\u00e9 -->")).encode()
BODY = GOOD.decode()
LAUGHS = "".join(f'<!ENTITY l{n} "{10 * f"&l{n - 1};"}">' for n in range(1, 10))


def in_policy(text):
    return BODY.replace("<allow", f"{text}<allow", 1)


def with_doctype(inside, use=""):
    return f'<?xml version="1.0"?>\n<!DOCTYPE domain {inside}>\n' + BODY.replace("</name>", f"{use}</name>", 1)


# What is in it and whether it is a sound domain.
INPUTS = {
    "good": (GOOD, True),
    "with a byte order mark": (b"\xef\xbb\xbf" + GOOD, True),
    "with a declaration": (b'<?xml version="1.0" encoding="utf-8"?>\n' + GOOD, True),
    "no policy": (bare_xml("x").encode(), True),
    "just a domain": (b"<domain/>", True),
    "end of line": (GOOD.replace(b"\n", b"\r\n"), True),
    "large": (b"<domain><metadata>" + b"<a>" + b"x" * 9000000 + b"</a></metadata></domain>", True),
    "many elements": (b"<domain><metadata>" + b"<a/>" * 500000 + b"</metadata></domain>", True),
    "many attributes": (("<domain " + " ".join(f"a{n}=''" for n in range(10000)) + "/>").encode(), True),
    "more attributes than are read": (("<domain " + " ".join(f"a{n}=''" for n in range(100000)) + "/>").encode(), False),
    "broad command line": (bare_xml("x", 200 * ["x" * 5000]).encode(), True),
    "processing instruction": (b'<?xml-stylesheet href="file:///etc/passwd"?>' + GOOD, True),
    "inclusion": (in_policy('<!-- x -->').replace("</name>", "</name><include xmlns='http://www.w3.org/2001/XInclude' "
                                                  "href='file:///etc/passwd' parse='text'/>", 1).encode(), True),
    "empty": (b"", False),
    "white space": (b" \n", False),
    "no XML": (b"name=x\n", False),
    "another root": (b"<network/>", False),
    "another namespace": (b"<domain xmlns='urn:x'/>", False),
    "two roots": (GOOD + GOOD, False),
    "rest": (GOOD + b"x", False),
    "not UTF-8": (GOOD.replace(b"good", b"g\xff\xfed"), False),
    "overlong UTF-8": (GOOD.replace(b"good", b"g\xc0\x80d"), False),
    "surrogate": (GOOD.replace(b"good", b"g\xed\xa0\x80d"), False),
    "Latin-1": (b'<?xml version="1.0" encoding="ISO-8859-1"?>' + GOOD.replace(b"good", b"g\xe9d"), False),
    "UTF-16": (GOOD.decode().encode("utf-16"), False),
    "UTF-16 without a mark": (GOOD.decode().encode("utf-16-be"), False),
    "UTF-32": (GOOD.decode().encode("utf-32"), False),
    "NUL": (GOOD.replace(b"good", b"go\0od"), False),
    "NUL at the end": (GOOD + b"\0", False),
    "NUL reference": (GOOD.replace(b"good", b"&#0;"), False),
    "billion laughs": (with_doctype(f'[<!ENTITY l0 "ha">{LAUGHS}]', "&l9;").encode(), False),
    "external entity": (with_doctype('[<!ENTITY x SYSTEM "file:///etc/passwd">]', "&x;").encode(), False),
    "external subset": (with_doctype('SYSTEM "file:///etc/passwd"').encode(), False),
    "parameter entity": (with_doctype('[<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]').encode(), False),
    "harmless DOCTYPE": (with_doctype("").encode(), False),
    "DOCTYPE in UTF-16": (('<?xml version="1.0" encoding="UTF-16"?>' + with_doctype("").split("\n", 1)[1])
                          .encode("utf-16"), False),
    "unknown entity": (GOOD.replace(b"good", b"&x;"), False),
    "deep nesting": (b"<domain>" + b"<a>" * 100000 + b"</a>" * 100000 + b"</domain>", False),
    "deep nesting without an end": (b"<domain>" + b"<a>" * 1000000, False),
    "too large a text": (b"<domain><name>" + b"x" * 11000000 + b"</name></domain>", False),
    "too large": (b"<domain>" + b"<!-- -->\n" * (33 * 1024 * 1024 // 9) + b"</domain>", False),
    "much too large": (b"<domain>" + b" " * 140000000, False),
    "endless name": (b"<" + b"a" * 20000000, False),
}


def ask(lab, operation, content, **kwargs):
    """Every run of the hook in this file: whatever came in, it ended by itself, in time and with few words."""
    began = time.monotonic()
    done = lab.hook(operation, content, **kwargs)
    assert time.monotonic() - began < SECONDS
    assert done.stdout == "" and done.returncode in (0, 1), done
    assert "root:x:0" not in done.stderr
    if done.returncode == 0:
        assert done.stderr == ""
    else:
        assert re.fullmatch(r"qmp-guard: [ -~]+\n", done.stderr), done.stderr
    return done


@pytest.mark.parametrize("name", INPUTS)
def test_input(lab, name):
    content, is_sound = INPUTS[name]
    done = ask(lab, "prepare", content)
    assert (done.returncode == 0) == is_sound, done.stderr
    (record,) = lab.trail.starts("fed")
    assert record["verdict"] == ("allow" if is_sound else "deny")
    if not is_sound:
        assert record["finding"] == "unreadable" and record["rule"] == "start:unreadable" and record["reason"]
        assert "[unreadable, refused by start:unreadable]" in done.stderr
    assert "root:x:0" not in lab.trail.path.read_text()

    lab.trail.mark()
    assert ask(lab, "reconnect", content).returncode == 0       # libvirt would kill a domain that runs
    (record,) = lab.trail.starts("fed")
    assert record["verdict"] == ("allow" if is_sound else "audit") and record["operation"] == "reconnect"


@pytest.mark.parametrize("operation", ["restore", "migrate", "attach"])
def test_other_starts_are_judged_alike(lab, operation):
    assert ask(lab, operation, GOOD).returncode == 0
    assert ask(lab, operation, GOOD[:-1].rstrip(b">")).returncode == 1
    assert [record["operation"] for record in lab.trail.starts("fed")] == 2 * [operation]


@pytest.mark.parametrize("operation", NOT_JUDGED)
@pytest.mark.parametrize("name", ["good", "empty", "not UTF-8", "too large"])
def test_other_operations(lab, operation, name):
    assert ask(lab, operation, INPUTS[name][0]).returncode == 0
    assert lab.trail.lines() == []


@pytest.mark.parametrize("name", ["good", "empty", "not UTF-8", "external entity", "too large"])
def test_end_of_a_run_never_fails(lab, name):
    assert ask(lab, "release", INPUTS[name][0], sub_operation="end").returncode == 0
    assert lab.trail.lines() == []


def test_other_sub_operations(lab):
    """libvirt has one for each operation; only that is judged."""
    assert ask(lab, "prepare", b"", sub_operation="end").returncode == 0
    assert ask(lab, "release", b"", sub_operation="begin").returncode == 0
    assert lab.trail.lines() == []


def complaint(content):
    """What another parser says; None: nothing."""
    try:
        root = ElementTree.fromstring(content)
        return None if root.tag == "domain" else root.tag
    except (ElementTree.ParseError, ValueError) as error:
        return str(error)


def test_truncated(lab):
    lengths = range(0, len(GOOD), 50)
    for length in lengths:
        assert ask(lab, "prepare", GOOD[:length]).returncode == 1
        assert ask(lab, "reconnect", GOOD[:length]).returncode == 0
    records = lab.trail.starts("fed")
    assert len(records) == 2 * len(lengths) and {record["finding"] for record in records} == {"unreadable"}


def mutated(source):
    content = bytearray(GOOD)
    for _ in range(source.choice((1, 1, 2, 5, 20))):
        position = source.randrange(len(content))
        kind = source.choice(("bit", "cut", "markup", "copy", "byte"))
        if kind == "bit":
            content[position] ^= 1 << source.randrange(8)
        elif kind == "cut":
            del content[position:position + source.randrange(1, 30)]
        elif kind == "markup":
            content[position:position] = source.choice(
                (b"<", b">", b"&", b"\0", b"]]>", b"<!--", b"\xff", b"&#x0;", b"xmlns:qemu=''", b"<![CDATA[",
                 b"</domain>"))
        elif kind == "copy":
            content[position:position] = content[source.randrange(len(content)):][:source.randrange(100)]
        else:
            content[position] = source.randrange(256)
    return bytes(content)


@pytest.mark.parametrize("seed", range(3))
def test_mutated(lab, seed):
    """Python's parser minds a prefix that nobody declared; libxml2, and so libvirt, does not."""
    source = random.Random(seed)
    verdicts = []
    for _ in range(100):
        content = mutated(source)
        verdicts.append(ask(lab, "prepare", content).returncode == 0)
        wrong = complaint(content)
        assert verdicts[-1] == (wrong is None) or "prefix" in wrong, (content, wrong)
        if not seed:
            assert ask(lab, "reconnect", content).returncode == 0
    assert 2 < sum(verdicts) < 98       # else they are no trial
    assert len(lab.trail.starts("fed", operation="prepare")) == 100


NAMES = ["two\nlines", "two\r\nlines", "\x1b[31mred\x1b[0m", "\udcff\udc80", "caf\u00e9", "a | b: c=d",
         "'quoted' [x, refused by y]", "", " ", "-", "--help", "x" * 100000, "\u202egpj.exe",
         "qmp-guard: domain 'x' may start", "%s%n%d", "\\x41", '"},{"a":"']


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:20]))
def test_names(lab, name):
    """One line for the user, and one for each record."""
    assert ask(lab, "prepare", b"", name=name).returncode == 1
    assert ask(lab, "prepare", GOOD, name=name).returncode == 0
    assert ask(lab, "reconnect", b"", name=name).returncode == 0
    records = [json.loads(line) for line in lab.trail.lines()]
    assert [record["verdict"] for record in records] == ["deny", "allow", "audit"]
    assert len({record["domain"] for record in records}) == 1
    assert all(" " <= letter <= "~" for line in lab.trail.lines() for letter in line)


def test_different_names_stay_different(lab):
    for name in NAMES:
        ask(lab, "prepare", GOOD, name=name)
    assert len({record["domain"] for record in lab.trail.starts()}) == len(NAMES)


def test_without_arguments(lab):
    for arguments in ([], ["x"], ["x", "prepare"]):
        done = lab.run(HOOK_PATH, *arguments)
        assert done.returncode == 1 and done.stdout == "" and done.stderr.startswith("usage: ")


def test_without_standard_streams(lab):
    """Descriptors that are closed become those of files; the trail must not get what is meant for the user."""
    for closed, status in (("<&-", 1), (">&-", 1), ("2>&-", 1), ("<&- >&- 2>&-", 1)):
        lab.trail.mark()
        done = lab.run("sh", "-c", f'"$0" fed prepare begin - </dev/null {closed}', HOOK_PATH)
        assert done.returncode == status
        assert [record["verdict"] for record in lab.trail.starts()] == ["deny"]
