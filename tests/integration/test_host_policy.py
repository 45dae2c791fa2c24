# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's policy: read while the daemon runs, kept when its file goes bad, and above every domain's."""

import os
import re
import shutil
import stat

import pytest

from clients import HMP, REPO, is_denied, request
from machines import policy
from second_lab import SecondLab

DEFAULT = '<delegate/>'
DENY_STATUS = '<deny command="query-status"/>'
POLICY_PATH = "/etc/libvirt/qmp-guard/policy.xml"
ALICE = 21001


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    lab = SecondLab()
    lab.vm = lab.machine()
    yield lab
    lab.close()


def install(lab, text, mode=0o644, owner=0):
    """As an editor or a package does it: a new file takes the place of the old one in one step."""
    new = lab.host_policy.with_name("policy.xml.new")
    new.write_text(text)
    new.chmod(mode)
    os.chown(new, owner, owner)
    new.rename(lab.host_policy)


@pytest.fixture
def lab(shared_lab):
    """Each test begins with what is shipped; a daemon that once had a file has to be given that."""
    if shared_lab.host_policy.is_dir() and not shared_lab.host_policy.is_symlink():
        shared_lab.host_policy.rmdir()
    install(shared_lab, policy(DEFAULT))
    shared_lab.vm.clear_policy()
    assert shared_lab.vm.send(request("query-kvm"))["return"]
    shared_lab.log.mark()
    return shared_lab


def is_status_denied(lab):
    return is_denied(lab.vm.send(request("query-status")))


def told(lab, level):
    """What the guard said of the host's policy."""
    return [text for found, text in lab.log.messages() if found == level and text.startswith("host policy")]


def test_valid_policy_counts_at_the_next_command(lab):
    for rule, denied in 3 * [(DENY_STATUS, True), (DEFAULT, False)]:
        lab.log.mark()
        install(lab, policy(rule))
        assert is_status_denied(lab) == denied
        assert told(lab, "warning") == [f"host policy in force: {POLICY_PATH}"]
    lab.log.mark()
    assert not is_status_denied(lab)
    assert told(lab, "warning") == []       # said once, not for each command


def test_policy_changed_in_place(lab):
    """Same file, same size, within one step of the file system's clock."""
    for number in range(20):
        word = ("status", "status_")[number % 2].ljust(9, "x")
        lab.host_policy.write_text(policy(f'<deny command="query-{word}"/>', '<deny command="query-status"/>'
                                          if number % 2 else '<deny command="query-statuz"/>'))
        assert is_status_denied(lab) == bool(number % 2)


INVALID = [
    ("<policy", "not well-formed"),
    ("", "not well-formed|empty"),
    ("\0\0\0\0", "NUL"),
    (policy("<frob/>"), ":2: .*frob"),
    (policy(DEFAULT, "", "<allow group='@no-such'/>"), ":4: .*@no-such"),
    (policy(profile="no-such"), ":1: .*no-such"),
    (policy(mode="maybe"), ":1: .*maybe"),
    (policy(domain_mode="maybe"), ":1: .*maybe"),
    (policy(name="mine"), ":1: .*name"),
    ('<policy><delegate/></policy>', "namespace"),
    ('<!DOCTYPE policy [<!ENTITY x "y">]>' + policy(DEFAULT), "DOCTYPE"),
    (policy(DEFAULT) + " " * 1048576, "larger"),
    (policy(*20001 * ["<deny/>"]), "20000 rules"),
]


@pytest.mark.parametrize("text, reason", INVALID, ids=lambda value: ascii(value[:40]))
def test_invalid_policy_leaves_the_old_one_in_force(lab, text, reason):
    install(lab, policy(DENY_STATUS))
    assert is_status_denied(lab)
    lab.log.mark()
    install(lab, text)
    assert is_status_denied(lab) and not is_denied(lab.vm.send(request("query-name")))
    (line,) = set(told(lab, "error"))       # a young file is read, and complained of, at each command
    assert re.search(f"host policy is invalid: {POLICY_PATH}.*(?:{reason}).*: the last valid one stays in force", line)

    install(lab, policy(DEFAULT))
    assert not is_status_denied(lab)


def make_fifo(lab):
    os.mkfifo(lab.host_policy.with_name("fifo"), 0o644)
    lab.host_policy.with_name("fifo").rename(lab.host_policy)


def make_directory(lab):
    lab.host_policy.unlink()
    lab.host_policy.mkdir()


def make_link(lab, target):
    lab.host_policy.unlink()
    lab.host_policy.symlink_to(target)


def link_to_a_users_file(lab):
    file = lab.host_policy.with_name("alices.xml")
    file.write_text(policy("<allow/>"))
    os.chown(file, ALICE, ALICE)
    make_link(lab, "alices.xml")


UNSAFE = [
    (lambda lab: lab.host_policy.chmod(0o664), "chmod g-w"),
    (lambda lab: lab.host_policy.chmod(0o646), "chmod o-w"),
    (lambda lab: lab.host_policy.chmod(0o777), "chmod g-w"),
    (lambda lab: os.chown(lab.host_policy, ALICE, 0), "chown root"),
    (lambda lab: install(lab, policy("<allow/>"), 0o666), "chmod"),
    (lambda lab: install(lab, policy("<allow/>"), owner=ALICE), "chown root"),
    (make_fifo, "not a regular file"),
    (make_directory, "not a regular file"),
    (link_to_a_users_file, "chown root"),
    (lambda lab: make_link(lab, "/dev/zero"), "not a regular file"),
    (lambda lab: make_link(lab, "policy.xml"), "cannot open"),
    (lambda lab: make_link(lab, "nowhere.xml"), "cannot open"),
]


@pytest.fixture
def clean_directory(lab):
    yield
    for entry in lab.host_policy.parent.iterdir():
        if stat.S_ISDIR(entry.lstat().st_mode):
            entry.rmdir()
        else:
            entry.unlink()


@pytest.mark.parametrize("spoil, reason", UNSAFE, ids=lambda value: value if isinstance(value, str) else "how")
def test_unsafe_file_leaves_the_old_one_in_force(lab, clean_directory, spoil, reason):
    """Who else may write it might have; and none of these may keep the daemon waiting."""
    install(lab, policy(DENY_STATUS))
    assert is_status_denied(lab)
    lab.log.mark()
    spoil(lab)
    assert is_status_denied(lab)
    (line,) = told(lab, "error")
    assert f"host policy is invalid: {POLICY_PATH}: " in line and reason in line


def test_other_safe_files(lab, clean_directory):
    install(lab, policy(DENY_STATUS), mode=0o600)
    assert is_status_denied(lab)
    file = lab.host_policy.with_name("other.xml")
    file.write_text(policy(DEFAULT))
    make_link(lab, "other.xml")
    assert not is_status_denied(lab)
    file.write_text(policy(DENY_STATUS))
    assert is_status_denied(lab)


def test_removed_file_leaves_the_old_one_in_force(lab):
    install(lab, policy(DENY_STATUS))
    assert is_status_denied(lab)
    lab.log.mark()
    lab.host_policy.unlink()
    assert is_status_denied(lab)
    (line,) = told(lab, "error")
    assert f"host policy {POLICY_PATH} is gone" in line and "restarts" in line
    lab.log.mark()
    assert is_status_denied(lab) and told(lab, "error") == []

    install(lab, policy(DEFAULT))
    assert not is_status_denied(lab)


def test_removed_directory_leaves_the_old_one_in_force(lab):
    install(lab, policy(DENY_STATUS))
    assert is_status_denied(lab)
    aside = lab.host_policy.parent.with_name("aside")
    lab.host_policy.parent.rename(aside)
    assert is_status_denied(lab)
    aside.rename(lab.host_policy.parent)


VERDICTS = {"denied": ("QMP blocked", False), "passed": ("QMP", True), "warned": ("QMP", True),
            "audited": ("QMP would block", True)}

# The host's policy (None: no file), the domain's (None: it has none), what becomes of query-status, which rule decided.
LEVELS = [
    # Who decides.
    ([DEFAULT], {}, None, {}, "passed", None),
    ([DEFAULT], {}, [DENY_STATUS], {}, "denied", "domain:query-status#1"),
    ([DEFAULT], {}, ["<deny/>"], {}, "denied", "domain:deny#1"),
    ([], {}, ["<deny/>"], {}, "denied", "domain:deny#1"),
    ([DENY_STATUS, DEFAULT], {}, ["<allow/>"], {}, "denied", "host:query-status#1"),
    ([DEFAULT, DENY_STATUS], {}, ["<allow/>"], {}, "passed", None),
    ([DEFAULT, DENY_STATUS], {}, None, {}, "denied", "host:query-status#2"),
    ([DENY_STATUS], {}, ["<allow/>"], {}, "denied", "host:query-status#1"),
    (['<allow command="query-status"/>'], {}, ["<deny/>"], {}, "denied", "domain:deny#1"),
    (['<delegate group="@query"/>', "<deny/>"], {}, ["<allow/>"], {}, "passed", None),
    (['<delegate group="@query"/>', "<deny/>"], {}, None, {}, "denied", "host:deny#2"),
    (['<delegate group="@tuning"/>', "<deny/>"], {}, ["<allow/>"], {}, "denied", "host:deny#2"),
    (['<delegate user="alice"/>', "<deny/>"], {}, ["<allow/>"], {}, "denied", "host:deny#2"),
    (['<delegate user="root"/>', "<deny/>"], {}, ["<allow/>"], {}, "passed", None),
    (['<warn command="query-status"/>'], {}, ["<allow/>"], {}, "warned", None),
    (['<allow command="query-status"/>'], {}, ["<warn/>"], {}, "warned", None),
    # Trying a policy out before it is enforced.
    ([DENY_STATUS], {"mode": "audit"}, None, {}, "audited", "host:query-status#1"),
    ([DENY_STATUS], {"mode": "audit"}, ["<allow/>"], {}, "audited", "host:query-status#1"),
    ([DENY_STATUS], {"mode": "audit"}, ["<deny/>"], {}, "denied", "domain:deny#1"),
    ([DENY_STATUS], {"mode": "audit"}, ["<deny/>"], {"mode": "audit"}, "audited", None),
    ([DEFAULT], {}, [DENY_STATUS], {"mode": "audit"}, "audited", "domain:query-status#1"),
    ([DEFAULT], {}, [DENY_STATUS], {"mode": "enforce"}, "denied", "domain:query-status#1"),
    ([DENY_STATUS], {}, ["<allow/>"], {"mode": "audit"}, "denied", "host:query-status#1"),
    ([DENY_STATUS], {}, [DENY_STATUS], {"mode": "audit"}, "denied", "host:query-status#1"),
    (['<allow command="query-status"/>'], {}, ["<deny/>"], {"mode": "audit"}, "audited", "domain:deny#1"),
    ([DEFAULT], {"mode": "audit"}, [DENY_STATUS], {}, "denied", "domain:query-status#1"),
    # A host that does not let domains do so.
    ([DEFAULT], {"domain_mode": "enforce"}, [DENY_STATUS], {"mode": "audit"}, "denied", "domain:query-status#1"),
    ([DEFAULT], {"domain_mode": "any"}, [DENY_STATUS], {"mode": "audit"}, "audited", "domain:query-status#1"),
    ([DENY_STATUS], {"mode": "audit", "domain_mode": "enforce"}, ["<allow/>"], {"mode": "audit"}, "audited",
     "host:query-status#1"),
    ([DEFAULT], {"domain_mode": "enforce"}, ["<allow/>"], {"mode": "audit"}, "passed", None),
]


@pytest.mark.parametrize("host, host_words, domain, domain_words, becomes, rule", LEVELS)
def test_levels(lab, host, host_words, domain, domain_words, becomes, rule):
    install(lab, policy(*host, **host_words))
    if domain is not None:
        lab.vm.set_policy(*domain, **domain_words)
    answer = lab.vm.send(request("query-status"))
    record = lab.log.record()
    kind, passes = VERDICTS[becomes]
    assert record.kind == kind and is_denied(answer) != passes
    assert record.level == {"denied": "error", "passed": "info", "warned": "warning", "audited": "warning"}[becomes]
    assert rule is None or record.field("rule") == rule
    assert lab.vm.is_sane() or host != [DEFAULT] or domain is not None


def test_audit_mode_lets_no_unreadable_text_through(lab):
    """What cannot be read cannot be tried out either."""
    install(lab, policy(DENY_STATUS, mode="audit"))
    for text, flags in (('{"execute":"query-status","id":1}', 0), ("info /status", HMP), ("", 0)):
        assert is_denied(lab.vm.send(text, flags))
    assert {record.kind for record in lab.log.records()} == {"QMP blocked"}


def test_audit_mode_for_hmp(lab):
    install(lab, policy(mode="audit"))
    assert lab.vm.send("info status", HMP).startswith("VM status")
    record = lab.log.record()
    assert record.text == (f"QMP would block: {lab.vm.name} | human-monitor-command | user=root | "
                           "rule=baseline:@dangerous | class=dangerous | hmp=info status")


def test_broken_domain_policy_denies_whatever_the_host_says(lab):
    for words in ({}, {"mode": "audit"}):
        install(lab, policy("<allow/>", **words))
        lab.vm.set_policy_text("<policy><frob/></policy>")
        assert is_status_denied(lab)
        assert lab.log.records()[-1].field("rule") == "domain:invalid"


def test_example_of_a_hardened_host(lab):
    shutil.copyfile(REPO / "xml/examples/host-hardened.xml", lab.host_policy)
    lab.vm.set_policy("<allow/>", '<allow channel="hmp"/>')
    for text, flags, denied in [
            (request("query-status"), 0, False), (request("inject-nmi"), 0, True), ("info status", HMP, True),
            (request("migrate", uri="exec:true"), 0, True),
            (request("pmemsave", val=0, size=1, filename="/tmp/x"), 0, True),
            (request("no-such-command"), 0, True), (request("device_del", id="x"), 0, True),
            (request("system_reset"), 0, False)]:
        assert is_denied(lab.vm.send(text, flags)) == denied, text


@pytest.mark.parametrize("text, mode, owner, reason", [
    (policy("<frob/>"), 0o644, 0, ":2: .*frob"),
    ("<policy", 0o644, 0, "not well-formed"),
    (policy("<allow/>"), 0o666, 0, "chmod"),
    (policy("<allow/>"), 0o644, ALICE, "chown root"),
])
def test_daemon_that_starts_with_an_invalid_file_denies_everything(lab, text, mode, owner, reason):
    """Nobody knows what its rules should have been. The daemon itself must start, for guests depend on it."""
    install(lab, text, mode, owner)
    errors = lab.directory / "daemon.err"
    size = errors.stat().st_size
    lab.daemon("restart")
    vm = lab.find(lab.vm)
    assert re.search(f"qmp-guard: host policy is invalid: {POLICY_PATH}.*{reason}.*everything is refused",
                     errors.read_text()[size:])
    lab.log.mark()
    for text, flags in ((request("query-status"), 0), ("info status", HMP), ("x", 0)):
        answer = vm.send(text, flags)
        assert is_denied(answer) and re.search(reason, answer.get_error_message())
    assert {record.field("rule") for record in lab.log.records()} == {"host:invalid"}

    install(lab, policy(DEFAULT))
    assert not is_status_denied(lab)


@pytest.mark.parametrize("spoil", [make_fifo, make_directory, lambda lab: make_link(lab, "nowhere.xml"),
                                   lambda lab: make_link(lab, "/dev/zero")])
def test_daemon_that_starts_with_no_regular_file(lab, clean_directory, spoil):
    """It must not hang, and none of these means that there is no policy."""
    spoil(lab)
    lab.daemon("restart")
    lab.find(lab.vm)
    assert is_status_denied(lab)


def test_daemon_that_starts_without_a_file_has_the_shipped_default(lab):
    lab.host_policy.unlink()
    lab.daemon("restart")
    vm = lab.find(lab.vm)
    lab.log.mark()
    assert not is_denied(vm.send(request("query-status")))
    assert is_denied(vm.send(request("inject-nmi")))
    vm.set_policy('<allow command="inject-nmi"/>')
    assert not is_denied(vm.send(request("inject-nmi")))
    # A file that comes later counts at once, too.
    install(lab, policy(DENY_STATUS))
    assert is_status_denied(lab)
