# SPDX-License-Identifier: LGPL-2.1-or-later
"""What two readers could take differently is refused; all else reaches QEMU as exactly what was judged.

The machine's policy allows everything, so nothing but the reading of a text can refuse it here. The witness is QEMU's
own trace of what it executed: after each row it must name what the row says and nothing else, and the monitor must
still give each question its own answer.
"""

import json

import libvirt
import pytest

from clients import HMP, is_denied, request, send_bytes
from features import needs
from raw_rpc import RawClient, RpcError

ALLOW_ALL = ['<allow channel="qmp" command="*"/>', '<allow channel="hmp" command="*"/>']
SMUGGLED = '{"execute":"query-uuid"}'
SANITY = ["query-status", "query-name"]

CONTROLS = [bytes([byte]) for byte in (*range(1, 0x20), 0x7f)]
WHITE = b"\t\n\r"


@pytest.fixture(scope="module", autouse=True)
def policy(shared_witness):
    shared_witness.set_policy(*ALLOW_ALL)
    yield
    shared_witness.clear_policy()


@pytest.fixture
def witness(shared_witness):
    """Not the one that clears the policy after each test: there are many."""
    shared_witness.mark()
    return shared_witness


def send(machine, text, flags=0):
    """Sends any bytes at all: what no client of libvirt's can send goes over the wire by hand."""
    text = text if isinstance(text, bytes) else text.encode()
    if b"\0" not in text:
        return send_bytes(machine.domain, text, flags)
    with RawClient() as client:
        try:
            return client.monitor_command(machine.domain.UUID(), text, flags=flags)
        except RpcError as error:
            assert error.code == libvirt.VIR_ERR_ACCESS_DENIED
            return None


def assert_refused(machine, log, text, flags=0):
    answer = send(machine, text, flags)
    assert answer is None or is_denied(answer), answer
    record = log.record()
    assert record.level == "error" and record.field("rule") == "request:unreadable" and record.field("reason")
    assert record.command == "(unreadable)"
    assert machine.is_sane()
    assert machine.executed() == SANITY


def assert_forwarded(machine, log, text, executed, flags=0):
    answer = send(machine, text, flags)
    assert not is_denied(answer), answer
    record = log.record()
    assert record.passed and record.domain == machine.name
    assert machine.is_sane()
    assert machine.executed() == [*executed, *SANITY]
    return answer


def shortened(text):
    """An id for pytest that can be read."""
    text = ascii(text)
    return text if len(text) < 60 else f"{text[:40]}...{len(text)}"


def in_value(value):
    """@value as the argument of a command that takes any type and changes nothing, for there is no such property."""
    before, after = b'{"execute":"qom-set","arguments":{"path":"/machine","property":"none","value":', b"}}"
    return before + (value if isinstance(value, bytes) else value.encode()) + after


@pytest.mark.parametrize("value", [
    '"plain"', '""', r'"\u00e9"', '"\u00e9"', r'"\ud83d\ude00"', '"\U0001f600"', r'"a\/b\\c\"d\b\f\n\r\t"',
    '"%s %d %n"',
    '"\u00a0\u2028\u202e"', "0", "-1", "-0", "1.5", "-0.5", "0.25e-3", "1e5", "1E+2", "1e308", "18446744073709551615",
    "-9223372036854775808", "true", "false", "null", "[]", "{}", '{"":1}', '{"a":1,"b":2}', '{"a":{"a":{"a":1}}}',
    "[" * 30 + "]" * 30, " \t\r\n1 \t\r\n",
], ids=shortened)
def test_value_is_forwarded(witness, log, value):
    assert_forwarded(witness, log, in_value(value), ["qom-set"])


def test_object_of_the_guards_depth(witness, log):
    """Where libvirt's own limit is lower, by one, it says so and sends nothing."""
    answer = send(witness, in_value('{"a":' * 30 + "1" + "}" * 30))
    assert not is_denied(answer) and log.record().passed
    assert witness.executed() == ([] if "nesting too deep" in str(answer) else ["qom-set"])
    assert witness.is_sane()


@pytest.mark.parametrize("value", [
    r'"\u0000"', r'"a\u0000b"', r'{"a\u0000b":1}', r'{"\u0000":1}',
    r'"\ud800"', r'"\udc00"', r'"\udc00\ud800"', r'"\ud800\u0041"', r'"\ud83d\ud83d"', r'"\ufffe"', r'"\uffff"',
    "NaN", "nan", "Infinity", "-Infinity", "inf", "1.", "0.", "-1.", "1.e5", "-.5", ".5", "010", "-010", "+1", "0x10",
    "1e", "1e+", "1e5e5", "1.2.3", "--1", "-", "0e1", "-0e1", "0E1", "1e999", "-1e999", "18446744073709551616",
    "-9223372036854775809", "1" * 400, "TRUE", "True", "NULL", "nul", "truefalse", "undefined",
    "'x'", r'"\'"', r'"\x41"', r'"\q"', r'"\0"', r'"\u12"', r'"\u12g4"', r'"\U00e9"', '"', '"a', '"a"b"', "\\",
    "[1,]", "[,1]", "[,]", "[1 2]",
    '{"a":1,}', "{a:1}", "{'a':1}", '{"a"}', '{"a":}', '{"a" 1}', '{"a":1 "b":2}', "{1:1}",
    "/* x */ 1", "1 // x\n", "# x\n1", "1 1", "", ",", ":",
    '{"a":1,"a":1}', '{"a":1,"a":2}', r'{"a":1,"\u0061":2}', '{"b":{"a":1,"a":2}}', '[[{"a":1,"b":2,"a":3}]]',
    "[" * 31 + "]" * 31, '{"a":' * 31 + "1" + "}" * 31, "[" * 1200 + "]" * 1200, "]", "}", "]]", "[}", "{]", "[",
    "\f1", "1\v", "\u00a01", "\ufeff1",
    b'"\x80"', b'"\xbf"', b'"\xc3"', b'"\xfe"', b'"\xff"', b'"\xf8\x88\x80\x80\x80"', b'"\xc0\x80"', b'"\xc0\xaf"',
    b'"\xe0\x80\xaf"', b'"\xed\xa0\x80"', b'"\xed\xb0\x80"', b'"\xf4\x90\x80\x80"', b'"\xef\xbf\xbe"', b'\xff"a"',
    b'{"\xff":1}',
], ids=shortened)
def test_value_is_refused(witness, log, value):
    assert_refused(witness, log, in_value(value))


@pytest.mark.parametrize("byte", CONTROLS, ids=shortened)
def test_control_character_is_refused(witness, log, byte):
    """In a value, in a key, and, save for JSON's own white space, between tokens."""
    places = [b'"a%cb"', b'{"a%cb":1}'] + ([] if byte in WHITE else [b"%c1"])
    for place in places:
        witness.mark()
        assert_refused(witness, log.mark(), in_value(place.replace(b"%c", byte)))


@pytest.mark.parametrize("text, executed", [
    ('{"execute":"query-kvm"}', ["query-kvm"]),
    ('{"execute":"query-kvm","arguments":{}}', ["query-kvm"]),
    ('{"arguments":{},"execute":"query-kvm"}', ["query-kvm"]),
    (' \t\r\n{ \t\r\n"execute" : "query-kvm"\n}\n\n', ["query-kvm"]),
    (r'{"\u0065xecute":"query\u002dkvm"}', ["query-kvm"]),
    # Neither QEMU nor we fold case or take `_` for `-`: these are names of no command.
    ('{"execute":"Query-Kvm"}', []),
    ('{"execute":"query_kvm"}', []),
    ('{"execute":"qmp_capabilities"}', ["qmp-capabilities"]),
    ('{"execute":"__com.redhat_query-kvm"}', []),
    ('{"execute":"' + "x" * 255 + '"}', []),
    # QEMU reads it well, and does not begin it: there is no such argument.
    pytest.param('{"execute":"query-kvm","arguments":{"execute":"query-uuid"}}', [], marks=needs("qmp-trace")),
    pytest.param('{"execute":"query-kvm","arguments":{"a":{"execute":"query-uuid"}}}', [], marks=needs("qmp-trace")),
], ids=shortened)
def test_envelope_is_forwarded(witness, log, text, executed):
    assert_forwarded(witness, log, text, executed)


@pytest.mark.parametrize("text", [
    "", " ", "\n", "query-kvm", "null", "true", "1", '"query-kvm"', "[]", '[{"execute":"query-kvm"}]', "{}",
    '{"arguments":{}}', '{"Execute":"query-kvm"}', '{"execute ":"query-kvm"}', '{"command":"query-kvm"}',
    '{"execute":null}', '{"execute":1}', '{"execute":{}}', '{"execute":["query-kvm"]}', '{"execute":""}',
    '{"execute":"' + "x" * 256 + '"}', '{"execute":" query-kvm"}', '{"execute":"query-kvm\\n"}', '{"execute":"%s%n"}',
    '{"execute":"query-kvm|x"}', '{"execute":"query/kvm"}', '{"execute":"qu\u00e9ry"}', r'{"execute":"\u202e"}',
    '{"exec-oob":"query-kvm"}', '{"execute":"query-kvm","exec-oob":"query-kvm"}', '{"execute":"query-kvm","id":1}',
    '{"execute":"query-kvm","id":"libvirt-1"}', '{"execute":"query-kvm","control":{}}',
    '{"execute":"query-kvm","arguments":null}', '{"execute":"query-kvm","arguments":[]}',
    '{"execute":"query-kvm","arguments":"a"}', '{"execute":"query-kvm","arguments":1}',
    '{"execute":"query-kvm","execute":"query-uuid"}', '{"execute":"query-kvm","execute":"query-kvm"}',
    r'{"execute":"query-kvm","\u0065xecute":"query-uuid"}', '{"execute":"query-kvm","arguments":{},"arguments":{}}',
    r'{"execute\u0000x":"query-uuid"}', r'{"execute":"query-kvm","execute\u0000":"query-uuid"}',
    r'{"execute":"query-uuid\u0000x"}', r'{"execute":"query-kvm\u0000"}',
    '{"execute":"query-kvm"', '{"execute":"query-kvm"}}', '{"execute":"query-kvm"}]', '{"execute":"query-kvm"},',
    '{"execute":"query-kvm"} x', '{"execute":"query-kvm"}' + SMUGGLED, '{"execute":"query-kvm"}\n' + SMUGGLED,
    '{"execute":"query-kvm"} // ' + SMUGGLED, '/**/{"execute":"query-kvm"}', '\ufeff{"execute":"query-kvm"}',
    "{'execute':'query-kvm'}", '{execute:"query-kvm"}', '{"execute":"query-kvm",}', '\f{"execute":"query-kvm"}',
    '{"execute":"query-kvm"}\v', b'\xff{"execute":"query-kvm"}', b'{"execute":"query-kvm"}\xff',
    b'{"execute":"query-kvm"\0}', b'\0{"execute":"query-uuid"}', b'{"execute":"query-\0uuid"}',
], ids=shortened)
def test_envelope_is_refused(witness, log, text):
    assert_refused(witness, log, text)


def test_text_behind_a_nul_is_nobodys(witness, log):
    """A string on the wire has a length and may hold a NUL; for libvirt, and so for the guard, it ends there."""
    assert_forwarded(witness, log, b'{"execute":"query-kvm"}\0' + SMUGGLED.encode(), ["query-kvm"])


@pytest.mark.parametrize("text", [
    # QEMU forgets its open braces at a lexical error, and reads what is nested behind it as new commands.
    '{"execute":"query-kvm","arguments":{"a":NaN,"b":' + SMUGGLED + "}}",
    '{"execute":"query-kvm","arguments":{"a":-Infinity,"b":' + SMUGGLED + "}}",
    '{"execute":"query-kvm","arguments":{"a":1.,"b":' + SMUGGLED + "}}",
    '{"execute":"query-kvm","arguments":{"a":0e1,"b":' + SMUGGLED + "}}",
    '{"execute":"query-kvm","arguments":{"a\x01":1,"b":' + SMUGGLED + "}}",
    '{"execute":"query-kvm","arguments":{"a":"\x0b","b":' + SMUGGLED + "}}",
    r'{"execute":"query-kvm","arguments":{"a":"\q","b":' + SMUGGLED + "}}",
    b'{"execute":"query-kvm","arguments":{"a":"\xff' + SMUGGLED.replace('"', "'").encode() + b'"}}',
    b'{"execute":"query-kvm","arguments":{"a":"\xfe","b":' + SMUGGLED.encode() + b"}}",
    b'{"execute":"query-kvm","arguments":{"a":"\xc0\x80","b":' + SMUGGLED.encode() + b"}}",
    r'{"execute":"human-monitor-command","arguments":{"command-line":"\u0000' + SMUGGLED.replace('"', "'") + '"}}',
    b'{"execute":"human-monitor-command","arguments":{"command-line":"\xff' + SMUGGLED.replace('"', "'").encode()
    + b'"}}',
    # The same happens at its limits: depth 1024, and 2097152 tokens in one message.
    '{"execute":"query-kvm","arguments":{"a":' + "[" * 1100 + SMUGGLED + "]" * 1100 + "}}",
    '{"execute":"query-kvm","arguments":{"a":[' + "1," * 1048571 + SMUGGLED + "]}}",
    '{"execute":"query-kvm","arguments":{"a":[' + "1," * 1048570 + SMUGGLED + "]}}",
    # Without the key libvirt adds no id.
    SMUGGLED.replace("execute", "exec-oob"),
], ids=shortened)
def test_nothing_is_smuggled(witness, log, text):
    assert_refused(witness, log, text)


def test_tokens_up_to_the_limit(witness, log):
    """The envelope has 22 tokens, with the brackets; those inside are two for each 1 but the last."""
    def text(count):
        return in_value("[" + ",".join("1" * count) + "]")

    at_limit = (65536 - 22 + 1) // 2
    assert_forwarded(witness, log, text(at_limit), ["qom-set"])
    witness.mark()
    assert_refused(witness, log.mark(), text(at_limit + 1))


def test_bytes_up_to_the_limit(witness, log):
    """1 MiB, so that no answer that repeats it can be too long for libvirt, which takes texts of 4 MiB."""
    text = in_value('"x"')
    assert_forwarded(witness, log, text.ljust(1048576), ["qom-set"])
    for size in (1048577, 4194304):
        witness.mark()
        assert_refused(witness, log.mark(), text.ljust(size))
    answer = send(witness, text.ljust(4194305))
    assert isinstance(answer, libvirt.libvirtError) and not is_denied(answer) and witness.is_sane()


def test_names_and_actions_up_to_the_limit(witness, log):
    for limit, text in ((255, lambda count: in_value(json.dumps({"x" * count: 1}))),
                        (256, lambda count: request("transaction", actions=count * [{"type": "abort", "data": {}}]))):
        witness.mark()
        command = "qom-set" if limit == 255 else "transaction"
        assert_forwarded(witness, log.mark(), text(limit), [command])
        witness.mark()
        assert_refused(witness, log.mark(), text(limit + 1))


def test_depth_that_ends_libvirtd_does_not(witness, log):
    """Two million brackets crash libvirtd 9.0 when it frees them: the guard must not even hand them on."""
    assert_refused(witness, log, "[" * 2000000)
    witness.mark()
    assert_refused(witness, log.mark(), in_value("[" * 2000000 + "]" * 2000000))


@pytest.mark.parametrize("line, judged", [
    ("info status", "info status"),
    ("  info \t status\n", "info status"),
    ("info\nstatus", "info status"),
    ("info", "info"),
    ("help", "help"),
    ("?", "help"),
    ("c", "cont"),
    ("p 1", "print 1"),
    ("print /x 17", "print /x 17"),
    ("print/x 17", "print /x 17"),
    ("xp /1xw 0", "xp /1xw 0"),
    ("xp/1xw 0", "xp /1xw 0"),
    ("qom-list /machine", "qom-list /machine"),
    ("qom-get/machine type", "qom-get /machine type"),
    ('qom-get "/machine""type"', "qom-get /machine type"),
    (r'qom-get "/a\\b\"c" "d\'e"', r'''qom-get "/a\\b\"c" d'e'''),
    ('qom-get /a;b c"d', r'''qom-get /a;b "c\"d"'''),
    ("qom-list /" + "x" * 1022, "qom-list /" + "x" * 1022),
    ("sum 0 16", "sum 0 16"),
    ("o /b 0x80 0", "o /b 0x80 0"),
    ('pmemsave 0 16 "/no/such/file"', 'pmemsave 0 16 "/no/such/file"'),
    ("info qtree -b", "info qtree -b"),
    ("object_add 'a b", "object_add 'a b"),
    # Exact and case-sensitive, without abbreviations; for QEMU these are no commands either.
    ("inf status", "inf status"),
    ("INFO status", "INFO status"),
    ("info stat", "info stat"),
    ("human-monitor-command x", "human-monitor-command x"),
], ids=shortened)
def test_hmp_line_is_forwarded(witness, log, line, judged):
    answer = assert_forwarded(witness, log, line, ["human-monitor-command", f"hmp: {judged}"], HMP)
    assert isinstance(answer, str)
    assert log.records()[0].text.split(" | ")[1] == "human-monitor-command"


@pytest.mark.parametrize("line", [
    "", " ", "\n", "/", "/x", "quit|q", "quit/", "quit x", "info/status", "info /status", "info status x",
    "info status\ninfo version", "info status;info version", "info status; info version", "info status | info version",
    "info status&&info version", "$(info)", "`info`", "stop #", "stop\\", "!info", "info-\u00e9", "\u00a0info status",
    '{"execute":"query-uuid"}', "x" * 256, "info " + "x" * 256, "x" * 5000,
    "pmemsave 0 16 /no/such/file", 'pmemsave 0 8-4"x"',
    'pmemsave $pc 16 "x"', 'pmemsave (0) 16 "x"', 'pmemsave 0x 1 "x"',
    'pmemsave 0 18446744073709551616 "x"', "print 1+1", "print $rip", "print 'a'", "print /q 1", "sum 0", "sum",
    "migrate -dexec:true", "migrate -z tcp:x", "migrate", 'migrate "exec:true', "migrate -d", r'screendump "a\q"',
    r'screendump "a\n"', 'screendump "a\nb"', "screendump \"a\" -f png x y", "qom-list /" + "x" * 1023,
    'qom-list "' + "x" * 1024 + '"', "frobnicate \"x\"", r"frobnicate a\b", "frobnicate \u00e9",
    b"info status\xff", b"\xff{'execute':'query-uuid'}", b"info \xfe{'execute':'query-uuid'}", b"\xc0\x80info status",
    b"info status\x80", b"qom-list \xed\xa0\x80",
], ids=shortened)
def test_hmp_line_is_refused(witness, log, line):
    assert_refused(witness, log, line, HMP)


@pytest.mark.parametrize("byte", [byte for byte in CONTROLS if byte not in WHITE], ids=shortened)
def test_control_character_in_hmp_is_refused(witness, log, byte):
    assert_refused(witness, log, b"info%cstatus".replace(b"%c", byte), HMP)


def test_text_behind_a_nul_in_hmp_is_nobodys(witness, log):
    assert_forwarded(witness, log, b"info status\0\ninfo version", ["human-monitor-command", "hmp: info status"], HMP)


@pytest.mark.parametrize("line, judged", [
    ("info status", "info status"),
    (" info\n\tstatus ", "info status"),
    ("p 1", "print 1"),
    ("qom-get/machine type", "qom-get /machine type"),
    ("info status; stop", None),
    ("info status\nstop", None),
    ("info status\0stop", None),
    ("info\x0bstatus", None),
    ("pmemsave 0 16 /no/such/file", None),
    ("", None),
], ids=shortened)
def test_wrapped_hmp_line_is_read_alike(witness, log, line, judged):
    """human-monitor-command is the other way to send a line, and no way round."""
    text = request("human-monitor-command", command_line=line)
    if judged is None:
        assert_refused(witness, log, text)
    else:
        assert_forwarded(witness, log, text, ["human-monitor-command", f"hmp: {judged}"])


@pytest.mark.parametrize("arguments", [
    None, {}, {"command-line": None}, {"command-line": 1}, {"command-line": ["info status"]}, {"command_line": "info"},
], ids=shortened)
def test_wrapper_without_a_line_is_refused(witness, log, arguments):
    text = {"execute": "human-monitor-command"} | ({} if arguments is None else {"arguments": arguments})
    assert_refused(witness, log, json.dumps(text))


@pytest.mark.parametrize("arguments", [
    {}, {"actions": None}, {"actions": {}}, {"actions": [1]}, {"actions": [{}]}, {"actions": [{"type": 1}]},
    {"actions": [{"type": "", "data": {}}]}, {"actions": [{"type": "abort", "data": []}]},
], ids=shortened)
def test_transaction_without_readable_actions_is_refused(witness, log, arguments):
    assert_refused(witness, log, json.dumps({"execute": "transaction", "arguments": arguments}))


def test_transaction_is_forwarded(witness, log):
    actions = [{"type": "abort", "data": {}}]
    assert_forwarded(witness, log, json.dumps({"execute": "transaction", "arguments": {"actions": actions}}),
                     ["transaction"])


def test_what_ran_is_what_was_recorded_as_passing(witness, log):
    """All ways at once, without a pause: two independent witnesses, one story."""
    texts = [(request("query-kvm"), 0), (request("no-such-command"), 0), ("info status", HMP), ("info /status", HMP),
             (request("human-monitor-command", command_line="p 1"), 0), (r'{"execute":"query-uuid\u0000"}', 0),
             ('{"execute":"query-kvm"}' + SMUGGLED, 0), (in_value("1"), 0), (in_value("NaN"), 0), ("print 2", HMP),
             (request("query-name"), 0), ('{"execute":"query-uuid","id":1}', 0), ("", 0), ("", HMP)]
    for text, flags in texts * 3:
        send(witness, text, flags)
    records = log.records()
    assert len(records) == 3 * len(texts)
    passed = [record.command for record in records if record.passed]
    executed = [name for name in witness.executed() if not name.startswith("hmp: ")]
    assert [name for name in passed if name != "no-such-command"] == executed
    assert witness.executed().count("hmp: print 1") == witness.executed().count("hmp: print 2") == 3
    assert witness.is_sane()
