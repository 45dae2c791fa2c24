# SPDX-License-Identifier: LGPL-2.1-or-later
"""What virt-qmp-guard says when something is missing: the thing, the place and the remedy, and never a false answer."""

import contextlib
import os
import socket
import threading

import pytest

from clients import SOCKET, run
from features import needs
from helper_calls import CALLS, HERE, NAME, NO, UNSURE, YES, Callers, callers, each_call  # noqa: F401
from polkit import PolkitMachine, denying, require_polkit, start_polkit
from second_lab import SecondLab

STRANGER = "daemon"     # a user of every Debian, in none of libvirt's groups
START = "is the daemon running? 'systemctl start libvirtd' (or virtqemud) starts it"
RIGHT = "is the URI right? This host's libvirt is qemu:///system"
ENDED = "has the daemon ended? 'virsh uri' tells; a running domain outlives it"


def complaint(done):
    """The one line on standard error, without the program's name."""
    assert (done.returncode, done.stdout) == (UNSURE, ""), done
    assert done.stderr.startswith("virt-qmp-guard: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removeprefix("virt-qmp-guard: ").rstrip("\n")


@pytest.mark.parametrize("uri, told, remedy", [
    ("qemu:///frob", "unexpected qemu URI path '/frob'", RIGHT),
    ("qemu+frob:///system", "transport in URL not recognised", "is the URI right?"),
    ("qemu+tcp://127.0.0.1:1/system", "Connection refused", "is the URI right, is that host up, and may you log in there?"),
    ("qemu+ssh://no-host.invalid/system", "no-host.invalid", "is that host up, and may you log in there?"),
])
def test_wrong_uri(in_lab, uri, told, remedy):
    done = complaint(run("virt-qmp-guard", "-c", uri, "policy", "show", "x"))
    assert done.startswith(f"no connection to {uri}: ") and told in done and remedy in done


def test_unknown_driver(in_lab):
    """libvirtd knows that there is none; where there is no libvirtd, and on 7.0, a daemon's socket is looked for."""
    uri = "frob:///system"
    done = complaint(run("virt-qmp-guard", "-c", uri, "policy", "show", "x"))
    told = {"no connection driver available": RIGHT, "-sock-ro": START}
    assert done.startswith(f"no connection to {uri}: ")
    assert [done.endswith(remedy) for words, remedy in told.items() if words in done] == [True]


def test_daemon_down(second_lab):
    """Its socket is there and refuses, or is gone; what reads files alone goes on."""
    lab = second_lab()
    callers_ = Callers(lab)     # second_lab closes the lab
    rows = [(call, callers_.words(call)) for call in CALLS if call.connects]
    lab.kill_daemon()
    path = lab.directory / SOCKET.lstrip("/")
    for remove, told in ((False, "Connection refused"), (True, "No such file or directory")):
        if remove:
            path.unlink()
            path.with_name(f"{path.name}-ro").unlink()
        for call, words in rows:
            done = complaint(callers_.run(*words, uri=HERE))
            assert done.startswith(f"no connection to {HERE}: ") and told in done and done.endswith(START), call
    assert callers_.run("grants", NAME, uri=HERE).returncode == YES
    assert callers_.run("grants", "1", uri=HERE).stdout == "no grants\n"
    assert callers_.run("audit", uri=HERE).returncode == YES
    callers_.folder.cleanup()


class Leaving:
    """A daemon that ends after some answers: what comes from the client is handed on to the lab's until then."""

    def __init__(self, path, answers):
        self.answers = answers
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            client = self.server.accept()[0]
            with client, socket.socket(socket.AF_UNIX) as daemon:
                daemon.connect(SOCKET)
                for _ in range(self.answers):
                    daemon.sendall(self.message(client))
                    client.sendall(self.message(daemon))

    @staticmethod
    def message(stream):
        """The length that it begins with is of the whole."""
        head = stream.recv(4, socket.MSG_WAITALL)
        if len(head) < 4:
            raise ConnectionError("nobody speaks any more")
        return head + stream.recv(int.from_bytes(head, "big") - 4, socket.MSG_WAITALL)

    def close(self):
        self.server.close()


@pytest.mark.parametrize("words", ["status {}", "policy show {}", "check --domain {} query-status", "policy clear {}",
                                   "check --start --domain {}", "catalog --against {}", "grant {} --command quit --reason x"])
def test_daemon_ends_midway(vm, tmp_path, words):
    """After each answer in turn: the whole answer, or one line that says what is the matter."""
    whole = run("virt-qmp-guard", "-c", HERE, *words.format(vm.name).split())
    cut = 0
    for answers in range(40):
        path = tmp_path / f"socket{answers}"
        leaving = Leaving(path, answers)
        done = run("virt-qmp-guard", "-c", f"qemu+unix:///system?socket={path}", *words.format(vm.name).split())
        leaving.close()
        if done.returncode == UNSURE:
            cut += 1
            assert done.stdout == "" and vm.name in done.stderr or "no connection to" in done.stderr, done
            assert ENDED in done.stderr or "is the URI right?" in done.stderr, done
        else:
            assert done.returncode == whole.returncode, done
            if answers > cut + 2:
                break
    assert cut > 3 and done.returncode == whole.returncode


@pytest.fixture(scope="module")
def closed_lab(in_lab):
    """Whose sockets are for libvirt's group alone."""
    made = Callers(SecondLab("--set", "unix_sock_group=libvirt", "--set", "unix_sock_rw_perms=0770", "--set",
                             "unix_sock_ro_perms=0770"))
    yield made
    made.close()


@pytest.mark.parametrize("call", [call for call in CALLS if call.connects], ids=lambda call: call.text)
def test_user_without_the_group(closed_lab, call):
    words = closed_lab.words(call)
    done = complaint(closed_lab.run(*words, uri=HERE, user=STRANGER))
    if call.name == "grant":
        assert done == "grants are root's: run this as root"
    else:
        assert done.startswith(f"no connection to {HERE}: ") and "Permission denied" in done
        assert done.endswith("may you use it? Members of the socket's group (often 'libvirt') may, and root")


ROOTS = [("grants", "grants are root's: run this as root"), ("confirm x", "grants are root's: run this as root"),
         ("revoke --all", "grants are root's: run this as root"),
         ("grant x --command quit --reason x", "grants are root's: run this as root"),
         ("enable", "systemd's files are root's: run this as root"),
         ("disable", "systemd's files are root's: run this as root"),
         ("audit", "cannot read /var/log/libvirt/qmp-guard: Permission denied: run this as root"),
         ("audit --verify",
          "cannot read /var/log/libvirt/qmp-guard/audit.log.head: Permission denied: run this as root"),
         ("policy learn", "cannot read /var/log/libvirt/qmp-guard: Permission denied: run this as root")]


@pytest.mark.parametrize("words, told", ROOTS)
def test_files_of_root(callers, words, told):  # noqa: F811
    assert complaint(callers.run(*words.split(), uri=HERE, user=STRANGER)) == told


def test_host_policy_of_root(callers):  # noqa: F811
    path = callers.lab.host_policy
    callers.lab.set_host_policy(callers.files["host_policy"])
    path.chmod(0o600)
    try:
        for words in (["check", "quit"], ["explain", "quit"],
                      ["catalog", "--diff", callers.places["commands"], callers.places["more_commands"]],
                      ["policy", "replay", callers.places["policy"], callers.places["trail"]],
                      ["check", "--start", "--domain-xml", callers.places["open_domain"]]):
            done = callers.run(*words, uri=HERE, user=STRANGER)
            assert complaint(done) == ("cannot read the host policy /etc/libvirt/qmp-guard/policy.xml: Permission "
                                       "denied: run this as root")
    finally:
        path.chmod(0o644)


@needs("polkit-rules")
def test_polkit_denies(second_lab):
    """What libvirt does not let the user see is not there; what it does not let it do is told with the rule's place."""
    require_polkit()
    lab = second_lab()
    start_polkit(lab, denying(("connect.read", "alice"), ("domain.write", "bob"), ("domain.read", "bob")))
    lab.daemon("restart")
    machine = PolkitMachine(lab)
    policy = lab.file("policy", '<policy xmlns="urn:qmp-guard:policy:1"/>')

    def told(*words, user):
        return complaint(lab.run("virt-qmp-guard", "-c", HERE, *words, user=user))

    remedy = "access denied: "
    rules = "libvirt's polkit rules have to allow it to you; or run this as root"
    for words in (["policy", "set", machine.name, policy], ["policy", "clear", machine.name],
                  ["policy", "show", machine.name], ["check", "--domain", machine.name, "query-status"]):
        done = told(*words, user="bob")
        assert machine.name in done and remedy in done and done.endswith(rules), done
    assert "alice" not in told("policy", "show", "no-such-domain", user="bob")
    denied = lab.run("virt-qmp-guard", "-c", HERE, "policy", "show", machine.name, user="alice")
    assert denied.returncode in (UNSURE, 1)


@each_call
def test_answer_that_nobody_gets(callers, call):  # noqa: F811
    """A full disk, a stream that is closed: no success. Whoever stops to read ends it, and is told nothing."""
    words = ["virt-qmp-guard", "-c", HERE, *callers.words(call)]
    whole = callers.lab.run("env", "SUDO_UID=21002", *words)
    for end, told in ((">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")):
        words = ["virt-qmp-guard", "-c", HERE, *callers.words(call)]
        done = callers.lab.run("env", "SUDO_UID=21002", "sh", "-c", f'"$@" {end}', "sh", *words)
        assert done.stdout == ""
        if whole.stdout:
            assert done.returncode == UNSURE and done.stderr.endswith(
                f"virt-qmp-guard: cannot write the answer: {told}\n"), done
        else:
            assert done.returncode == whole.returncode
    words = ["virt-qmp-guard", "-c", HERE, *callers.words(call)]
    for trap in ("", "trap '' PIPE; "):
        done = callers.lab.run("env", "SUDO_UID=21002", "bash", "-c", f'{trap}"$@" | exec 0<&-; exit ${{PIPESTATUS[0]}}',
                               "bash", *words)
        assert done.stderr == (whole.stderr if "{grant}" not in call.text else done.stderr), done
        assert "cannot write" not in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["check", "--help"], ["help"]])
def test_help_that_nobody_gets(in_lab, words):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = run("virt-qmp-guard", *words, capture_output=False, stdout=full, stderr=-1)
    assert done.returncode == UNSURE and "cannot write the answer: No space left on device" in done.stderr


@pytest.mark.parametrize("words, place", [
    (["policy", "validate", "{}"], "{}"), (["check", "--policy", "{}", "quit"], "{}"), (["check", "--text-file", "{}"], "{}"),
    (["audit", "{}"], "{}"), (["policy", "learn", "{}"], "{}"), (["catalog", "--diff", "{}", "{}"], "{}"),
    (["grant", "x", "--text-file", "{}", "--reason", "x"], "{}"),
])
def test_file_that_cannot_be_read(callers, words, place, tmp_path):  # noqa: F811
    missing = os.fspath(tmp_path / "missing")
    done = complaint(callers.run(*(word.format(missing) for word in words), uri=HERE))
    assert done == f"cannot read {place.format(missing)}: No such file or directory"


@pytest.mark.parametrize("words, told", [
    ("check demo query-status", "'demo' is no command, and what follows is one: a domain is --domain demo"),
    ("check --agent demo guest-ping", "'demo' is no command, and what follows is one: a domain is --domain demo"),
    ("explain info status", "'info' is a command of HMP: write --hmp in front of it"),
    ("grant demo quit --reason x", "grant: 'quit' is one word too many: what is to pass goes behind --command, several "
     "words in quotes"),
    ("grant demo --hmp --command info status --reason x", "grant: 'status' is one word too many: what is to pass goes "
     "behind --command, several words in quotes"),
    ("audit demo", "cannot read demo: No such file or directory: a VM is --vm demo"),
    ("audit --verify demo", "cannot read demo: No such file or directory: a VM is --vm demo"),
])
def test_first_tries(in_lab, words, told):
    """What somebody writes who knows virsh, and not yet this."""
    assert complaint(run("virt-qmp-guard", *words.split())) == told


def test_first_looks_at_the_catalogue(in_lab):
    for words, status, told in ((["inject_nmi"], NO, "the catalogue has no command 'inject_nmi'; did you mean 'inject-nmi'?"),
                                (["--group", "@query", "quit"], NO, "the catalogue has no such command in @query"),
                                (["--group", "@unknown"], NO, "the catalogue has no such command in @unknown"),
                                (["--group", "dangerous"], UNSURE, "there is no group 'dangerous': see 'virt-qmp-guard "
                                 "catalog --groups'; did you mean '@dangerous'?")):
        done = run("virt-qmp-guard", "catalog", *words)
        assert (done.returncode, done.stdout, done.stderr) == (status, "", f"virt-qmp-guard: {told}\n")
    assert run("virt-qmp-guard", "catalog", "info", "block").stdout == run("virt-qmp-guard", "catalog", "info block").stdout
    assert run("virt-qmp-guard", "catalog", "info", "block").returncode == YES
