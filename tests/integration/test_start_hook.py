# SPDX-License-Identifier: LGPL-2.1-or-later
"""The libvirt hook under the real daemon: what it lets start, what it refuses and tells, and what it records.

Domains are started paused and left running, for ending one takes libvirt longer than starting it.
"""

import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree

import libvirt
import pytest

from clients import answer_of
from features import needs
from machines import NAMESPACE, QEMU_NAMESPACE, bare_xml, policy, unique_name, with_metadata
from second_lab import SHIPPED_DEFAULT, HOOK_PATH, HOST_POLICY_PATH, SecondLab, refusal_of

INET = "host=127.0.0.1,port=0,server=on,wait=off"
TCP = "tcp:127.0.0.1:0,server=on,wait=off"
SOCKET = f"socket,id=c,{INET}"
MON = ["-chardev", SOCKET, "-mon", "chardev=c,mode=control"]
BROKEN = "-no-such-option"      # with it QEMU ends at once, which saves time where the hook alone is asked
PAUSED = libvirt.VIR_DOMAIN_START_PAUSED
WRAPPER = "WRAPPER"      # stands for the path of a script that runs QEMU


def start_rules(*rules, **attributes):
    """A host policy of start rules alone."""
    return policy(f"<start>{''.join(rules)}</start>", **attributes)


def refuse_only(finding):
    return start_rules(f'<refuse finding="{finding}"/>', "<ignore/>")


LAX = start_rules("<ignore/>")
STRICT = start_rules("<refuse/>")
INVALID = policy("<frob/>")


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    lab = SecondLab()
    lab.file("emulator", '#!/bin/sh\nexec /usr/bin/qemu-system-x86_64 "$@"\n').chmod(0o755)
    yield lab
    lab.close()


@pytest.fixture
def lab(shared_lab):
    """Each test begins with what is shipped."""
    shared_lab.set_host_policy(SHIPPED_DEFAULT)
    shared_lab.trail.mark()
    return shared_lab


def made(lab, what, **kwargs):
    """A name, and a domain's XML with it; @what is QEMU's arguments, or what bare_xml() takes."""
    name = unique_name("started")
    words = (what if isinstance(what, dict) else {"arguments": what}) | kwargs
    if words.get("emulator") == WRAPPER:
        words = words | {"emulator": lab.directory / "emulator"}
    return name, bare_xml(name, **words)


def is_running(started):
    return isinstance(started, libvirt.virDomain) and started.isActive() == 1


def rows(finding, *whats):
    """The first one is something that a QEMU starts with."""
    return [pytest.param(finding, what, number == 0, id=f"{finding}-{number}", marks=marks_of(what))
            for number, what in enumerate(whats)]


def marks_of(what):
    """Of a libvirt that drops an element the hook cannot hear."""
    added = what.get("qemu", "") if isinstance(what, dict) else ""
    return [needs("override")] if "override" in added or "deprecation" in added else []


ROWS = [
    *rows("network-monitor",
          ["-qmp", TCP], ["--qmp", TCP], ["-qmp-pretty", TCP], ["-monitor", TCP], ["--monitor", TCP],
          ["-monitor", "telnet:127.0.0.1:0,server=on,wait=off"], ["-qmp", "websocket:127.0.0.1:0,server=on,wait=off"],
          ["-monitor", "udp:127.0.0.1:9"], ["-monitor", "vc"], ["-qtest", TCP], ["-gdb", TCP], ["-gdb", "tcp::0"],
          ["-s"],
          MON, ["-mon", "c", "-chardev", SOCKET], ["--mon=c", "--chardev", SOCKET],
          ["-chardev", f"null,backend=socket,id=c,{INET}", "-mon", "chardev=c"],
          ["-qmp", "chardev:c", "-chardev", SOCKET], ["-chardev", SOCKET, "-object", "qtest,id=q,chardev=c"],
          ["-serial", f"mon:{TCP}"], ["-parallel", f"mon:{TCP}"], ["-serial", "mon:chardev:c", "-chardev", SOCKET]),
    *rows("unix-monitor",
          ["-qmp", "unix:DIRECTORY/monitor,server=on,wait=off"], ["-monitor", "unix:/none/a,server=on,wait=off"],
          ["-chardev", "socket,id=c,path=/none/a,server=on,wait=off", "-mon", "chardev=c"],
          ["-chardev", "socket,id=c,path=name,abstract=on,server=on,wait=off", "-mon", "chardev=c"],
          ["-serial", "mon:unix:/none/a,server=on,wait=off"], ["-gdb", "unix:/none/a,server=on,wait=off"]),
    *rows("other-monitor",
          ["-monitor", "file:/dev/null"], ["-qmp", "pty"], ["-monitor", "stdio"],
          ["-chardev", "pty,id=c", "-mon", "c"]),
    # Under libvirt's sandbox few QEMUs start a program and live.
    *rows("host-exec",
          ["-incoming", "exec:true"], ["-plugin", "file=/none"], ["-semihosting"], ["--incoming", "exec:true"],
          ["-netdev", "tap,id=n,script=/bin/true"],
          ["-incoming", '{"channel-type":"main","addr":{"transport":"exec"}}']),
    *rows("opaque-option", ["-readconfig", "/dev/null"], ["-set", "device.x.y=z"], ["-preconfig"]),
    *rows("confinement", ["-sandbox", "off"], ["-runas", "root"], ["-chroot", "/"], ["-daemonize"]),
    *rows("argument", ["-no-shutdown"], ["-global", "a.b=c"], ["-monitor", "null"], ["/none"], ["-chardev", SOCKET]),
    *rows("code-environment",
          {"environment": ["LD_PRELOAD="]}, {"environment": ["LD_BIND_NOW=1"]}, {"environment": ["QEMU_MODULE_DIR=/"]}),
    *rows("environment", {"environment": ["NAME=value"]}, {"environment": ["_LD_PRELOAD=x"]}),
    *rows("override",
          {"qemu": "<qemu:override><qemu:device alias='x'><qemu:frontend><qemu:property name='x' type='bool' "
                   "value='true'/></qemu:frontend></qemu:device></qemu:override>"},
          {"qemu": "<qemu:capabilities><qemu:del capability='no-hpet'/></qemu:capabilities>"},
          {"qemu": "<qemu:deprecation behavior='omit'/>"}),
    *rows("emulator", {"emulator": WRAPPER}),
    *rows("policy-invalid",
          {"metadata": policy("<frob/>")}, {"metadata": f'<policy xmlns="{NAMESPACE}" default="maybe"/>'},
          {"metadata": policy("<start/>")}),
]


@pytest.mark.parametrize("finding, what, runs", ROWS)
def test_refused_and_let_pass(lab, finding, what, runs):
    """Each finding once with a QEMU that starts. For other rows, where many do not, the hook alone is asked then."""
    what = what if isinstance(what, dict) else {"arguments": what}
    arguments = [argument.replace("DIRECTORY", str(lab.directory)) for argument in what.get("arguments", [])]
    name, xml = made(lab, what | {"arguments": arguments})
    lab.set_host_policy(refuse_only(finding))
    told = refusal_of(lab.start(xml))
    assert told and told.reason
    assert (told.domain, told.finding, told.rule) == (name, finding, f"host:{finding}#1")
    assert set(lab.trail.findings(name)) == {("deny", finding)}

    lab.trail.mark()
    if runs:
        lab.set_host_policy(start_rules(f'<warn finding="{finding}"/>', "<ignore/>"))
        started = lab.start(xml)
        assert (is_running(started) or finding == "host-exec") and refusal_of(started) is None
        assert set(lab.trail.findings(name)) == {("warn", finding), ("allow", None)}
    else:
        lab.set_host_policy(LAX)
        assert lab.hook("prepare", xml, name).returncode == 0
        assert lab.trail.findings(name) == [("allow", None)]


# What the shipped rules refuse must not pass as what they only warn of. Each opens a monitor to the network.
DISGUISES = [
    # QEMU takes the first `id` of -chardev and the last of any other key.
    ["-chardev", "null,id=d,id=c", *MON],
    # An option that is another one's value; the file behind it is a disk image.
    ["-name", "-chardev", "FILE,backend=null,id=c", *MON],
    ["-name", "-object", "FILE,qom-type=tls-creds-x509,id=t", "-object", "authz-simple,id=a,identity=x",
     "-object", "tls-creds-anon,id=t,endpoint=server", "-chardev", f"{SOCKET},tls-creds=t,tls-authz=a", "-mon", "c"],
    # The last of a key counts.
    ["-chardev", f"{SOCKET},backend=null,backend=socket", "-mon", "chardev=none,chardev=c"],
    ["-chardev", "null,id=n", "-chardev", SOCKET, "-mon", "chardev=n", "-mon", "chardev=c"],
    ["-serial", "null", "-serial", f"mon:{TCP}"],
    ["-name", "-monitor", "-qmp", TCP],
    # A device that the arguments do not make.
    ["-mon", "chardev=charserial0"],
]


@pytest.mark.parametrize("arguments", DISGUISES, ids=lambda arguments: " ".join(arguments)[:60])
def test_disguised_monitor(lab, arguments):
    for index, argument in enumerate(arguments):
        if argument.startswith("FILE"):
            path = lab.file(argument[len("FILE"):].replace("/", "_"), bytes(512))
            arguments = [*arguments[:index], str(path), *arguments[index + 1:]]
    _, xml = made(lab, arguments)
    told = refusal_of(lab.start(xml))
    assert told and told.finding == "network-monitor" and told.rule == "baseline:network-monitor"


TLS = ["-object", "tls-creds-x509,id=t,dir=/none,endpoint=server,verify-peer=on",
       "-object", "authz-simple,id=a,identity=CN=x"]
TLS_MON = ["-chardev", f"{SOCKET},tls-creds=t,tls-authz=a", "-mon", "c"]


@pytest.mark.parametrize("arguments, finding", [
    ([*TLS, *TLS_MON], "tls-monitor"),
    ([*TLS_MON, *TLS], "tls-monitor"),
    ([*TLS, "-qmp", f"{TCP},tls-creds=t,tls-authz=a"], "network-monitor"),     # TLS is looked for behind -chardev only
    (TLS_MON, "network-monitor"),
    ([*TLS[:2], *TLS_MON], "network-monitor"),
    ([*TLS[2:], *TLS_MON], "network-monitor"),
    ([*TLS, "-chardev", f"{SOCKET},tls-creds=t", "-mon", "c"], "network-monitor"),
    ([*TLS, "-chardev", f"{SOCKET},tls-authz=a", "-mon", "c"], "network-monitor"),
    ([TLS[0], TLS[1].replace("=on", "=off"), *TLS[2:], *TLS_MON], "network-monitor"),
    ([TLS[0], TLS[1] + ",verify-peer=no", *TLS[2:], *TLS_MON], "network-monitor"),
    ([TLS[0], TLS[1].replace("x509", "anon"), *TLS[2:], *TLS_MON], "network-monitor"),
    ([TLS[0], TLS[1].replace("id=t", "id=u"), *TLS[2:], *TLS_MON], "network-monitor"),
    ([*TLS[:3], "authz-list,id=a,policy=allow", *TLS_MON], "network-monitor"),
    ([*TLS[:3], "authz-list,id=a,policy=deny", *TLS_MON], "tls-monitor"),
    ([*TLS[:3], "secret,id=a,data=x", *TLS_MON], "network-monitor"),
], ids=lambda value: value if isinstance(value, str) else " ".join(value)[:50])
def test_monitor_with_tls(lab, arguments, finding):
    """There are no certificates, so no such QEMU would start; but it is not the hook that stops it."""
    name, xml = made(lab, [*arguments, BROKEN])
    told = refusal_of(lab.start(xml))
    assert (told is None) == (finding == "tls-monitor")
    assert (("warn" if told is None else "deny"), finding) in lab.trail.findings(name)
    lab.set_host_policy(refuse_only("tls-monitor"))
    told = refusal_of(lab.hook("prepare", xml, name).stderr)
    assert (told is not None) == (finding == "tls-monitor")


MONITORS = "/run/host-monitors"


@pytest.mark.parametrize("path, allowed", [
    (f"{MONITORS}/a", True), (f"{MONITORS}/sub/../b", False), (f"{MONITORS}//c,,d", True),
    (f"{MONITORS}-mine/a", False), (f"{MONITORS}/../a", False), (f"{MONITORS}/a,path=/tmp/a", False), ("/tmp/a", False),
    (f"{MONITORS}/a,abstract=on", False), (f"{MONITORS}/a,abstract", False), ("", False),
])
def test_monitors_of_the_hosts_own(lab, path, allowed):
    assert lab.run("mkdir", "-p", f"{MONITORS}/sub").returncode == 0
    lab.set_host_policy(start_rules(f'<ignore finding="unix-monitor" prefix="{MONITORS}"/>',
                                    '<ignore finding="argument"/>', '<ignore finding="emulator"/>', "<refuse/>"))
    name, xml = made(lab, ["-mon", "c", "-chardev", f"socket,id=c,path={path},server=on,wait=off"])
    started = lab.start(xml)
    assert is_running(started) == allowed
    assert allowed or refusal_of(started).domain == name


def test_whole_record(lab):
    """Each field of both kinds of record."""
    name, xml = made(lab, ["-qmp", TCP], metadata=policy("<allow/>"))
    assert refusal_of(lab.start(xml))
    (record,) = lab.trail.starts()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record.pop("time"))
    assert record.pop("seq") > 0 and len(record.pop("chain")) == 64
    assert re.fullmatch(r"[0-9a-f]{64}", record["policy"]) and re.fullmatch(r"[0-9a-f-]{36}", record["uuid"])
    assert record == {
        "event": "start", "domain": name, "uuid": record["uuid"], "operation": "prepare", "verdict": "deny",
        "policy": record["policy"], "finding": "network-monitor", "rule": "baseline:network-monitor",
        "reason": "-qmp opens a monitor or debugger that the network may reach, without TLS and authorization"}
    assert lab.trail.path.stat().st_mode & 0o777 == 0o600
    lab.trail.mark()
    started = lab.start(made(lab, [])[1])
    (record,) = lab.trail.starts()
    assert record.pop("time") and record.pop("seq") and record.pop("chain")
    assert record == {"event": "start", "domain": started.name(), "uuid": started.UUIDString(), "operation": "prepare",
                      "verdict": "allow", "policy": "none", "findings": 0}


def test_one_line_for_whoever_asks(lab):
    name, xml = made(lab, ["-gdb", TCP])
    for user in (None, "alice"):
        done = lab.virsh("create", lab.file("domain.xml", xml), user=user)
        assert done.returncode == 1 and refusal_of(done.stderr) == (
            name, "-gdb opens a monitor or debugger that the network may reach, without TLS and authorization",
            "network-monitor", "baseline:network-monitor")


def test_words_of_the_domains_stay_in_the_line(lab):
    lab.set_host_policy(STRICT)
    name, xml = made(lab, ["-qmp", "unix:/a\nqmp-guard: b\u00e9\u202e,server=on", "-new\nline"])
    told = refusal_of(lab.start(xml))
    assert told.domain == name and all(" " <= letter <= "~" for letter in told.reason)
    assert len(lab.trail.lines()) == len(lab.trail.starts(name, verdict="deny")) == 3


def test_too_many_findings(lab):
    """They are not counted for ever; what is not looked at does not start, whatever the rules say."""
    lab.set_host_policy(LAX)
    _, xml = made(lab, [*254 * ["-no-hpet"], BROKEN])
    assert refusal_of(lab.start(xml)) is None
    _, xml = made(lab, [*255 * ["-no-hpet"], BROKEN])
    told = refusal_of(lab.start(xml))
    assert (told.finding, told.rule) == ("unreadable", "start:failed")


@pytest.mark.parametrize("text, spoil, reason", [
    (INVALID, None, rf"{HOST_POLICY_PATH}:2: .*<frob>"),
    (start_rules("<refuse finding='no-such'/>"), None, rf"{HOST_POLICY_PATH}:2: .*no-such"),
    ("<policy", None, rf"{HOST_POLICY_PATH}:1: "),
    (LAX, lambda path: path.chmod(0o666), rf"{HOST_POLICY_PATH}: .*chmod"),
    (LAX, lambda path: os.chown(path, 21001, 0), rf"{HOST_POLICY_PATH}: .*chown root"),
])
def test_invalid_host_policy(lab, text, spoil, reason):
    """Nobody knows what its rules should have been."""
    lab.set_host_policy(text)
    if spoil:
        spoil(lab.host_policy)
    name, xml = made(lab, [])
    told = refusal_of(lab.start(xml))
    assert (told.finding, told.rule) == ("unreadable", "host:invalid") and re.search(reason, told.reason)
    (record,) = lab.trail.starts(name)
    assert (record["verdict"], record["rule"]) == ("deny", "host:invalid") and re.search(reason, record["reason"])
    lab.set_host_policy(LAX)
    assert is_running(lab.start(xml))


def test_host_that_tries_its_rules_out(lab):
    lab.set_host_policy(start_rules("<refuse/>", mode="audit"))
    name, xml = made(lab, ["-qmp", TCP], metadata=policy("<frob/>"))
    assert is_running(lab.start(xml))
    assert set(lab.trail.findings(name)) == {
        ("audit", "policy-invalid"), ("audit", "emulator"), ("audit", "network-monitor"), ("allow", None)}


def test_domains_audit_mode_is_none_of_the_hosts(lab):
    _, xml = made(lab, ["-qmp", TCP], metadata=policy("<allow/>", mode="audit"))
    assert refusal_of(lab.start(xml)).finding == "network-monitor"


POLICIES = [
    policy("<allow/>"), policy("<allow/>"),
    f'<q:policy xmlns:q="{NAMESPACE}"> <!-- the same --> <q:allow></q:allow></q:policy>',
    policy("<deny/>"), policy("<allow/>", mode="audit"), policy("<frob/>"), None,
]


def test_digest_of_the_policy(lab):
    digests = []
    for text in POLICIES:
        lab.trail.mark()
        name, xml = made(lab, [BROKEN], metadata=text)
        lab.start(xml)
        (found,) = {record["policy"] for record in lab.trail.starts(name)}
        digests.append(found)
        done = lab.run("virt-qmp-guard", "check", "--domain-xml", lab.file("domain.xml", xml), "--start", "--json")
        assert json.loads(done.stdout)["policy"] == found
    assert digests[0] == digests[1] == digests[2] and digests[5:] == ["invalid", "none"]
    assert len({*digests[2:]}) == 5 and all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests[:5])


@pytest.mark.parametrize("declared_in", ["<domain", "<metadata", "<q:policy"])
def test_policy_whose_namespace_is_declared_further_up(lab, declared_in):
    """As libvirt writes a domain that was defined so: the plugin reads such a policy, so the hook has to."""
    name, xml = made(lab, [], metadata="<q:policy><q:allow/></q:policy>")
    xml = xml.replace(declared_in, f"{declared_in} xmlns:q='{NAMESPACE}'", 1)
    started = lab.start(xml)
    assert is_running(started)
    assert started.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)
    assert lab.trail.findings(name) == [("allow", None)]
    file = lab.file("domain.xml", started.XMLDesc())
    answer = json.loads(lab.run("virt-qmp-guard", "check", "--domain-xml", file, "--start", "--json").stdout)
    assert {answer["policy"]} == {record["policy"] for record in lab.trail.starts(name)}


def changed(xml, arguments=(), metadata=None):
    """What a user makes of a saved domain's XML."""
    root = ElementTree.fromstring(xml)
    for old in root.findall("metadata"):
        root.remove(old)
    line = ElementTree.SubElement(root, f"{{{QEMU_NAMESPACE}}}commandline")
    for argument in arguments:
        ElementTree.SubElement(line, f"{{{QEMU_NAMESPACE}}}arg", value=argument)
    return with_metadata(ElementTree.tostring(root, encoding="unicode"), metadata)


class Saved:
    """A domain, saved; its second life is the same with an image of the user's and with libvirt's own."""

    def __init__(self, lab, managed):
        self.lab = lab
        self.image = None if managed else str(lab.directory / "image")
        self.domain = lab.connect().defineXML(made(lab, [], metadata=policy("<allow/>"))[1])
        self.domain.createWithFlags(PAUSED)
        if managed:
            self.domain.managedSave()
        else:
            self.domain.save(self.image)
        self.xml = self.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)

    def restore(self, xml=None):
        """Returns None, or the error."""
        if self.image:
            error = answer_of(self.lab.connect().restoreFlags, self.image, xml, 0)
        else:
            if xml:
                self.domain.managedSaveDefineXML(xml)
            error = answer_of(self.domain.create)
        return error if isinstance(error, libvirt.libvirtError) else None


@pytest.mark.parametrize("managed", [False, True], ids=["save", "managedsave"])
def test_restore(lab, managed):
    saved = Saved(lab, managed)
    with_monitor, with_bad_policy = (["-qmp", TCP], policy("<allow/>")), ([], policy("<frob/>"))
    for what, finding in [(with_monitor, "network-monitor"), (with_bad_policy, "policy-invalid")]:
        lab.set_host_policy(refuse_only(finding))
        lab.trail.mark()
        told = refusal_of(saved.restore(changed(saved.xml, *what)))
        # libvirt 11.3 says of its own image that it was started, though it was not, and throws it away.
        assert (told.finding == finding if told else managed) and not saved.domain.isActive()
        assert [record["operation"] for record in lab.trail.starts(verdict="deny")] == ["restore"]
        saved = saved if told else Saved(lab, managed)
    # The image is still there.
    lab.set_host_policy(start_rules('<ignore finding="network-monitor"/>'))
    lab.trail.mark()
    assert saved.restore(changed(saved.xml, *with_monitor)) is None and saved.domain.isActive()
    assert [(record["operation"], record["verdict"]) for record in lab.trail.starts()] == [
        ("restore", "allow"), ("prepare", "allow")]


@pytest.mark.parametrize("managed", [False, True], ids=["save", "managedsave"])
def test_restore_of_what_was_saved(lab, managed):
    saved = Saved(lab, managed)
    lab.set_host_policy(refuse_only("emulator"))
    told = refusal_of(saved.restore())
    assert (told.finding == "emulator" if told else managed) and not saved.domain.isActive()
    assert {record["finding"] for record in lab.trail.starts(verdict="deny")} == {"emulator"}
    lab.set_host_policy(refuse_only("argument"))
    lab.trail.mark()
    assert saved.restore() is None and saved.domain.isActive()
    (digest,) = {record["policy"] for record in lab.trail.starts()}
    assert len(digest) == 64


TRAIL_DIRECTORY = "/var/log/libvirt/qmp-guard"       # inside


def replace_directory(lab):
    lab.trail.path.parent.write_text("")


def make_directory(lab):
    lab.trail.path.mkdir(parents=True)


def make_link(lab):
    lab.trail.path.parent.mkdir()
    lab.trail.path.symlink_to(lab.directory / "elsewhere")


def make_fifo(lab):
    lab.trail.path.parent.mkdir()
    os.mkfifo(lab.trail.path)


def fill_disk(lab):
    directory = lab.trail.path.parent
    directory.mkdir()
    assert lab.run("sh", "-c", f"mount -t tmpfs -o size=4k lab {TRAIL_DIRECTORY} && "
                   f"head -c 4000 /dev/zero >{TRAIL_DIRECTORY}/audit.log").returncode == 0


@pytest.fixture
def without_trail(lab):
    """Moves the trail's directory aside, and what a test put in its place away."""
    directory = lab.trail.path.parent
    aside = directory.with_name("aside")
    directory.mkdir(exist_ok=True)
    directory.rename(aside)
    lab.trail.mark()
    yield lab
    lab.run("sh", "-c", f"if mountpoint -q {TRAIL_DIRECTORY}; then umount {TRAIL_DIRECTORY}; fi")
    if directory.is_dir():
        shutil.rmtree(directory)
    else:
        directory.unlink()
    aside.rename(directory)


@pytest.mark.parametrize("spoil", [replace_directory, make_directory, make_link, make_fifo, fill_disk])
@pytest.mark.parametrize("text", [None, LAX, start_rules("<ignore/>", mode="audit")], ids=["default", "lax", "audit"])
def test_no_start_without_a_record(without_trail, spoil, text):
    lab = without_trail
    spoil(lab)
    lab.set_host_policy(text)
    name, xml = made(lab, [])
    assert refusal_of(lab.start(xml)) == (name, "its start cannot be recorded", "unrecorded", "start:unrecorded")
    assert not (lab.directory / "elsewhere").exists()


def test_trails_directory_is_made(without_trail):
    lab = without_trail
    assert is_running(lab.start(made(lab, [])[1]))
    assert lab.trail.path.parent.stat().st_mode & 0o777 == 0o700 and len(lab.trail.lines()) == 1


def test_end_of_a_run(lab):
    """Whatever uuid it has, the hook has nothing to say, and nothing to take away but a run's grants."""
    domain = lab.start(made(lab, [])[1])
    given = lab.run("virt-qmp-guard", "grant", domain.name(), "--command", "quit", "--reason", "a test")
    assert given.returncode == 0, given.stderr
    kept = lab.directory / "kept"
    kept.mkdir()
    (kept / "grants").write_text("x")
    for uuid in ("../../../../kept", "", "-" * 36, domain.UUIDString().upper()):
        done = lab.hook("release", f"<domain><uuid>{uuid}</uuid></domain>", sub_operation="end")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (kept / "grants").exists() and "given" in lab.run("virt-qmp-guard", "grants").stdout
    assert lab.hook("release", domain.XMLDesc(), sub_operation="end").returncode == 0
    assert "no grants" in lab.run("virt-qmp-guard", "grants").stdout


def test_large_domain(lab):
    """Its XML is more than a pipe holds, and most of the hook's runs do not read it."""
    lab.log.mark()
    started = lab.start(made(lab, [], metadata=f"<x:x xmlns:x='urn:x'>{'x' * 1000000}</x:x>")[1])
    assert is_running(started)
    started.destroy()
    assert lab.trail.findings(started.name()) == [("allow", None)]
    assert [text for _, text in lab.log.messages() if "ook" in text or "Child process" in text] == []


def test_other_callers_are_no_daemon(lab):
    name = unique_name()
    done = lab.hook("prepare", bare_xml(name, metadata=policy("<allow/>")), name)
    assert done.returncode == 1
    told = refusal_of(done.stderr)
    assert told.finding == "unguarded-daemon" and "no libvirtd or virtqemud called this hook" in told.reason


def test_users_own_daemon_is_not_judged(lab):
    """qemu:///session runs QEMU with no more than the user's rights, and may write no trail."""
    file = lab.file("domain.xml", bare_xml("mine", ["-qmp", TCP]))
    hook = os.readlink(lab.directory / "etc/libvirt/hooks/qemu.d/50-qmp-guard")
    done = lab.run("sh", "-c", 'exec "$1" mine prepare begin - <"$0"', file, hook, user="alice")
    if done.returncode in (126, 127):
        pytest.skip("alice may not enter the build directory")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert lab.trail.lines() == []


SYSLOG = """
import json, socket, subprocess, sys
xml = open(sys.argv[1])     # which may be below what is covered now
subprocess.run(["mount", "-t", "tmpfs", "lab", "/dev"], check=True)
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind("/dev/log")
server.setblocking(False)
done = subprocess.run(sys.argv[2:], stdin=xml, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
lines = []
try:
    while True:
        lines.append(server.recv(100000).decode())
except BlockingIOError:
    pass
print(json.dumps([done.returncode, lines]))
"""
AUTHPRIV = 10 << 3
LOG_ERR, LOG_WARNING, LOG_INFO = 3, 4, 6


def syslog_of(lab, operation, xml, name):
    done = lab.run("unshare", "-m", "/usr/bin/python3", "-c", SYSLOG, lab.file("domain.xml", xml), HOOK_PATH, name,
                   operation, "begin", "-")
    assert done.returncode == 0, done.stderr
    status, lines = json.loads(done.stdout)
    matches = [re.fullmatch(r"<(\d+)>\w+ [ \d]\d [\d:]+ qmp-guard\[\d+\]: (.*)", line) for line in lines]
    assert all(matches), lines
    return status, [(int(match[1]) - AUTHPRIV, match[2]) for match in matches]


def test_system_log(lab):
    lab.set_host_policy(None)       # no daemon is asked here, so none had one
    name, xml = made(lab, ["-qmp", TCP])
    status, lines = syslog_of(lab, "prepare", xml, name)
    assert status == 1 and [level for level, _ in lines] == [LOG_WARNING, LOG_ERR]
    assert lines[1][1] == (f"VM start refused: {name} | network-monitor | operation=prepare | policy=none | "
                           "rule=baseline:network-monitor | reason=-qmp opens a monitor or debugger that the network "
                           "may reach, without TLS and authorization")

    lab.set_host_policy(LAX)
    status, lines = syslog_of(lab, "restore", xml, name)
    ((level, text),) = lines
    assert status == 0 and level == LOG_INFO
    assert re.fullmatch(rf"VM start: {name} \| restore \| policy=none \| findings=0 \| timestamp=[-\dT:]+", text)


def test_system_log_says_why_nothing_can_be_recorded(without_trail):
    lab = without_trail
    replace_directory(lab)
    lab.set_host_policy(LAX)
    name, xml = made(lab, [])
    status, lines = syslog_of(lab, "prepare", xml, name)
    assert status == 1
    assert [text for level, text in lines if level == LOG_ERR] == [
        "cannot record: cannot open /var/log/libvirt/qmp-guard/audit.log.head: Not a directory"]
