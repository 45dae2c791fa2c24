# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rules by who calls, whatever the way in: UNIX users, SASL accounts over TCP, certificates over TLS, and both at once.

There is no SELinux here: what its conditions match is for the unit tests to show.
"""

import shutil
import sys

import libvirt
import pytest

from certificates import make_key, make_signed
from clients import is_denied, request, run, send
from machines import policy
from second_lab import SecondLab
from test_identity_tcp import free_port

if not all(map(shutil.which, ("saslpasswd2", "openssl"))):
    pytest.skip("no saslpasswd2 or openssl: scripts/setup installs them", allow_module_level=True)

NMI, STATUS, RESET = request("inject-nmi"), request("query-status"), request("system_reset")
PASSWORD = "not much of a secret"
ONE, TWO = "O=Lab,CN=one", "O=Lab,CN=two"       # in the order that the certificate has
HOST_NAME = "127.0.0.1"


class Certificates:
    """An authority, a server and its clients, in directories as libvirt wants them."""

    def __init__(self, directory):
        self.directory = directory
        make_key("/CN=authority", *self.new("ca"), "-x509", "-addext", "keyUsage=critical,keyCertSign")
        self.make_signed("server", f"/CN={HOST_NAME}", f"subjectAltName=IP:{HOST_NAME}")
        for name in ("one", "two"):
            self.make_signed(name, f"/O=Lab/CN={name}", "extendedKeyUsage=clientAuth")
        # The same name, but nobody vouches for it.
        make_key("/O=Lab/CN=one", *self.new("forged"), "-x509")
        shutil.copy(self.path("ca") / "clientcert.pem", self.path("forged") / "cacert.pem")

    def path(self, name):
        return self.directory / name

    def new(self, name):
        """Where its key and its certificate are to be."""
        self.path(name).mkdir()
        return self.path(name) / "clientkey.pem", self.path(name) / "clientcert.pem"

    def make_signed(self, name, subject, extension):
        authority = self.path("ca")
        make_signed(subject, *self.new(name), (authority / "clientcert.pem", authority / "clientkey.pem"), extension)
        shutil.copy(authority / "clientcert.pem", self.path(name) / "cacert.pem")


class CallersLab(SecondLab):
    """Its daemon listens on TCP, where SASL is asked for, and on TLS, where @auth_tls is beside the certificate."""

    def __init__(self, auth_tls):
        super().__init__()
        self.clients = []
        self.ports = {"tcp": free_port(), "tls": free_port()}
        accounts = self.directory / "accounts"
        accounts.mkdir()
        (accounts / "libvirt.conf").write_text(f"mech_list: digest-md5\nsasldb_path: {accounts}/sasldb\n")
        for name in ("admin", "alice"):
            done = run("saslpasswd2", "-p", "-c", "-a", "libvirt", "-f", accounts / "sasldb", "-u", "lab", name,
                       input=PASSWORD)
            assert done.returncode == 0, done.stderr
        (self.directory / "pki").mkdir()
        self.certificates = Certificates(self.directory / "pki")
        server = self.certificates.path("server")
        self.listen([f"SASL_CONF_PATH={accounts}"], listen_addr=f'"{HOST_NAME}"', listen_tcp="1", auth_tcp='"sasl"',
                    tcp_port=f'"{self.ports["tcp"]}"', listen_tls="1", auth_tls=f'"{auth_tls}"',
                    tls_port=f'"{self.ports["tls"]}"', tls_no_verify_certificate="0",
                    ca_file=f'"{server}/cacert.pem"', cert_file=f'"{server}/clientcert.pem"',
                    key_file=f'"{server}/clientkey.pem"')
        self.vm = self.machine()

    def open(self, kind, certificate=None, account="nobody", password=PASSWORD):
        def fill_in(credentials, _):
            for credential in credentials:
                credential[4] = password if credential[0] == libvirt.VIR_CRED_PASSPHRASE else account
            return 0

        parameter = f"?pkipath={self.certificates.path(certificate)}" if certificate else ""
        kinds = [libvirt.VIR_CRED_AUTHNAME, libvirt.VIR_CRED_PASSPHRASE]
        opened = libvirt.openAuth(f"qemu+{kind}://{HOST_NAME}:{self.ports[kind]}/system{parameter}",
                                  [kinds, fill_in, None])
        self.clients.append(opened)
        return opened

    def passes(self, connection, text):
        answer = send(connection.lookupByName(self.vm.name), text)
        assert is_denied(answer) or isinstance(answer, dict), str(answer)
        return not is_denied(answer)

    def user_passes(self, user, text):
        done = self.virsh("qemu-monitor-command", self.vm.name, text, user=user)
        assert done.returncode == 0 or "access denied: '" in done.stderr, done.stderr
        return done.returncode == 0

    def close(self):
        for client in self.clients:
            client.close()
        super().close()


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    lab = CallersLab("none")
    try:
        callers = {"sasl:admin@lab": lab.open("tcp", account="admin@lab"),
                   "sasl:alice@lab": lab.open("tcp", account="alice@lab"),
                   f"x509:{ONE}": lab.open("tls", "one"), f"x509:{TWO}": lab.open("tls", "two"), "root": lab.connect()}
        lab.asking = {name: (lambda text, caller=caller: lab.passes(caller, text)) for name, caller in callers.items()}
        for user in ("alice", "bob"):
            lab.asking[user] = lambda text, user=user: lab.user_passes(user, text)
        yield lab
    finally:
        lab.close()


@pytest.fixture
def lab(shared_lab):
    shared_lab.log.mark()
    shared_lab.trail.mark()
    yield shared_lab
    shared_lab.vm.clear_policy()
    assert "host policy is invalid" not in str(shared_lab.log.messages())


UNIX = {"root", "alice", "bob"}
SASL = {"sasl:admin@lab", "sasl:alice@lab"}
X509 = {f"x509:{ONE}", f"x509:{TWO}"}
ALL = UNIX | SASL | X509


def passing(lab, text):
    return {name for name, ask in lab.asking.items() if ask(text)}


def test_each_is_recorded_by_the_name_that_it_is_known_by(lab):
    lab.set_host_policy(policy("<delegate/>"))
    assert passing(lab, STATUS) == ALL
    assert [record.field("user") for record in lab.log.records()] == [name.replace("=", r"\x3d") for name in lab.asking]
    whos = {record["user"]: record["who"] for record in lab.trail.records("decision")}
    assert whos["sasl:admin@lab"]["sasl"] == "admin@lab" and whos[f"x509:{TWO}"]["x509"] == TWO
    assert [name for name, who in whos.items() if "sasl" in who] == ["sasl:admin@lab", "sasl:alice@lab"]
    assert [name for name, who in whos.items() if "x509" in who] == [f"x509:{ONE}", f"x509:{TWO}"]
    assert {name for name, who in whos.items() if "user" in who} == UNIX


@pytest.mark.parametrize("condition, who", [
    ('sasl="admin@lab"', {"sasl:admin@lab"}),
    ('sasl="alice@lab"', {"sasl:alice@lab"}),
    ('sasl="admin"', set()), ('sasl="alice"', set()), ('sasl="ADMIN@lab"', set()), ('sasl="*"', set()),
    (f'x509="{ONE}"', {f"x509:{ONE}"}),
    (f'x509="{TWO}"', {f"x509:{TWO}"}),
    ('x509="CN=one"', set()), ('x509="CN=one,O=Lab"', set()), ('x509="CN=*"', set()), ('x509="*"', set()),
    ('user="alice"', {"alice"}), ('unix-group="ops"', {"alice"}), ('unix-group="libvirt"', {"alice", "bob"}),
    ('user="alice@lab"', set()), ('user="sasl:alice@lab"', set()), ('user="one"', set()),
    ('user="alice" sasl="alice@lab"', set()), (f'sasl="admin@lab" x509="{ONE}"', set()),
    ("", ALL),
])
@pytest.mark.parametrize("place", ["host", "domain"])
def test_allow_is_for_whoever_is_known_by_the_name(lab, place, condition, who):
    rule = f'<allow command="inject-nmi" {condition}/>'
    lab.set_host_policy(policy(rule if place == "host" else "<delegate/>"))
    if place == "domain":
        lab.vm.set_policy(rule)
    assert passing(lab, NMI) == who


@pytest.mark.parametrize("condition, others", [
    ('sasl="admin@lab"', {"sasl:alice@lab"}),
    ('sasl="nobody"', SASL),
    (f'x509="{ONE}"', {f"x509:{TWO}"}),
    ('x509="nobody"', X509),
    ('user="alice"', {"root", "bob"}),
    ('user="nobody"', UNIX),
    ('unix-group="ops"', {"root", "bob"}),
    (f'sasl="admin@lab" x509="{ONE}"', {"sasl:alice@lab", f"x509:{TWO}"}),
    ('user="alice" unix-group="bob"', UNIX),
])
def test_deny_is_for_whoever_may_be_meant(lab, condition, others):
    """Of whom the daemon knows no such name, nobody can say that it is not the one."""
    lab.set_host_policy(policy(f"<deny {condition}/>", "<allow/>"))
    assert passing(lab, STATUS) == others


def test_limit_is_for_whoever_may_be_meant(lab):
    lab.set_host_policy(policy('<limit command="system_reset" sasl="admin@lab" count="1" per="1h"/>', "<delegate/>"))
    assert passing(lab, RESET) == ALL
    assert passing(lab, RESET) == {"sasl:alice@lab"}


@pytest.mark.parametrize("claim", [
    {libvirt.VIR_CONNECT_IDENTITY_X509_DISTINGUISHED_NAME: ONE},
    {libvirt.VIR_CONNECT_IDENTITY_SASL_USER_NAME: "admin@lab"},
    {libvirt.VIR_CONNECT_IDENTITY_USER_NAME: "root", libvirt.VIR_CONNECT_IDENTITY_UNIX_USER_ID: 0}])
@pytest.mark.parametrize("kind, how", [("tls", {"certificate": "two"}), ("tcp", {"account": "alice@lab"})])
def test_claim_changes_nothing(lab, kind, how, claim):
    lab.set_host_policy(policy(*(f'<allow command="inject-nmi" {condition}/>' for condition in (
        f'x509="{ONE}"', 'sasl="admin@lab"', 'user="root"'))))
    caller = lab.open(kind, **how)
    caller.setIdentity(claim)
    assert lab.passes(caller, STATUS) and not lab.passes(caller, NMI)
    decisions = lab.log.records()
    if lab.claims_reach_the_guard:
        assert decisions.pop(0).kind == "QMP identity refused"
    assert {record.field("user") for record in decisions} <= {"sasl:alice@lab", r"x509:O\x3dLab,CN\x3dtwo"}


@pytest.mark.parametrize("kind, how", [
    ("tcp", {"account": "admin@lab", "password": "wrong"}), ("tcp", {"account": "eve@lab"}),
    ("tls", {"certificate": "forged"})])
def test_who_cannot_prove_it_does_not_get_in(lab, kind, how):
    with pytest.raises(libvirt.libvirtError):
        lab.open(kind, **how)


# root says for whom it speaks, as virtproxyd does: a user without a name.
NAMELESS = """
import sys, libvirt, libvirt_qemu
libvirt.registerErrorHandler(lambda *_: None, None)
connection = libvirt.open("qemu:///system")
connection.setIdentity({libvirt.VIR_CONNECT_IDENTITY_UNIX_USER_ID: 34567,
                        libvirt.VIR_CONNECT_IDENTITY_UNIX_GROUP_ID: 34567})
try:
    libvirt_qemu.qemuMonitorCommand(connection.lookupByName(sys.argv[1]), sys.argv[2], 0)
except libvirt.libvirtError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("rule, passes", [
    ("<allow/>", True), ('<allow user="root"/>', False), ('<allow user="uid:34567"/>', False),
    ('<allow user="34567"/>', False), ('<allow unix-group="root"/>', False),
    ('<deny user="bob"/>', False), ('<deny unix-group="ops"/>', False), ('<deny sasl="x"/>', False),
    ('<deny user="bob" command="stop"/>', True)])
def test_user_without_a_name(lab, rule, passes):
    profile, *rest = ("baseline", "<allow/>") if rule.startswith("<deny") else ("closed",)
    lab.set_host_policy(policy(rule, *rest, profile=profile))
    done = lab.run(sys.executable, "-c", NAMELESS, lab.vm.name, STATUS)
    assert (done.returncode == 0) == passes, done.stderr
    assert lab.log.record().field("user") == "uid:34567"


def test_certificate_and_account_at_once(in_lab):
    lab = CallersLab("sasl")
    try:
        callers = {(certificate, account): lab.open("tls", certificate, account)
                   for certificate in ("one", "two") for account in ("admin@lab", "alice@lab")}
        for rules, text, expected in (
                ([f'<allow command="inject-nmi" x509="{ONE}" sasl="admin@lab"/>'], NMI, {("one", "admin@lab")}),
                ([f'<allow command="inject-nmi" x509="{ONE}"/>'], NMI, {("one", "admin@lab"), ("one", "alice@lab")}),
                (['<allow command="inject-nmi" sasl="admin@lab"/>'], NMI, {("one", "admin@lab"), ("two", "admin@lab")}),
                ([f'<deny x509="{ONE}"/>', '<deny sasl="admin@lab"/>'], STATUS, {("two", "alice@lab")}),
                ([f'<deny x509="{ONE}" sasl="admin@lab"/>'], STATUS, callers.keys() - {("one", "admin@lab")})):
            lab.set_host_policy(policy(*rules, "<delegate/>"))
            assert {who for who, caller in callers.items() if lab.passes(caller, text)} == expected
        with pytest.raises(libvirt.libvirtError):
            lab.open("tls", "one", "admin@lab", "wrong")
    finally:
        lab.close()
