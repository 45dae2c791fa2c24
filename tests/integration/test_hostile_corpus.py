# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever a client says, in whatever field: one line for each record, that says what was said and nothing else.

Each text of the corpus goes through each field that a client can fill. After each, the trail has the records that it
should have, of the shape that the schema promises, with the field exactly as it went in; libvirt's log has the same
decisions, one line each; no record is about the domain `forged`; and in the end the chain holds.
"""

import json
import re
import sys
import xml.sax.saxutils

import libvirt
import libvirt_qemu
import pytest

from clients import HMP, REPO, answer_of, request, send_bytes, zip_equal
from machines import NAMESPACE, Machine, bare_xml
from raw_rpc import RawClient, RpcError
from second_lab import SecondLab
from trail import Trail, assert_chained

jsonschema = pytest.importorskip("jsonschema")
_TEXT = json.loads((REPO / "docs/audit-record.schema.json").read_text())
SCHEMA = jsonschema.validators.validator_for(_TEXT)(_TEXT)

LOG_CUT, TRAIL_CUT, CLAIM_CUT = 256, 1024, 255
CLAIMS_RECORDED = 8     # of one process

FORGED_LINE = "QMP: forged | stop | params=[] | user=root | timestamp=2026-11-21T12:00:00"
FORGED_BLOCK = "QMP blocked: forged | quit | user=root | rule=baseline:@dangerous"
STAMP = "2026-11-21 12:00:00.000+0000: 42: info : "
FORGED_RECORD = ('{"time":"2026-11-21T12:00:00.000000Z","event":"decision","id":"1-1","domain":"forged","user":"root",'
                 '"channel":"qmp","command":"stop","verdict":"allow","rule":"baseline:@safe","who":{"user":"root"},'
                 '"policy":"none","host-policy":"none","seq":7,"chain":"' + "0" * 64 + '"}')
CHAIN_END = '","seq":1,"chain":"' + "0" * 64 + '"}'

CORPUS = {
    # What divides lines, fields and members.
    "newline": "a\nb", "return": "a\rb", "return-newline": "a\r\nb", "newlines": "\n\n\n", "last-newline": "a\n",
    "form-feed": "a\fb", "vertical-tab": "a\vb", "tab": "a\tb", "file-separator": "a\x1cb", "unit": "a\x1fb",
    "next-line": "a\u0085b", "line-separator": "a\u2028b", "paragraph-separator": "a\u2029b",
    "pipe": "a|b", "field": "a | user=root", "equals": "a=b", "colon": "a:b", "comma": "a,b", "brackets": "a],b=[c",
    "labelled": "sasl:root", "semicolon": "a;b", "blank": "a b", "blanks": "   ", "end-of-blank": "a ",
    # What shells, terminals and people read differently.
    "ansi": "\x1b[31mred\x1b[0m", "ansi-clear": "\x1b[2J\x1b[H", "osc": "\x1b]0;title\x07", "c1": "\u009b31mred",
    "backspace": "root\b\b\b\bjohn", "delete": "a\x7fb", "rtl": "\u202eroot", "isolate": "\u2066root\u2069",
    "zero-width": "ro\u200bot", "homoglyph": "r\u043e\u043et", "combining": "e\u0301" * 20, "bom": "\ufeffa",
    "umlaut": "\u00fcml\u00e4ut", "emoji": "\U0001f600", "last-character": "\U0010fffd",
    "format": "%s%n%d%99999d", "shell": "$(id)`id`;&", "path": "../../../etc/passwd", "markup": "<a>&amp;]]>",
    # What decodes to something else.
    "quote": 'a"b', "apostrophe": "a'b", "backslash": "a\\b", "last-backslash": "a\\", "backslashes": "\\\\\\",
    "hex": "\\x41", "hex-newline": "\\x0a", "half-hex": "\\x4", "hex-hex": "\\x5cx41", "json-escape": "\\u000a",
    "json-quote": '\\"', "octal": "\\012", "percent": "%0a", "entity": "&#10;", "dots": "...", "dash": "-",
    # Whole records.
    "member": '","domain":"forged', "object": "{}", "list": "[]", "null": "null", "number": "1e999",
    "record": FORGED_RECORD, "record-behind": "\n" + FORGED_RECORD + "\n", "record-inside": '"}\n' + FORGED_RECORD,
    "chain": CHAIN_END, "chain-behind": "x" + CHAIN_END + "\n", "line": FORGED_LINE,
    "line-behind": "x\n" + FORGED_LINE, "log-line": STAMP + FORGED_LINE, "log-line-behind": f"x\n{STAMP}{FORGED_LINE}",
    "block-behind": f"x\r\n{STAMP}{FORGED_BLOCK}\r\n", "field-line": f"x | user=a\n{STAMP}{FORGED_LINE}",
    # What is too much.
    "255": "x" * 255, "256": "x" * 256, "257": "x" * 257, "newlines-255": "\n" * 255, "4096": "y" * 4096,
    "4097": "y" * 4097, "newlines-5000": "\n" * 5000, "umlauts-5000": "\u00e4" * 5000,
    "many": "z" * 1_000_000, "many-newlines": "\n" * 200_000, "too-many": "z" * (1 << 20),
    # What is no text. A NUL ends it, where it can be sent at all.
    "latin-1": b"\xe9t\xe9", "lone-lead": b"a\xc3", "lone-trail": b"a\x80b", "overlong": b"\xc0\xafetc",
    "overlong-nul": b"\xc0\x80", "surrogate": b"\xed\xa0\x80", "beyond": b"\xf4\x90\x80\x80", "never": b"\xfe\xff",
    "never-newline": b"\xff\n" + FORGED_LINE.encode(), "nul": b"a\0b", "nul-record": b"a\0\n" + FORGED_RECORD.encode(),
}
TEXTS = {name: text if isinstance(text, bytes) else text.encode() for name, text in CORPUS.items()}
IS_TEXT = {name: text.decode() for name, text in TEXTS.items() if isinstance(CORPUS[name], str)}
IN_XML = {name: text for name, text in IS_TEXT.items()
          if not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", text)}
COMMAND = re.compile(rb"[A-Za-z0-9_.-]{1,255}")


def decoded(text):
    """The bytes that a record's text stands for."""
    assert re.fullmatch(r"(?:[ -\[\]-~]|\\x[0-9a-f]{2})*", text), text[:200]
    return re.sub(rb"\\x(..)", lambda match: bytes([int(match[1], 16)]), text.encode())


def cut(text, most):
    """As a record has it: up to a NUL, and no more than so many bytes."""
    text = text.split(b"\0")[0]
    return text if len(text) <= most else text[:most] + b"..."


def in_xml(text):
    """For an attribute or an element, with what a parser would else take for white space."""
    return xml.sax.saxutils.escape(text, {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


class Records:
    """What the trail and libvirt's log say after mark(), which is held against one another."""

    def __init__(self, lab):
        self.log = lab.log
        self.trail = Trail(lab.directory)

    def mark(self):
        self.trail.mark()
        self.log.mark()

    def read(self, is_log_ours=True):
        """The records by event. @is_log_ours: libvirt itself logs nothing that a client could have put a line into."""
        with self.trail.path.open("rb") as file:
            file.seek(self.trail.offset)
            lines = file.read().split(b"\n")
        assert lines.pop() == b"" and all(re.fullmatch(rb"[ -~]+", line) for line in lines)
        found = {}
        for line in lines:
            record = json.loads(line)
            SCHEMA.validate(record)
            assert record.get("domain") != "forged" and record["event"] != "lost"
            found.setdefault(record["event"], []).append(record)
        if is_log_ours:
            self.compare(found)
        return found

    def compare(self, found):
        assert all(level for level, _ in self.log.entries())
        assert all(re.fullmatch("[ -~]+", text) for _, text in self.log.entries())
        ours = self.log.records()
        assert len(ours) == len(found.get("decision", [])) + len(found.get("identity", []))
        assert not any(record.domain == "forged" for record in ours)
        lines = [record for record in ours if record.kind != "QMP identity refused"]
        for record, line in zip_equal(found.get("decision", []), lines):
            domain, command = decoded(record["domain"]), decoded(record["command"])
            assert decoded(line.domain) == cut(domain, LOG_CUT)
            assert decoded(line.command) == cut(command, LOG_CUT)
            assert line.field("rule") in (None, record["rule"])

    def decision(self, **kwargs):
        """The one decision there is; what was let pass has the one outcome of its own."""
        found = self.read(**kwargs)
        decision, = found["decision"]
        assert [outcome["id"] for outcome in found.get("outcome", [])] in ([decision["id"]], [])
        assert (decision["verdict"] == "deny") == ("outcome" not in found)
        return decision


@pytest.fixture(scope="module")
def lab(in_lab, tmp_path_factory):
    host_policy = tmp_path_factory.mktemp("hostile") / "policy.xml"
    host_policy.write_text(
        f'<policy xmlns="{NAMESPACE}"><allow command="qom-get" record="path"/><delegate/></policy>')
    started = SecondLab("--host-policy", host_policy)
    yield started
    started.close()


@pytest.fixture(scope="module")
def machine(lab):
    return lab.machine()


@pytest.fixture
def records(lab, machine):
    made = Records(lab)
    yield made
    assert_chained(made.trail.path)
    machine.clear_policy()


def request_of(command, **arguments):
    return json.loads(request(command, **arguments))


def qmp(command, name, value):
    """The text of a command whose @name'd place holds @value, which need not be UTF-8."""
    text = json.dumps(command)
    assert text.count(name) == 1
    try:
        quoted = json.dumps(value.decode())[1:-1]
    except UnicodeDecodeError:
        return text.encode().replace(name.encode(), value)
    return text.encode().replace(name.encode(), quoted.encode())


def send_raw(lab, machine, text, flags=0):
    """Any bytes at all, also those that libvirt's own client would not send."""
    if b"\0" not in text:
        return send_bytes(machine.domain, text, flags)
    with RawClient(lab.socket) as client:
        return answer_of_raw(client, machine.domain.UUID(), text, flags=flags)


def answer_of_raw(client, *arguments, **kwargs):
    try:
        return client.monitor_command(*arguments, **kwargs)
    except RpcError as error:
        return error


def is_refused_text(record):
    return (record["command"], record["verdict"], record["rule"]) == ("(unreadable)", "deny", "request:unreadable")


def test_corpus_is_large():
    assert len(set(TEXTS.values())) == len(TEXTS) >= 50


def test_argument_name(lab, machine, records):
    taken = 0
    for name, text in TEXTS.items():
        records.mark()
        send_raw(lab, machine, qmp(request_of("query-status", NAME=1), "NAME", text))
        record = records.decision()
        if not is_refused_text(record):
            assert [decoded(parameter) for parameter in record["parameters"]] == [text], name
            params, = re.findall(r" \| params=\[([^\[\],]*)\] \| user=root \| ", records.log.record().text)
            assert decoded(params) == text, name
            taken += 1
    assert taken >= 70


def test_command_name(lab, machine, records):
    for name, text in TEXTS.items():
        records.mark()
        send_raw(lab, machine, qmp({"execute": "NAME"}, "NAME", text))
        record = records.decision()
        if COMMAND.fullmatch(text):
            assert decoded(record["command"]) == text
        else:
            assert is_refused_text(record), name


def test_action_name(lab, machine, records):
    for name, text in TEXTS.items():
        records.mark()
        actions = [{"type": "abort", "data": {}}, {"type": "NAME", "data": {}}]
        send_raw(lab, machine, qmp(request_of("transaction", actions=actions), "NAME", text))
        record = records.decision()
        if COMMAND.fullmatch(text):
            assert [decoded(part) for part in record["parts"]] == [b"abort", text]
        else:
            assert is_refused_text(record), name


def test_whole_text(lab, machine, records):
    """As a command, as an HMP line, and as the arguments of one."""
    for text in TEXTS.values():
        for sent, flags in ((text, 0), (text, HMP), (b"info status " + text, HMP), (b"sendkey " + text, HMP)):
            records.mark()
            send_raw(lab, machine, sent, flags)
            record = records.decision()
            assert record["channel"] == ("hmp" if flags else "qmp")
            if not is_refused_text(record):
                assert flags and all(word in sent for word in decoded(record["hmp"]).split())


def test_agent_command(lab, machine, records):
    taken = 0
    for name, text in IS_TEXT.items():
        for command in ({"execute": "NAME"}, {"execute": "guest-ping", "arguments": {"NAME": 1}}, "NAME"):
            records.mark()
            sent = qmp(command, "NAME", text.encode()) if isinstance(command, dict) else text.encode()
            answer_of(libvirt_qemu.qemuAgentCommand, machine.domain, sent.decode(), 1, 0)
            record = records.decision()
            assert record["channel"] == "agent"
            if not is_refused_text(record):
                said = [decoded(value) for value in (record["command"], *record["parameters"])]
                assert said in ([text.encode()], [b"guest-ping", text.encode()]), name
                taken += 1
    assert taken >= 75


def test_value(lab, machine, records):
    """Of an argument that the host policy wants recorded."""
    taken = 0
    for name, text in TEXTS.items():
        records.mark()
        send_raw(lab, machine, qmp(request_of("qom-get", path="NAME", property="type"), "NAME", text))
        record = records.decision()
        if not is_refused_text(record):
            assert decoded(record["values"]["path"]) == cut(text, TRAIL_CUT), name
            taken += 1
    assert taken >= 80


def test_error_as_long_as_the_text(lab, machine, records):
    """QEMU repeats what it did not find."""
    for size in (10, 1000, 70000, 1_000_000):
        records.mark()
        machine.send(request("qom-get", path="z" * size, property="type"))
        outcome, = records.read()["outcome"]
        assert (outcome["result"], outcome.get("error")) == ("error", "DeviceNotFound"), size


@pytest.mark.parametrize("text", ["x", "\n"], ids=ascii)
def test_many_long_names(lab, machine, records, text):
    """A record of all of them would be longer than a record may be; there must be one all the same."""
    records.mark()
    machine.send(request("query-status", **{f"{number:0>3}{text * 252}": 1 for number in range(300)}))
    assert records.decision()["command"] == "query-status"
    records.mark()
    machine.send(request("transaction", actions=[{"type": f"{number:x>255}", "data": {}} for number in range(256)]))
    assert records.decision()["command"] == "transaction"


def test_domain_name_in_a_handle(lab, machine, records):
    """The client's word for a domain that does not exist, and for one that does and has another name."""
    with RawClient(lab.socket) as client:
        for name, text in TEXTS.items():
            for uuid, expected in ((b"\x12" * 16, cut(text, TRAIL_CUT)),
                                   (machine.domain.UUID(), machine.name.encode())):
                records.mark()
                answer_of_raw(client, uuid, b'{"execute":"query-status"}', text)
                assert decoded(records.decision()["domain"]) == expected, name


def define_or_create(lab, xml_text):
    """A domain of any name that libvirt lets one have, running only where it must be; None when there is none."""
    for make in (lab.connect().defineXML, lab.connect().createXML):
        domain = answer_of(make, xml_text)
        if not isinstance(domain, libvirt.libvirtError):
            return domain
    return None


def test_domain_name(lab, records):
    """libvirt's own lines about a domain with a newline in its name do fall apart; the trail is ours."""
    taken, started = set(), set()
    template = bare_xml("PLACE")
    for name, text in IN_XML.items():
        records.mark()
        domain = define_or_create(lab, template.replace("PLACE", in_xml(text)))
        # The hook looks at a domain before libvirt finds that it cannot start one of such a name.
        starts = records.read(is_log_ours=False).get("start", [])
        assert all(decoded(start["domain"]) == cut(text.encode(), TRAIL_CUT) for start in starts), name
        if domain is None:
            continue
        started |= {name} if starts else set()
        machine = Machine.__new__(Machine)
        machine.domain = domain
        records.mark()
        machine.send(request("query-status"))
        record = records.decision(is_log_ours="\n" not in text and text.isascii())
        assert decoded(record["domain"]) == text.encode(), name
        machine.discard()
        taken.add(name)
    assert len(taken) >= 60 and started >= {"newline", "last-newline", "line-behind", "log-line-behind", "chain-behind"}


def test_purpose(lab, machine, records):
    """What a domain's policy says a dump is for is in the record of the dump."""
    taken = 0
    for name, text in IN_XML.items():
        policy = f'<policy><allow command="memsave" purpose="{in_xml(text)}"/></policy>'
        if isinstance(answer_of(machine.set_policy_text, policy), libvirt.libvirtError):
            continue
        records.mark()
        machine.send(request("memsave", val=0, size=1, filename="/no/such/file"))
        record = records.decision()
        if record["rule"].startswith("domain:memsave"):
            assert decoded(record["purpose"]) == cut(text.encode(), TRAIL_CUT), name
            taken += 1
        else:
            assert (record["verdict"], record["rule"]) == ("deny", "domain:invalid"), name
    assert taken >= 65


@pytest.mark.parametrize("policy", [
    '<policy><deny command="{}"/></policy>', '<policy><allow user="{}"/></policy>', '<policy mode="{}"/>',
    '<policy><allow command="qom-get"><argument name="{}" match="*"/></allow></policy>', "<policy>{}</policy>",
], ids=["command", "user", "mode", "argument", "text"])
def test_policy_text(lab, machine, records, policy):
    """The refusal of a policy that is invalid says what is wrong with it, which is its author's word."""
    for text in IN_XML.values():
        if isinstance(answer_of(machine.set_policy_text, policy.format(in_xml(text))), libvirt.libvirtError):
            continue
        records.mark()
        machine.send(request("query-status"))
        assert records.decision()["domain"] == machine.name


# Claims each name, and sends a command after each; prints nothing.
CLAIMS = """
import json, sys, libvirt, libvirt_qemu
libvirt.registerErrorHandler(lambda *_: None, None)
connection = libvirt.open("qemu:///system")
domain = connection.lookupByName(sys.argv[1])
for line in sys.stdin:
    claims = {libvirt.VIR_CONNECT_IDENTITY_USER_NAME: json.loads(line)}
    for call in (lambda: connection.setIdentity(claims),
                 lambda: libvirt_qemu.qemuMonitorCommand(domain, '{"execute":"query-status"}', 0)):
        try:
            call()
        except libvirt.libvirtError:
            pass
"""


def claim_all(lab, machine, user=None):
    """Each by a process of its own; returns the names of the texts in the order in which they were claimed."""
    for text in IS_TEXT.values():
        claim(lab, machine, [text], user)
    return list(IS_TEXT)


def claim(lab, machine, texts, user=None):
    """By one process."""
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    done = lab.run(sys.executable, "-c", CLAIMS, machine.name, user=user, input=lines)
    assert done.returncode == 0, done.stderr


def test_claims_of_one_process_do_not_fill_the_trail(lab, machine, records):
    records.mark()
    claim(lab, machine, [f"name-{number}" for number in range(50)] + ["name-1"] * 50, user="alice")
    assert len(records.read()["identity"]) == CLAIMS_RECORDED


def test_claimed_identity_of_a_stranger(lab, machine, records):
    """The refusal says what was claimed, and so do the records of what the client sends after it."""
    records.mark()
    names = claim_all(lab, machine, user="alice")
    found = records.read()
    lines = [record.text.partition(" | claimed=")[2] for record in records.log.records()
             if record.kind == "QMP identity refused"]
    for events in ("identity", "decision"):
        assert len(found[events]) == len(names)
    for name, identity, decision, line in zip_equal(names, found["identity"], found["decision"], lines):
        text = IS_TEXT[name].encode()
        assert decoded(identity["who"]["claimed"]) == cut(text, TRAIL_CUT), name
        assert decoded(line) == cut(text, LOG_CUT), name
        assert decision["user"] == decision["who"]["user"] == "alice"
        assert decoded(decision["who"]["claimed"]) == text[:CLAIM_CUT], name


def test_identity_that_root_gives(lab, machine, records):
    """The name of a client of a proxy's, who is then the user."""
    records.mark()
    names = claim_all(lab, machine)
    found = records.read()
    assert "identity" not in found and len(found["decision"]) == len(names)
    for name, decision, line in zip_equal(names, found["decision"], records.log.records()):
        text = IS_TEXT[name].encode()
        assert decoded(decision["who"]["user"]) == decoded(decision["user"]) == cut(text, TRAIL_CUT), name
        assert decoded(line.field("user")) == cut(text, LOG_CUT), name
