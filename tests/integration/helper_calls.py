# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each subcommand of virt-qmp-guard is called with, for the tests of what all of them have in common.

The subcommands, and the actions of `policy`, are those that the program lists: one without a row makes
test_habits.py::test_each_subcommand_has_a_row fail.
"""

import json
import pathlib
import re
import tempfile
from typing import NamedTuple

import pytest

from clients import run
from machines import policy
from recorded import write_records
from second_lab import SecondLab

YES, NO, UNSURE = 0, 1, 2
HERE = "qemu:///system"
NOWHERE = "qemu+unix:///system?socket=/no/such/socket"
ELSEWHERE = "qemu+ssh://no-host.invalid/system"
NAME = "habits"     # of the domain
POLICY = '<allow command="query-status"/>'     # the domain's
ALICE, BOB = 21001, 21002

CONNECTION = "needs a read-write connection for this: leave out -r"
HOST = "changes something on this host: leave out -r"


class Call(NamedTuple):
    """Words with {vm}, {grant}, {policy} (a file) and so on in them, and what is to be expected of them."""
    text: str
    status: int = YES
    connects: bool = False          # no answer without a daemon
    is_local: bool = False          # reads this host's files: no answer for another host
    refuses_readonly: str = ""      # what -r is told
    remarks: str = "(?!)"           # lines that -q leaves out

    @property
    def name(self):
        return self.text.split()[0]

    @property
    def row(self):
        """As test_each_subcommand_has_a_row knows it: `policy show` is one of its own."""
        return " ".join(self.text.split()[:2]) if self.name == "policy" else self.name


CALLS = [
    Call("check query-status", is_local=True),
    Call("check --json query-status", is_local=True),
    Call("check --domain {vm} --host-policy {host_policy} query-status", connects=True),
    Call("check --start --domain {vm}", connects=True, is_local=True, remarks="action +finding"),
    Call("check --start --domain-xml {open_domain}", status=NO, is_local=True, remarks="action +finding"),
    Call("explain --domain {vm} query-status", connects=True, is_local=True, remarks="operation +policy +line"),
    Call("policy validate {policy}", remarks=".*: valid as "),
    Call("policy show {vm}", connects=True),
    Call("policy set {vm} {policy}", connects=True, refuses_readonly=CONNECTION, remarks="policy of domain "),
    Call("policy clear {vm}", connects=True, refuses_readonly=CONNECTION, remarks="policy of domain "),
    Call("policy learn {trail}"),
    Call("policy learn", is_local=True),
    Call("policy replay {policy} {trail}", status=NO, is_local=True, remarks="count +vm|[0-9]+ judged"),
    Call("policy replay {policy} --host-policy {host_policy}", status=NO, is_local=True, remarks="count +vm|[0-9]+ judged"),
    Call("policy test {policy} {cases}", status=NO, remarks="[0-9]+ passed"),
    Call("catalog quit", remarks="channel +name"),
    Call("catalog --groups", remarks="group +help"),
    Call("catalog --diff {commands} {more_commands}", status=NO, is_local=True, remarks="what +name"),
    Call("catalog --against {vm}", connects=True, is_local=True, refuses_readonly=CONNECTION,
         remarks="the catalogue has all"),
    Call("audit", is_local=True, remarks="time +vm"),
    Call("audit --count-by vm {trail}", remarks=" *count +vm"),
    Call("audit --burst 2/60 {trail}", remarks="first +last"),
    Call("audit --summary {trail}"),
    Call("audit --verify", is_local=True, remarks="sound: "),
    Call("grant {vm} --command quit --reason ticket", connects=True, is_local=True, refuses_readonly=HOST,
         remarks="granted "),
    Call("grants", is_local=True, remarks="grant +domain"),
    Call("grants {vm}", is_local=True, remarks="grant +domain"),
    Call("confirm {grant}", is_local=True, refuses_readonly=HOST, remarks="confirmed "),
    Call("revoke {grant}", is_local=True, refuses_readonly=HOST, remarks="revoked "),
    Call("revoke --domain {vm}", is_local=True, refuses_readonly=HOST, remarks="revoked "),
    Call("status", status=NO, connects=True, is_local=True, remarks=".*: PASS"),
    Call("status {vm}", status=NO, connects=True, is_local=True, remarks=".*: PASS"),
    # What they do is test_enable.py's.
    Call("enable --root /no/such/root", status=UNSURE, is_local=True, refuses_readonly=HOST),
    Call("disable --root /no/such/root", status=UNSURE, is_local=True, refuses_readonly=HOST),
    Call("help", remarks=""),
    Call("help check"),
]

each_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.text)


def words_of(pattern, *words):
    return re.findall(pattern, run("virt-qmp-guard", *words, check=True).stdout, re.MULTILINE)


def subcommands():
    """As the program lists them."""
    return words_of(r"^ {12}virt-qmp-guard (\S+)", "--help")


def policy_actions():
    return words_of(r"^  ([a-z]+)\b", "policy", "--help")


OPEN_MONITOR = """<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>open</name>
<qemu:commandline><qemu:arg value='-qmp'/><qemu:arg value='tcp:127.0.0.1:4444,server=on'/></qemu:commandline></domain>"""


class Callers:
    """A lab with a domain that has a policy, a trail and a grant, and the files that the calls read."""

    def __init__(self, lab):
        self.lab = lab
        self.vm = lab.machine(NAME)
        self.vm.set_policy(POLICY)
        self.files = {
            "policy": policy('<deny command="query-status"/>'),
            "host_policy": policy("<delegate/>"),
            "cases": "allow | alice | qmp | query-status\ndeny | alice | qmp | query-status\n",
            "open_domain": OPEN_MONITOR,
            "commands": json.dumps({"return": [{"name": "quit"}]}),
            "more_commands": json.dumps({"return": [{"name": "quit"}, {"name": "x-new"}]}),
        }
        # Not below the lab's directory, which strangers cannot enter.
        self.folder = tempfile.TemporaryDirectory(dir="/tmp", prefix="qmp-guard-habits.")
        folder = pathlib.Path(self.folder.name)
        folder.chmod(0o755)
        self.places = {name: folder / name for name in [*self.files, "trail"]}
        for name, text in self.files.items():
            self.places[name].write_text(text)
        write_records(self.places["trail"], [{}, {}, {"user": "bob"}])
        self.vm.send('{"execute":"query-status"}')

    def close(self):
        self.lab.close()
        self.folder.cleanup()

    def run(self, *words, uri=(), wrap=(), **kwargs):
        """The helper as root whom bob's sudo called; @wrap is a command in front of it."""
        front = ["-c", uri] if uri else []
        return self.lab.run("env", f"SUDO_UID={BOB}", *wrap, "virt-qmp-guard", *front, *words, **kwargs)

    def grant(self):
        given = self.lab.run("env", f"SUDO_UID={ALICE}", "virt-qmp-guard", "-c", HERE, "grant", NAME, "--command", "quit",
                             "--reason", "x", "--json")
        return json.loads(given.stdout)["grant"]

    def words(self, call, vm=NAME):
        """What stands for the call's words by now; the domain is as it is before each."""
        if "policy" in call.text:
            self.vm.set_policy(POLICY)
        grant = None
        if "grant" in call.text or call.name == "revoke":
            self.run("revoke", "--all", uri=HERE)
            grant = self.grant()
        return [word.format(vm=vm, grant=grant, **self.places) for word in call.text.split()]

    def call(self, call, *more, vm=NAME, **kwargs):
        return self.run(*self.words(call, vm), *more, **({"uri": HERE} | kwargs))


@pytest.fixture(scope="module")
def callers(in_lab):
    made = Callers(SecondLab())
    yield made
    made.close()
