# SPDX-License-Identifier: LGPL-2.1-or-later
"""grant, grants, confirm and revoke: what they answer, what they record, and what they refuse to touch."""

import contextlib
import json
import os
import shutil
import time

import pytest

from machines import bare_xml, policy
from second_lab import SHIPPED_DEFAULT, SecondLab
from trail import assert_chained

YES, NO, UNSURE = 0, 1, 2
ALICE, BOB = 21001, 21002
REASON = ["--reason", "ticket 7"]


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    lab = SecondLab()
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def vm(shared_lab):
    return shared_lab.machine("granted")


@pytest.fixture
def lab(shared_lab, vm):
    """With the machine started, and so with a trail: not all that a test does leaves a record."""
    shared_lab.trail.mark()
    yield shared_lab
    shared_lab.set_host_policy(SHIPPED_DEFAULT)
    shutil.rmtree(store(shared_lab).parent, ignore_errors=True)
    assert_chained(shared_lab.trail.path)


def store(lab):
    return lab.directory / "run/libvirt/qmp-guard/grants"


def guard(lab, *words, sudo=None, login=None, user=None):
    """Runs virt-qmp-guard as root whom @sudo called, or who logged in as @login."""
    command = ["virt-qmp-guard", "-c", "qemu:///system", *map(str, words)]
    if sudo is not None:
        command = ["env", f"SUDO_UID={sudo}", *command]
    if login is not None:
        command = ["sh", "-c", f'echo {login} >/proc/self/loginuid && exec "$@"', "sh", *command]
    return lab.run(*command, user=user)


def grant(lab, *words, domain="granted", **who):
    """grant --json, given."""
    done = guard(lab, "grant", domain, *words, *REASON, "--json", **who)
    assert done.returncode == YES, done.stderr
    return json.loads(done.stdout)


def grants(lab, *words):
    done = guard(lab, "grants", *words, "--json")
    assert done.returncode == YES, done.stderr
    return json.loads(done.stdout)


def steps(lab):
    """(step, grant, user) of each record since mark()."""
    return [(record["step"], record["grant"], record["user"]) for record in lab.trail.records("grant")]


def test_no_grants(lab, vm):
    done = guard(lab, "grants")
    assert (done.returncode, done.stdout, done.stderr) == (YES, "no grants\n", "")
    assert grants(lab) == [] and grants(lab, "--all") == [] and not store(lab).exists()


def test_a_grant_and_its_record(lab, vm):
    given = grant(lab, "--command", "inject-nmi", "--user", "alice", "--for", "2h", "--uses", 3)
    assert 7190 < given.pop("seconds") <= 7200
    (shown,) = grants(lab)
    shown.pop("seconds")
    assert given == shown == {
        "grant": given["grant"], "domain": vm.name, "uuid": vm.domain.UUIDString(), "channel": "qmp",
        "command": "inject-nmi", "text": None, "for": "user:alice", "uses": 3, "left": 3, "state": "given",
        "by": "root", "confirmed_by": None, "reason": "ticket 7"}
    (record,) = lab.trail.records("grant")
    assert record["step"] == "given" and record["grant"] == given["grant"] and record["uses"] == 3
    assert (record["given-by"], record["reason"]) == ("root", "ticket 7")
    info = store(lab).stat()
    assert info.st_mode & 0o777 == 0o600 and store(lab).parent.stat().st_mode & 0o777 == 0o700


def test_defaults_are_once_and_soon(lab, vm):
    given = grant(lab, "--command", "quit")
    assert (given["uses"], given["for"]) == (1, "anybody") and 890 < given["seconds"] <= 900


@pytest.mark.parametrize("words, channel, command, is_text", [
    (["--command", "human-monitor-command"], "qmp", "human-monitor-command", False),
    (["--hmp", "--command", "  p   1 "], "hmp", "print 1", False),      # as it is judged
    (["--agent", "--command", "guest-exec"], "agent", "guest-exec", False),
    (["--text", "inject-nmi"], "qmp", "inject-nmi", True),
    (["--text", '{"execute":"inject-nmi"}'], "qmp", "inject-nmi", True),
    (["--hmp", "--text", "info status"], "hmp", "info status", True),
    (["--text", '{"execute":"human-monitor-command","arguments":{"command-line":"info status"}}'],
     "hmp", "info status", True),
    (["--agent", "--text", 'guest-exec {"path":"/bin/true"}'], "agent", "guest-exec", True),
])
def test_what_is_granted(lab, vm, words, channel, command, is_text):
    given = grant(lab, *words)
    assert (given["channel"], given["command"], given["text"] is not None) == (channel, command, is_text)


def test_one_text_is_one_however_it_is_written(lab, vm):
    plain = grant(lab, "--text", '{"execute":"inject-nmi"}')["text"]
    assert grant(lab, "--text", "inject-nmi")["text"] == plain
    file = lab.file("text", '{ "arguments":{}, "execute":\n"inject-\\u006emi" }\n')
    assert grant(lab, "--text-file", file)["text"] == plain
    assert grant(lab, "--text", "query-status")["text"] != plain
    assert grant(lab, "--agent", "--text", "inject-nmi")["text"] != plain


@pytest.mark.parametrize("kind, value", [("sasl", "fred@EXAMPLE"), ("x509", "CN=fred,O=us"),
                                         ("selinux", "system_u:system_r:svirt_t:s0")])
def test_other_callers(lab, vm, kind, value):
    assert grant(lab, "--command", "quit", f"--{kind}", value)["for"] == f"{kind}:{value}"


QUIT = ["--command", "quit"]


@pytest.mark.parametrize("words, told", [
    ([*REASON], "what is to pass"),
    ([*QUIT, "--text", "quit", *REASON], "what is to pass"),
    (QUIT, "--reason"),
    ([*QUIT, "--reason", " "], "--reason"),
    ([*QUIT, "--reason", "x" * 256], "255 bytes"),
    ([*QUIT, *REASON, "--user", "x" * 256], "255 bytes"),
    ([*QUIT, *REASON, "--user", ""], "empty"),
    ([*QUIT, *REASON, "--user", "alice", "--sasl", "fred"], "exclude"),
    ([*QUIT, *REASON, "--hmp", "--agent"], "exclude"),
    ([*QUIT, *REASON, "--for", "8d"], "at most 7d"),
    ([*QUIT, *REASON, "--for", "0s"], "at most 7d"),
    ([*QUIT, *REASON, "--for", "15"], "at most 7d"),
    ([*QUIT, *REASON, "--uses", "0"], "from 1 to"),
    ([*QUIT, *REASON, "--uses", "1000001"], "from 1 to"),
    ([*QUIT, *REASON, "--uses", "-1"], "from 1 to"),
    ([*QUIT, *REASON, "--uses", "2x"], "from 1 to"),
    ([*QUIT, *REASON, "other"], "one word too many"),
    (["--command", "guest-*", *REASON], "policy"),
    (["--command", "qui?", *REASON], "policy"),
    (["--hmp", "--command", "info *", *REASON], "policy"),
    (["--command", "info status", *REASON], "--hmp"),
    (["--command", '{"execute":"quit"}', *REASON], "--text"),
    (["--command", "", *REASON], "no command's name"),
    (["--command", "x" * 256, *REASON], "no command's name"),
    (["--hmp", "--command", "info /status", *REASON], "passes for nobody"),
    (["--hmp", "--command", "change " + "x" * 300 + " y", *REASON], "use --text"),
    (["--text", '{"execute":1}', *REASON], "passes for nobody"),
    (["--text-file", "/no/such/file", *REASON], "/no/such/file"),
], ids=lambda value: ascii(value)[:60])
def test_refused(lab, vm, words, told):
    done = guard(lab, "grant", vm.name, *words)
    assert done.returncode == UNSURE and told in done.stderr and done.stdout == ""
    assert steps(lab) == [] and grants(lab, "--all") == []


def test_domain_must_run(lab, vm):
    done = guard(lab, "grant", "no-such-domain", *QUIT, *REASON)
    assert done.returncode == UNSURE and "no-such-domain" in done.stderr
    assert guard(lab, "grant", *QUIT, *REASON).returncode == UNSURE
    off = lab.connect().defineXML(vm.domain.XMLDesc().replace(vm.name, "off").replace(vm.domain.UUIDString(), ""))
    done = guard(lab, "grant", "off", *QUIT, *REASON)
    off.undefine()
    assert done.returncode == UNSURE and "not running" in done.stderr
    assert steps(lab) == []


def test_grants_are_this_hosts(lab):
    """Whatever is called so here: a grant of this host's counts for no other's domain."""
    done = guard(lab, "-c", "test:///default", "grant", "test", *QUIT, *REASON)
    assert done.returncode == UNSURE and "of this host only" in done.stderr and steps(lab) == []


def test_domain_by_id_and_uuid(lab, vm):
    for name in (vm.domain.ID(), vm.domain.UUIDString()):
        assert grant(lab, *QUIT, domain=name)["domain"] == vm.name
    assert len(grants(lab, vm.name)) == len(grants(lab, vm.domain.UUIDString())) == 2
    assert grants(lab, "another") == []


def test_warnings(lab, vm):
    done = guard(lab, "grant", vm.name, "--command", "inject-nmo", "--user", "nobody-here", *REASON)
    assert done.returncode == YES and done.stdout.startswith("granted ")
    assert "did you mean 'inject-nmi'?" in done.stderr and "no user 'nobody-here'" in done.stderr
    assert guard(lab, "grant", vm.name, *QUIT, "--user", "alice", *REASON).stderr == ""


def test_what_comes_from_outside_is_encoded(lab, vm):
    done = guard(lab, "grant", vm.name, *QUIT, "--sasl", "a\x1b[2Jb", "--reason", "one\ntwo | user=root")
    assert done.returncode == YES and "\x1b" not in done.stdout
    table = guard(lab, "grants").stdout
    assert len(table.splitlines()) == 2 and "\x1b" not in table
    (shown,) = grants(lab)
    assert shown["reason"] == r"one\x0atwo | user=root" and shown["for"] == r"sasl:a\x1b[2Jb"
    (record,) = lab.trail.records("grant")
    assert record["reason"].startswith(r"one\x0atwo") and record["user"] == "root"


def test_table(lab, vm):
    grant(lab, "--text", "inject-nmi", sudo=ALICE)
    head, row = guard(lab, "grants").stdout.splitlines()
    assert head.split() == ["grant", "domain", "channel", "command", "for", "left", "time", "left", "state", "by",
                            "confirmed", "by", "reason"]
    assert row.split()[1:7] == [vm.name, "qmp", "inject-nmi", "(one", "text)", "anybody"]
    assert " 14m 5" in row and " given " in row and " alice " in row and row.endswith("ticket 7")


@pytest.mark.parametrize("words", [["grants"], ["revoke", "--all"], ["confirm", "00000000"],
                                   ["grant", "granted", *QUIT, *REASON]])
def test_root_only(lab, vm, words):
    given = grant(lab, *QUIT)
    lab.trail.mark()
    done = guard(lab, *words, user="alice")
    assert done.returncode == UNSURE and "run this as root" in done.stderr and done.stdout == ""
    assert [row["grant"] for row in grants(lab)] == [given["grant"]] and steps(lab) == []


@pytest.mark.parametrize("who, name", [({}, "root"), ({"sudo": ALICE}, "alice"), ({"login": BOB}, "bob"),
                                       ({"login": BOB, "sudo": ALICE}, "bob"), ({"login": 0, "sudo": ALICE}, "root"),
                                       ({"sudo": 21999}, "uid:21999"), ({"sudo": 0}, "root"), ({"sudo": "x"}, "root"),
                                       ({"sudo": 4294967296 + ALICE}, "root")])
def test_who_gives(lab, vm, who, name):
    given = grant(lab, *QUIT, **who)
    assert given["by"] == name and steps(lab) == [("given", given["grant"], name)]


def test_second_person(lab, vm):
    lab.set_host_policy(policy("<delegate/>", confirm="@dangerous"))
    given = grant(lab, "--command", "inject-nmi", sudo=ALICE)
    name = given["grant"]
    assert given["state"] == "unconfirmed"
    for who, told in (({}, "who of root you are"), ({"sudo": ALICE}, "second person"),
                      ({"login": ALICE, "sudo": BOB}, "second person")):
        done = guard(lab, "confirm", name, **who)
        assert done.returncode == NO and told in done.stderr, who
    assert steps(lab) == [("given", name, "alice")]
    done = guard(lab, "confirm", name, sudo=BOB)
    assert done.returncode == YES and "inject-nmi" in done.stdout and name in done.stdout
    assert steps(lab)[1:] == [("confirmed", name, "bob")]
    (shown,) = grants(lab)
    assert (shown["state"], shown["by"], shown["confirmed_by"]) == ("given", "alice", "bob")
    done = guard(lab, "confirm", name, login=BOB)
    assert done.returncode == NO and "already" in done.stderr


def test_nobody_confirms_what_nobody_knows_who_gave(lab, vm):
    for given in (grant(lab, *QUIT), grant(lab, *QUIT, login=0)):
        done = guard(lab, "confirm", given["grant"], sudo=BOB)
        assert done.returncode == NO and "who of root gave it" in done.stderr
    assert guard(lab, "confirm", "no-such-id", sudo=BOB).returncode == NO
    assert guard(lab, "confirm", sudo=BOB).returncode == UNSURE
    assert {step for step, *_ in steps(lab)} == {"given"}


def test_only_a_name_is_a_person(lab, vm):
    """The number of a user whom the name service does not name now may be the first person's own."""
    by_name, by_number = grant(lab, *QUIT, sudo=ALICE), grant(lab, *QUIT, sudo=21999)
    done = guard(lab, "confirm", by_name["grant"], sudo=21999)
    assert done.returncode == NO and "who of root you are" in done.stderr
    done = guard(lab, "confirm", by_number["grant"], sudo=BOB)
    assert done.returncode == NO and "who of root gave it" in done.stderr


def test_a_domain_s_name_commands_no_terminal(lab):
    name = "clear\u009b2J\u202eme"
    domain = lab.connect().defineXML(bare_xml(name))
    try:
        done = guard(lab, "grant", domain.UUIDString(), *QUIT, *REASON)
        assert done.returncode == UNSURE and "is not running" in done.stderr
        assert "clear\\xc2\\x9b2J\\xe2\\x80\\xaeme" in done.stderr
    finally:
        domain.undefine()


@pytest.mark.parametrize("closed", ["<&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", ["grants", "revoke 00000000"])
def test_nothing_is_printed_into_the_store(lab, vm, words, closed):
    given = grant(lab, *QUIT)
    lab.run("sh", "-c", f"virt-qmp-guard {words} {closed}")
    assert [row["grant"] for row in grants(lab)] == [given["grant"]]


def test_what_is_over_is_not_confirmed(lab, vm):
    given = grant(lab, *QUIT, sudo=ALICE)
    guard(lab, "revoke", given["grant"])
    done = guard(lab, "confirm", given["grant"], sudo=BOB)
    assert done.returncode == NO and "revoked" in done.stderr


@pytest.mark.parametrize("words, state, told", [
    (["--command", "inject-nmi"], "unconfirmed", "counts only once"),
    (["--hmp", "--command", "info status"], "unconfirmed", "counts only once"),         # every line is dangerous
    (["--command", "human-monitor-command"], "unconfirmed", "counts only once"),
    (["--text", 'migrate {"uri":"exec:true"}'], "unconfirmed", "counts only once"),
    (["--text", '"execute":'], None, None),
    (["--command", "migrate"], "given", "with some arguments"),
    (["--text", 'migrate {"uri":"tcp:host:1"}'], "given", None),
    (["--command", "query-status"], "given", None),
    (["--text", 'transaction {"actions":[{"type":"inject-nmi","data":{}}]}'], "unconfirmed", "counts only once"),
])
def test_what_a_second_person_is_needed_for(lab, vm, words, state, told):
    lab.set_host_policy(policy("<delegate/>", confirm="@dangerous"))
    done = guard(lab, "grant", vm.name, *words, *REASON)
    if state is None:
        assert done.returncode == UNSURE
        return
    (shown,) = grants(lab)
    assert shown["state"] == state
    assert ("virt-qmp-guard confirm " + shown["grant"] in done.stdout) == (told is not None)
    assert told is None or told in done.stdout
    lab.set_host_policy(SHIPPED_DEFAULT)
    assert grants(lab)[0]["state"] == "given"


def test_invalid_host_policy(lab, vm):
    given = grant(lab, *QUIT)
    lab.trail.mark()
    lab.set_host_policy("<policy/>")
    done = guard(lab, "grant", vm.name, *QUIT, *REASON)
    assert done.returncode == UNSURE and "nothing passes" in done.stderr and steps(lab) == []
    done = guard(lab, "grants")
    assert done.returncode == YES and given["grant"] in done.stdout and "nothing passes" in done.stderr
    assert guard(lab, "revoke", given["grant"]).returncode == YES


def test_revoke(lab, vm):
    names = [grant(lab, *QUIT)["grant"] for _ in range(4)]
    lab.trail.mark()
    done = guard(lab, "revoke", names[0], "no-such-id", names[1], sudo=ALICE)
    assert done.returncode == NO and "no-such-id" in done.stderr
    assert steps(lab) == [("revoked", names[0], "alice"), ("revoked", names[1], "alice")]
    done = guard(lab, "revoke", names[0])
    assert done.returncode == NO and "revoked already" in done.stderr
    assert [row["grant"] for row in grants(lab)] == names[2:]
    assert [row["state"] for row in grants(lab, "--all")] == ["revoked", "revoked", "given", "given"]

    assert json.loads(guard(lab, "revoke", "--domain", "another", "--json").stdout) == []
    done = guard(lab, "revoke", "--domain", vm.name, "--json")
    assert [row["grant"] for row in json.loads(done.stdout)] == names[2:] and done.returncode == YES
    assert grants(lab) == [] and guard(lab, "revoke", "--all").stdout == "no grants\n"
    grant(lab, *QUIT)
    assert guard(lab, "revoke", "--all").returncode == YES and grants(lab) == []
    for words in ([], ["--all", names[0]], ["--all", "--domain", vm.name]):
        assert guard(lab, "revoke", *words).returncode == UNSURE


def test_time_runs_out(lab, vm):
    given = grant(lab, *QUIT, "--for", "1s")
    time.sleep(1.1)
    assert grants(lab) == []
    assert [row["state"] for row in grants(lab, "--all")] == ["expired"]
    assert steps(lab)[1:] == [("expired", given["grant"], "-")]       # once
    done = guard(lab, "revoke", given["grant"])
    assert done.returncode == NO and "expired" in done.stderr


def test_run_ends(lab, vm):
    """The hook is told, and has it recorded at once; other domains' grants stay."""
    other = lab.machine()
    kept = grant(lab, *QUIT)
    given = grant(lab, *QUIT, domain=other.name)
    lab.trail.mark()
    other.discard()
    assert steps(lab) == [("ended", given["grant"], "-")]
    for uuid in ("", "-" * 36, "../x", given["uuid"]):
        done = lab.hook("release", f"<domain><uuid>{uuid}</uuid></domain>", sub_operation="end")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [row["grant"] for row in grants(lab)] == [kept["grant"]]
    assert [(row["state"], row["seconds"]) for row in grants(lab, other.name, "--all")] == [("ended", 0)]
    assert len(steps(lab)) == 1


def test_run_that_was_killed(lab, vm):
    """With no daemon there is no hook: whoever looks first finds that it is over."""
    other = lab.machine()
    given = grant(lab, *QUIT, domain=other.name)
    process = (lab.directory / f"run/libvirt/qemu/{other.name}.pid").read_text()
    lab.daemon("stop")
    try:
        lab.run("sh", "-c", f"kill -9 {process}; while kill -0 {process}; do sleep 0.1; done")
        assert grants(lab) == [] and steps(lab)[1:] == [("ended", given["grant"], "-")]
    finally:
        lab.daemon("start")
        lab.find(vm)


def test_no_record_no_grant(lab, vm):
    given = grant(lab, *QUIT, sudo=ALICE)
    kept = lab.trail.path.with_suffix(".kept")
    lab.trail.path.rename(kept)
    lab.trail.path.mkdir()
    try:
        done = guard(lab, "grant", vm.name, *QUIT, *REASON)
        assert done.returncode == UNSURE and "nothing is granted" in done.stderr and done.stdout == ""
        done = guard(lab, "confirm", given["grant"], sudo=BOB)
        assert done.returncode == UNSURE and "nothing is confirmed" in done.stderr
        assert [(row["grant"], row["confirmed_by"]) for row in grants(lab)] == [(given["grant"], None)]
        done = guard(lab, "revoke", given["grant"])     # takes effect all the same
        assert done.returncode == UNSURE and "without a record" in done.stderr
        assert grants(lab) == []
    finally:
        lab.trail.path.rmdir()
        kept.rename(lab.trail.path)


def test_what_cannot_be_given_is_recorded_as_failed(lab, vm):
    words = f"virt-qmp-guard -c qemu:///system grant {vm.name} --command quit --reason full"
    done = lab.run("sh", "-c", f"for i in $(seq 128); do {words} || exit 1; done")
    assert done.returncode == YES and len(grants(lab)) == 128
    lab.trail.mark()
    done = guard(lab, "grant", vm.name, *QUIT, *REASON)
    assert done.returncode == UNSURE and "revoke some" in done.stderr and len(grants(lab)) == 128
    assert [step for step, *_ in steps(lab)] == ["given", "failed"]


@contextlib.contextmanager
def replaced(path, make):
    """@path is another thing for a while."""
    kept = path.with_name(path.name + ".kept")
    path.rename(kept)
    try:
        make(path, kept)
        yield
    finally:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        kept.rename(path)


def copy(path, kept):
    (shutil.copytree if kept.is_dir() else shutil.copy)(kept, path)


def spoilt(spoil):
    def make(path, kept):
        copy(path, kept)
        spoil(path)
    return make


@pytest.mark.parametrize("make", [
    lambda path, kept: path.symlink_to(kept),
    spoilt(lambda path: path.chmod(0o770)),
    spoilt(lambda path: path.chmod(0o707)),
    spoilt(lambda path: shutil.chown(path, ALICE)),
    lambda path, kept: path.write_text("no directory") if kept.is_dir() else path.mkdir(),
], ids=["symlink", "group-writable", "world-writable", "owner", "kind"])
@pytest.mark.parametrize("what", ["file", "directory"])
def test_unsafe_store(lab, vm, what, make):
    given = grant(lab, *QUIT, sudo=ALICE)
    lab.trail.mark()
    with replaced(store(lab) if what == "file" else store(lab).parent, make):
        for words in (["grants"], ["revoke", "--all"], ["confirm", given["grant"]],
                      ["grant", vm.name, *QUIT, *REASON]):
            done = guard(lab, *words, sudo=BOB)
            assert done.returncode == UNSURE and "qmp-guard" in done.stderr and done.stdout == "", words
    assert [row["grant"] for row in grants(lab)] == [given["grant"]] and steps(lab) == []


def test_store_of_two_names(lab, vm):
    grant(lab, *QUIT)
    second = store(lab).with_name("second")
    os.link(store(lab), second)
    done = guard(lab, "grants")
    assert done.returncode == UNSURE and "one name" in done.stderr
    second.unlink()
    assert len(grants(lab)) == 1


@pytest.mark.parametrize("text", [b"", b"x" * 100, b"\0" * 8192, b"qmp-guard grants 1\n" + b"\xff" * 8192],
                         ids=lambda text: f"{len(text)} {text[:4]}")
def test_store_with_anything_in_it(lab, vm, text):
    grant(lab, *QUIT)
    store(lab).write_bytes(text)
    assert grants(lab, "--all") == []
    given = grant(lab, *QUIT)
    assert [row["grant"] for row in grants(lab)] == [given["grant"]]


@pytest.mark.parametrize("words", [["grant"], ["grants"], ["confirm"], ["revoke"]])
def test_help(lab, words):
    done = guard(lab, *words, "--help")
    assert done.returncode == YES and done.stdout.startswith(f"usage: virt-qmp-guard [-c URI] {words[0]} ")
