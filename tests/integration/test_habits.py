# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-qmp-guard has virsh's habits: every subcommand, all of them. The rows are in helper_calls.py."""

import re

import pytest

from clients import run
from helper_calls import (CALLS, ELSEWHERE, HERE, NOWHERE, POLICY, UNSURE, YES, callers, each_call,  # noqa: F401
                          policy_actions, subcommands)
from machines import unique_name


def test_each_subcommand_has_a_row():
    """And so all that is tested here is tested of a new one, too."""
    assert {call.name for call in CALLS} == set(subcommands()) and len(subcommands()) > 10
    assert {call.row for call in CALLS if call.name == "policy"} == {f"policy {name}" for name in policy_actions()}
    for call in CALLS:
        assert call.connects or not call.refuses_readonly or "host" in call.refuses_readonly, call


@pytest.mark.parametrize("name", ["help", *dict.fromkeys(call.name for call in CALLS)])
def test_help(in_lab, name):
    wanted = run("virt-qmp-guard", "help", name)
    assert (wanted.returncode, wanted.stderr) == (YES, "")
    assert wanted.stdout.startswith(f"usage: virt-qmp-guard [-c URI] {name} ")
    for words in ([name, "--help"], [name, "-h"], ["-c", NOWHERE, name, "--help"], [name, "-c", NOWHERE, "-h"],
                  [name, "-q", "--help"], ["help", "--", name]):
        done = run("virt-qmp-guard", *words)
        assert (done.returncode, done.stdout, done.stderr) == (YES, wanted.stdout, ""), words


@each_call
def test_help_anywhere(callers, call):  # noqa: F811
    """Behind all the other words, too, and then nothing else is done."""
    words = callers.words(call)
    for option in ("--help", "-h"):
        done = callers.run(*words, option, uri=NOWHERE)
        assert done.returncode == YES and done.stdout.startswith(f"usage: virt-qmp-guard [-c URI] {call.name} "), done
    if "{grant}" in call.text:
        assert callers.run("revoke", words[-1], uri=HERE).returncode == YES     # it was still there


def test_help_of_the_program(in_lab):
    wanted = run("virt-qmp-guard", "--help").stdout
    for words in (["-h"], ["help"], ["-q", "-h"]):
        assert run("virt-qmp-guard", *words).stdout == wanted
    done = run("virt-qmp-guard")
    assert (done.returncode, done.stdout, done.stderr) == (UNSURE, "", wanted)
    versions = {run("virt-qmp-guard", option).stdout for option in ("-v", "-V", "--version")}
    assert len(versions) == 1 and re.fullmatch(r"\d+\.\d+\.\d+\n", *versions)


@pytest.mark.parametrize("words, told", [
    (["frobnicate"], "there is no command 'frobnicate': 'virt-qmp-guard help' lists them\n"),
    (["satus"], "there is no command 'satus': 'virt-qmp-guard help' lists them; did you mean 'status'?\n"),
    (["help", "frobnicate"], "there is no command 'frobnicate': 'virt-qmp-guard help' lists them\n"),
    (["help", "check", "policy"], "help: one command, please; 'policy' is one word too many\n"),
    (["--frob", "check"], "unrecognized option '--frob'\nvirt-qmp-guard: see 'virt-qmp-guard --help'\n"),
    (["check", "--frob"], "unrecognized option '--frob'\nvirt-qmp-guard: see 'virt-qmp-guard check --help'\n"),
    (["-c"], "option requires an argument -- 'c'\nvirt-qmp-guard: see 'virt-qmp-guard --help'\n"),
    (["check", "query-status", "-q"], "option '-q' behind the text: options go in front of it\n"),
    (["check", "query-status", "--json"], "option '--json' behind the text: options go in front of it\n"),
])
def test_usage(in_lab, words, told):
    done = run("virt-qmp-guard", *words)
    assert (done.returncode, done.stdout, done.stderr) == (UNSURE, "", f"virt-qmp-guard: {told}")


@each_call
def test_connect(callers, call):  # noqa: F811
    """In front of the subcommand, as with virsh, and behind it; the last one counts."""
    first, *rest = callers.words(call)
    for words in (["-c", HERE, first], ["--connect", HERE, first], [f"--connect={HERE}", first], [first, "-c", HERE],
                  [first, f"--connect={HERE}"], ["-c", NOWHERE, first, "-c", HERE]):
        rest = callers.words(call)[1:]
        done = callers.run(*words, *rest)
        assert done.returncode == call.status, (words, done)
    for words in (["-c", NOWHERE, first], [first, "-c", NOWHERE]):
        rest = callers.words(call)[1:]
        done = callers.run(*words, *rest)
        assert done.returncode == (UNSURE if call.connects else call.status), done
        if call.connects:
            assert done.stdout == "" and done.stderr == (
                f"virt-qmp-guard: no connection to {NOWHERE}: Failed to connect socket to '/no/such/socket': No such "
                "file or directory: is the daemon running? 'systemctl start libvirtd' (or virtqemud) starts it\n")


def test_default_connections(callers):  # noqa: F811
    """As virsh: its own variable, then libvirt's, then what there is here; an option before all of them."""
    rows = [({"LIBVIRT_DEFAULT_URI": HERE}, True), ({"LIBVIRT_DEFAULT_URI": NOWHERE}, False), ({"VIRSH_DEFAULT_CONNECT_URI": NOWHERE}, False),
            ({"VIRSH_DEFAULT_CONNECT_URI": HERE, "LIBVIRT_DEFAULT_URI": NOWHERE}, True),
            ({"VIRSH_DEFAULT_CONNECT_URI": NOWHERE, "LIBVIRT_DEFAULT_URI": HERE}, False),
            ({"VIRSH_DEFAULT_CONNECT_URI": "", "LIBVIRT_DEFAULT_URI": HERE}, True)]
    for variables, connects in rows:
        wrap = ["env", "-u", "LIBVIRT_DEFAULT_URI", *(f"{name}={value}" for name, value in variables.items())]
        done = callers.run("status", wrap=wrap)
        assert (done.returncode != UNSURE) == connects, (variables, done)
        if "" not in variables.values():
            virsh = callers.lab.run(*wrap, "virsh", "-q", "-r", "list")
            assert (virsh.returncode == 0) == connects, (variables, virsh)
        assert callers.run("status", wrap=wrap, uri=HERE).returncode != UNSURE
        assert callers.run("status", wrap=wrap, uri=NOWHERE).returncode == UNSURE


@each_call
def test_readonly(callers, call):  # noqa: F811
    """The same answer, or why there is none: never a change."""
    first = call.name
    for words in (["-r", first], ["--readonly", first], [first, "-r"]):
        rest = callers.words(call)[1:]
        done = callers.run(*words, *rest, uri=HERE)
        if call.refuses_readonly:
            assert (done.returncode, done.stdout) == (UNSURE, "")
            assert done.stderr == f"virt-qmp-guard: '{first}' {call.refuses_readonly}\n"
            assert POLICY in callers.vm.policy()
            if "grant" in call.text:
                assert len(callers.run("-q", "grants", uri=HERE).stdout.splitlines()) == 1
        else:
            assert done.returncode == call.status, done


def words_of(line):
    """Columns are as wide as a heading, or as what there is without one; and time goes on."""
    return re.sub(r"timestamp=[0-9T:-]+", "", line).split()


@each_call
def test_quiet(callers, call):  # noqa: F811
    """What is left are the lines without headings and remarks; errors and JSON are as they are."""
    loud = callers.call(call)
    first, *rest = callers.words(call)
    for words in (["-q", first], ["--quiet", first], [first, "-q"]):
        rest = callers.words(call)[1:]
        quiet = callers.run(*words, *rest, uri=HERE)
        assert (quiet.returncode, quiet.stderr) == (loud.returncode, loud.stderr)
        kept = [line for line in loud.stdout.splitlines() if not re.match(call.remarks, line)]
        if call.name == "grant":
            assert re.fullmatch("[0-9a-f]{8}\n", quiet.stdout)      # what revoke and confirm ask for
        elif call.name in ("grants", "status", "policy"):           # numbers and times in it change
            assert len(quiet.stdout.splitlines()) == len(kept)
        elif call.text != "help":
            assert list(map(words_of, quiet.stdout.splitlines())) == list(map(words_of, kept))
    if call.remarks not in ("(?!)", ""):
        assert re.search(f"^(?:{call.remarks})", loud.stdout, re.MULTILINE), "the row is old: nothing is left out"
    assert "-q" not in first


def test_quiet_leaves_errors(callers):  # noqa: F811
    done = callers.run("-q", "policy", "show", "no-such-domain", uri=HERE)
    assert done.returncode == UNSURE and "there is no domain" in done.stderr
    assert callers.run("-q", "grants", "no-such-domain", uri=HERE).stdout == ""
    assert callers.run("grants", "no-such-domain", uri=HERE).stdout == "no grants\n"


@pytest.mark.parametrize("call", [call for call in CALLS if "{vm}" in call.text], ids=lambda call: call.text)
def test_domain_by_name_id_and_uuid(callers, call):  # noqa: F811
    domain = callers.vm.domain
    wanted = callers.call(call)
    assert wanted.returncode == call.status
    for name in (str(domain.ID()), domain.UUIDString(), domain.UUIDString().upper()):
        done = callers.call(call, vm=name)
        assert (done.returncode, done.stderr) == (wanted.returncode, wanted.stderr), name
        assert len(done.stdout.splitlines()) == len(wanted.stdout.splitlines()), name
    for name in ("no-such-domain", "4711", "00000000-0000-0000-0000-000000000000", ""):
        done = callers.call(call, vm=name)
        if call.connects:
            assert (done.returncode, done.stdout) == (UNSURE, "") and len(done.stderr.splitlines()) == 1
            assert f"there is no domain '{name}' at {HERE}: 'virsh -c {HERE} list --all' shows" in done.stderr
        else:       # grants and revoke: there are none of it
            assert (done.stdout, done.stderr) == ("no grants\n", "")


def test_names_that_are_something_else_too(callers):  # noqa: F811
    """Taken as virsh takes them: for an id, then for a UUID, then for a name."""
    lab, first = callers.lab, callers.vm.domain
    uuid = first.UUIDString()
    names = [str(first.ID()), uuid, uuid.replace("-", ""), "99999", "--json", "-q", "--", "a b", "é", "0", "+1", "0x1",
             f" {first.ID()}", unique_name()]
    machines = [lab.machine(name) for name in names]
    for name in names:
        (wanted,) = re.findall(r"UUID: +(\S+)", lab.virsh("dominfo", "--domain", name).stdout)
        machine = next(machine for machine in [*machines, callers.vm] if machine.domain.UUIDString() == wanted)
        for other in [*machines, callers.vm]:
            other.set_policy('<allow command="%s"/>' % ("right" if other is machine else "wrong"))
        for words in (["policy", "show", "--", name], ["policy", "--", "show", name]):
            assert "right" in callers.run(*words, uri=HERE).stdout, name
        checked = callers.run("check", "--domain", name, "--json", "right", uri=HERE)
        assert "domain:right#1" in checked.stdout, (name, checked)
        assert callers.run("-q", "status", "--", name, uri=HERE).stdout.count(": domain-policy") == 0
    for machine in machines:
        machine.discard()


def in_terminal(callers, *words, environment):     # noqa: F811
    """What comes out on one: script(1) is it."""
    line = " ".join(f"'{word}'" for word in ["virt-qmp-guard", *map(str, words)])
    return callers.lab.run("env", *environment, "script", "-qec", line, "/dev/null").stdout


@pytest.mark.parametrize("call", [call for call in CALLS if not call.refuses_readonly], ids=lambda call: call.text)
def test_colours(callers, call):  # noqa: F811
    """Only on a terminal that knows them, for whoever wants them; elsewhere there are no control characters at all."""
    words = callers.words(call)
    plain = callers.run(*words, uri=HERE)
    assert plain.stdout.replace("\n", "").isprintable() and plain.stderr.replace("\n", "").isprintable()
    front = ["-c", HERE]
    coloured = in_terminal(callers, *front, *words, environment=["-u", "NO_COLOR", "TERM=xterm"])
    assert ("\033" in coloured) == (call.name == "status")
    for environment in (["NO_COLOR=1", "TERM=xterm"], ["-u", "NO_COLOR", "TERM=dumb"]):
        assert "\033" not in in_terminal(callers, *front, *words, environment=environment)
    if call.name == "status":
        assert "\033" in in_terminal(callers, *front, *words, environment=["NO_COLOR=", "TERM=xterm"])
        assert "\033" not in in_terminal(callers, *front, *words, "--json", environment=["-u", "NO_COLOR", "TERM=xterm"])


@each_call
def test_another_host(callers, call):  # noqa: F811
    """This host's files are not passed off as that one's."""
    words = callers.words(call)
    for front, behind in ((["-c", ELSEWHERE], []), ([], ["-c", ELSEWHERE])):
        done = callers.run(*front, words[0], *behind, *words[1:])
        if call.is_local:
            assert (done.returncode, done.stdout) == (UNSURE, "") and len(done.stderr.splitlines()) == 1
            assert f" this host's, and the connection is to {ELSEWHERE}: run this there, or with -c {HERE}" in done.stderr
        elif call.connects:
            assert done.returncode == UNSURE and f"no connection to {ELSEWHERE}: " in done.stderr
        else:
            assert done.returncode == call.status
    variable = callers.run(*words, wrap=["env", f"LIBVIRT_DEFAULT_URI={ELSEWHERE}"])
    assert variable.returncode == done.returncode
    # Why ssh did not connect libvirt says in one way or another.
    known = f"no connection to {ELSEWHERE}: "
    assert variable.stderr == done.stderr or known in variable.stderr and known in done.stderr
