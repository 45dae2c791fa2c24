# SPDX-License-Identifier: LGPL-2.1-or-later
"""The comparison can fail: each account is falsified in turn. And the two readings read as QEMU does."""

import hashlib

import pytest

import broken
import exclusions
from catalogue import COMMANDS, REPO
from compare import DENIED, Place, Sent, Text, check_batch, check_numbers
from hmp_reading import read_line
from json_reading import Unreadable, read_request
from testimony import Contradiction, is_own_begun, is_same, read_agent_log, read_trace

QUERY = b'{"execute":"query-name"}'
SET = b'{"execute":"qom-set","arguments":{"path":"/machine","property":"none","value":9007199254740993}}'


def record(text, number, verdict="allow", **more):
    return {"event": "decision", "id": f"i-{number}", "channel": text.channel, "verdict": verdict, "rule": "r",
            "text": hashlib.sha256(text.data).hexdigest(), "bytes": len(text.data)} | more


OLD, NEW = "1@2.000003:", "2026-01-02T03:04:05.000006Z "       # how a line of QEMU's trace begins


def trace_of(*lines, begin=OLD):
    return "".join(f"{begin}{line}\n" for line in lines).encode()


def request(number, text):
    return f'handle_qmp_command mon 0x1 req: {text[:-1]}, "id": "libvirt-{number}"}}'


class Case:
    """Three accounts that agree: a query, a set, a refusal, an HMP line."""

    def __init__(self):
        texts = [Text("qmp", QUERY), Text("qmp", SET), Text("qmp", b"{"), Text("hmp", b" info\tstatus")]
        self.sent = [Sent(texts[0], 0, ""), Sent(texts[1], 0, ""), Sent(texts[2], DENIED, "x"), Sent(texts[3], 0, "")]
        self.records = [
            record(texts[0], 1, command="query-name", parameters=[]), self.outcome(1),
            record(texts[1], 2, command="qom-set", parameters=["path", "property", "value"]), self.outcome(2, "error"),
            record(texts[2], 3, "deny", rule="request:unreadable", reason="x", command="(unreadable)"),
            record(texts[3], 4, command="human-monitor-command", hmp="info status", parameters=[]), self.outcome(4)]
        arguments = '{"path": "/machine", "property": "none", "value": 9007199254740993}'
        line = '{"command-line": "info status"}'
        self.trace = [
            request(7, '{"execute": "query-name"}'), "qmp_enter_query_name {}",
            request(8, f'{{"execute": "qom-set", "arguments": {arguments}}}'), f"qmp_enter_qom_set {arguments}",
            request(9, f'{{"execute": "human-monitor-command", "arguments": {line}}}'),
            f"qmp_enter_human_monitor_command {line}", "handle_hmp_command mon 0x1 cmdline: info status"]

    @staticmethod
    def outcome(number, result="success"):
        return {"event": "outcome", "id": f"i-{number}", "result": result}

    def check(self, policy="open", clients=1, begin=OLD):
        messages = read_trace(trace_of(*self.trace, begin=begin))
        check_numbers(messages, 6)
        return check_batch(policy, self.sent, self.records, messages, clients)


@pytest.mark.parametrize("begin", [OLD, NEW])
def test_agreement(begin):
    assert Case().check(begin=begin) == {"texts": 4, "refused": 1, "passed": 3, "executed": 3, "own": 0}


def edit(place, old, new):
    def change(case):
        case.trace[place] = case.trace[place].replace(old, new)
    return change


def put(member, place, **values):
    def change(case):
        getattr(case, member)[place].update(values)
    return change


def send_as(place, data, error):
    def change(case):
        case.sent[place] = Sent(case.sent[place].text._replace(data=data), error, "")
    return change


def insert(place, *lines):
    def change(case):
        case.trace[place:place] = lines
    return change


FALSE = {
    "an argument of the message": [edit(2, "993", "992")],
    "an argument of what is executed": [edit(3, "993", "992")],
    "both": [edit(2, "993", "992"), edit(3, "993", "992")],
    "a real number for a whole one": [edit(2, "993", "993.0"), edit(3, "993", "993.0")],
    "another command": [edit(0, "query-name", "query-uuid"), edit(1, "query_name", "query_uuid")],
    "another command is executed": [edit(1, "query_name", "query_uuid")],
    "an unrecorded message": [insert(2, request(8, '{"execute": "query-uuid"}')), edit(3, "-8", "-9"),
                              edit(5, "-9", "-10")],
    "an unrecorded message at the end": [insert(7, request(10, '{"execute": "query-uuid"}'))],
    "a message that libvirt did not number": [insert(2, 'handle_qmp_command mon 0x1 req: {"execute": "query-uuid"}')],
    "a gap in libvirt's numbers": [edit(4, "-9", "-10")],
    "a message out of band": [edit(0, '"execute"', '"exec-oob"')],
    "what QEMU cannot read": [insert(2, "monitor_qmp_err_in_band JSON parse error")],
    "a second HMP line": [insert(7, "handle_hmp_command mon 0x1 cmdline: info version")],
    "another HMP line": [edit(6, "status", "version")],
    "an HMP line that was not rebuilt": [edit(at, "info status", " info status") for at in (4, 5, 6)],
    "an HMP line with another meaning": [edit(at, "info status", "info name") for at in (4, 5, 6)],
    "a line that is none of QEMU's": [insert(2, "qmp_leave_query_name")],
    "nothing of what passed": [lambda case: case.trace.__delitem__(slice(0, 2))],
    "not executed": [lambda case: case.trace.__delitem__(1)],
    "the order": [lambda case: case.trace.__setitem__(slice(0, 4), [
        edited.replace("-8", "-7x").replace("-7\"", "-8\"").replace("-7x", "-7") for edited in case.trace[2:4] +
        case.trace[0:2]])],
    "a record that is missing": [lambda case: case.records.__delitem__(slice(0, 2))],
    "a record too many": [lambda case: case.records.append(dict(case.records[0], id="i-9"))],
    "the digest": [put("records", 0, text="0" * 64)],
    "the size": [put("records", 0, bytes=1)],
    "the command": [put("records", 0, command="query-uuid")],
    "the parameters": [put("records", 2, parameters=["path", "property"])],
    "the HMP command": [put("records", 5, hmp="info version")],
    "the verdict": [put("records", 0, verdict="deny")],
    "an outcome that is missing": [lambda case: case.records.__delitem__(1)],
    "success of what was not executed": [put("records", 3, result="success"), lambda case: case.trace.__delitem__(3)],
    "a refusal that passed": [put("records", 4, verdict="allow"), send_as(2, b"{", 0)],
    "a client that was told otherwise": [send_as(0, QUERY, DENIED)],
}


@pytest.mark.parametrize("clients", [1, 2])
@pytest.mark.parametrize("changes", FALSE.values(), ids=FALSE)
def test_falsehood_is_found(changes, clients):
    case = Case()
    for change in changes:
        change(case)
    if clients == 2 and changes is FALSE["the order"]:
        case.check(clients=2)       # of two clients nobody can tell
        return
    with pytest.raises(Contradiction):
        case.check(clients=clients)


def test_clients_may_send_the_same_bytes_on_two_channels():
    """Nothing, say: to each the record of its own channel."""
    case = Case()
    texts = [Text("qmp", b""), Text("hmp", b"")]
    case.sent += [Sent(text, DENIED, "x") for text in texts]
    case.records += [record(text, 5 + number, "deny", rule="request:unreadable", reason="x", command="(unreadable)")
                     for number, text in enumerate(reversed(texts))]
    assert case.check(clients=2)["texts"] == 6
    case.records[-1]["channel"] = "hmp"
    with pytest.raises(Place, match="the channel is qmp"):
        case.check(clients=2)


def test_clients_may_send_the_same_bytes_with_and_without_a_descriptor():
    """To each its own verdict, whoever comes first."""
    case = Case()
    text = Text("qmp", QUERY, fds=1)
    case.sent.insert(0, Sent(text, DENIED, "x"))
    case.records.append(record(text, 5, "deny", rule="request:stray-fd", command="query-name", parameters=[]))
    assert case.check(clients=2)["refused"] == 2
    case.sent[0] = Sent(text, 0, "")
    with pytest.raises(Place, match="verdict deny, but"):
        case.check(clients=2)


def test_last_words():
    """Where QEMU ends, the last text of each client may have failed, and none before; others were still refused some."""
    case = Case()
    case.sent[1] = Sent(case.sent[1].text, 38, "Connection reset by peer")
    case.records[3]["result"] = "failure"
    case.records[3]["error"] = "libvirt:38"
    case.records[5:] = []
    messages = read_trace(trace_of(*case.trace[:4]))
    del case.sent[3]
    last = [case.sent[1].text, case.sent[2].text]
    assert check_batch("open", case.sent, case.records, messages, 2, last)["passed"] == 2
    with pytest.raises(Place, match="libvirt itself failed"):
        check_batch("open", case.sent, case.records, messages, 2, [case.sent[2].text])


@pytest.mark.parametrize("lines, is_begun", [
    ([request(1, '{"execute": "query-name"}')], False), ([], False),
    ([request(1, '{"execute": "qom-list", "arguments": {"path": "/machine/peripheral"}}')], True),
    ([request(1, '{"execute": "qom-list", "arguments": {"path": "/machine"}}')], False),
    ([request(1, '{"execute": "qom-list", "arguments": {"path": "/machine/peripheral"}}'),
      'qmp_enter_qom_list {"path": "/machine/peripheral"}'], False)])
def test_what_libvirt_sends_by_itself_may_have_been_read_only(lines, is_begun):
    text = trace_of(*lines)
    assert is_own_begun(text) == is_begun
    assert is_own_begun(text[:-1]) == bool(lines)


@pytest.mark.parametrize("policy", ["closed", "observe", "restricted", "baseline"])
def test_what_the_policy_does_not_permit_is_found(policy):
    with pytest.raises(Place, match="does not permit"):
        Case().check(policy)


def test_text_that_reads_well_must_not_be_unreadable():
    case = Case()
    case.sent[2] = Sent(Text("qmp", QUERY), DENIED, "x")
    case.records[4] |= {"text": hashlib.sha256(QUERY).hexdigest(), "bytes": len(QUERY)}
    with pytest.raises(Place, match="reads well"):
        case.check()


@pytest.mark.parametrize("name", broken.FAULTS)
def test_fault_has_its_place(name):
    file, old, _ = broken.FAULTS[name]
    assert (REPO / file).read_text().count(old) == 1


def test_exclusions_are_documented():
    """And are names of commands: a name that is misspelt would exclude nothing."""
    assert exclusions.table() in (REPO / "docs/witness.md").read_text()
    assert {(channel, name) for channel, names in exclusions.EXCLUDED.items() for name in names} <= COMMANDS.keys()


def log_of(*chunks, processed=1):
    log = b"".join(b"1.5: debug: read data, count: %d, data: %s\n" % (len(chunk), chunk) for chunk in chunks)
    return log + b"1.6: debug: process_event: called\n" * processed


def test_agent_log():
    assert [message.command for message in read_agent_log(log_of(QUERY[:7], QUERY[7:] + b"\n"))] == ["query-name"]
    for false in (log_of(QUERY, processed=0), log_of(QUERY, processed=2), log_of(QUERY + b"x"), log_of(b"[1]"),
                  log_of(b"\xff" + QUERY), log_of(b'{"execute":"a","execute":"b"}')):
        with pytest.raises(Contradiction):
            read_agent_log(false)


@pytest.mark.parametrize("wanted, seen, same", [
    (1, 1, True), (1, 1.0, False), (1, True, False), (1e5, 100000, True), (0.1, 0.1, True), (-0.0, 0, True),
    (1 << 53, (1 << 53) + 1, False), ({"a": [1]}, {"a": [1]}, True), ({"a": 1}, {"a": 1, "b": 2}, False),
    ([1], [1, 1], False), (None, False, False), ("a", "a\0", False)])
def test_is_same(wanted, seen, same):
    assert is_same(wanted, seen) == same


@pytest.mark.parametrize("text", [
    b"", b"[]", b"{}", b'{"execute":"a","execute":"a"}', b'{"execute":"a","arguments":{"b":{"c":1,"\\u0063":1}}}',
    b'{"execute":"a","arguments":{"b":NaN}}', b'{"execute":"a","arguments":{"b":1e400}}',
    b'{"execute":"a","arguments":{"b":18446744073709551616}}', b'{"execute":"a","arguments":{"b":"\\ud800"}}',
    b'{"execute":"a","arguments":{"b":"\x7f"}}', b'{"execute":"a","arguments":{"b":"json:{"}}', b'{"execute":"a"}{}',
    b'{"execute":"a","id":1}', b'{"execute":"a","arguments":' + b'{"a":' * 32 + b"1" + b"}" * 33,
    b'{"execute":"transaction","arguments":{"actions":{}}}', b'{"execute":"a b"}', b"\xff"])
def test_unreadable(text):
    with pytest.raises(Unreadable):
        read_request(text)


@pytest.mark.parametrize("line, name, arguments", [
    (b"c", "cont", {}), (b" info\tstatus ", "info status", {}), (b"print/x 017", "print", {"fmt": b"/x", "val": 15}),
    (b'qom-get "/a\\"b""type"', "qom-get", {"path": b'/a"b', "property": b"type"}),
    (b"device_del x;y", "device_del", {"id": b"x;y"}), (b'memsave -1 0x10 "x"', "memsave",
                                                    {"val": -1, "size": 16, "filename": b"x"}),
    (b"memsave 4 1 $", "memsave", {"val": 4, "size": 1, "filename": b"$"})])
def test_hmp_line(line, name, arguments):
    assert read_line(line)[:2] == (name, arguments)


@pytest.mark.parametrize("line", [b"", b"cont x", b"print 1+1", b"print 08", b"print $pc", b"print 'a'", b"info /x",
                                  b'qom-get "a', b"qom-get a", b"qom-list " + b"x" * 1024, b"print /y 1",
                                  b"info qtree -x"])
def test_hmp_line_that_qemu_refuses(line):
    with pytest.raises(Unreadable):
        read_line(line)
