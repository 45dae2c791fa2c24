# SPDX-License-Identifier: LGPL-2.1-or-later
"""What somebody with domain:write does to get round the guard, tried by alice on a hardened host.

One way is not here: to claim to be somebody else. test_identity.py and test_identity_polkit.py are about that.
Reverting to a snapshot is none for a domain without a disk: libvirt makes no internal one of it, and reverts to no
external one.
"""

import xml.etree.ElementTree as ElementTree

import pytest

from clients import REPO, request
from machines import NAMESPACE, QEMU_NAMESPACE, bare_xml, policy, unique_name, with_metadata
from second_lab import SecondLab, refusal_of
from test_start_hook import marks_of

HARDENED = (REPO / "xml/examples/host-hardened.xml").read_text()
UNIX = "DIRECTORY/alice.sock,server=on,wait=off"
TCP = "127.0.0.1:0,server=on,wait=off"

# What alice adds to a domain, and what the shipped default finds and does: it refuses what the network may reach.
ATTEMPTS = {
    "qmp on a socket": (["-qmp", f"unix:{UNIX}"], "unix-monitor", False),
    "qmp on TCP": (["-qmp", f"tcp:{TCP}"], "network-monitor", True),
    "qmp-pretty": (["-qmp-pretty", f"tcp:{TCP}"], "network-monitor", True),
    "monitor on a socket": (["-monitor", f"unix:{UNIX}"], "unix-monitor", False),
    "monitor on TCP": (["-monitor", f"telnet:{TCP}"], "network-monitor", True),
    "monitor on a terminal": (["-monitor", "pty"], "other-monitor", False),
    "mon on a socket": (["-chardev", f"socket,id=c,path={UNIX}", "-mon", "chardev=c,mode=control"],
                        "unix-monitor", False),
    "mon on TCP": (["-chardev", "socket,id=c,host=127.0.0.1,port=0,server=on,wait=off", "-mon", "c"],
                   "network-monitor", True),
    "gdb": (["-gdb", f"tcp:{TCP}"], "network-monitor", True),
    "s": (["-s"], "network-monitor", True),
    "serial": (["-serial", f"mon:unix:{UNIX}"], "unix-monitor", False),
    "chardev alone": (["-chardev", f"socket,id=c,path={UNIX}"], "argument", False),
    "qtest": (["-chardev", f"socket,id=c,path={UNIX}", "-object", "qtest,id=q,chardev=c"], "network-monitor", True),
    "another file of options": (["-readconfig", "DIRECTORY/options"], "opaque-option", False),
    "no sandbox": (["-sandbox", "off"], "confinement", False),
    "program": (["-incoming", "exec:touch DIRECTORY/ran"], "host-exec", False),
    "emulator": ({"emulator": "of her own"}, "emulator", False),
    "library": ({"environment": ["LD_PRELOAD=DIRECTORY/library.so"]}, "code-environment", False),
    "variable": ({"environment": ["TMPDIR=DIRECTORY"]}, "environment", False),
    "override": ({"qemu": "<qemu:deprecation behavior='omit'/>"}, "override", False),
}


class AlicesLab(SecondLab):
    """Whatever is done to a domain is done by alice."""

    def __init__(self, *options):
        super().__init__(*options)
        self.wrapper = None
        self.calls = self.directory / "wrapper-calls"

    def make_wrapper(self):
        """A new one each time, for libvirt knows those that it has asked."""
        self.calls.unlink(missing_ok=True)
        self.wrapper = self.file(unique_name("wrapper"), f'#!/bin/sh\necho "$@" >>{self.calls}\n'
                                                         'exec /usr/bin/qemu-system-x86_64 "$@"\n')
        self.wrapper.chmod(0o755)

    def wrapper_ran(self, argument):
        """Whether QEMU was run through it with this among its arguments."""
        return self.calls.exists() and argument in self.calls.read_text()

    def add(self, what, name):
        """The XML of a domain with what alice adds."""
        words = what if isinstance(what, dict) else {"arguments": what}
        if "emulator" in words:
            self.make_wrapper()
            words = {"emulator": self.wrapper}
        return bare_xml(name, **words).replace("DIRECTORY", str(self.directory))

    def alice(self, *arguments):
        return self.virsh(*arguments, user="alice")

    def done(self, *arguments):
        """What has to work."""
        result = self.alice(*arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def is_running(self, name):
        return self.virsh("domstate", name).stdout.strip() in ("running", "paused")


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    lab = AlicesLab("--host-policy", REPO / "xml/examples/host-hardened.xml")
    yield lab
    lab.close()


@pytest.fixture
def lab(shared_lab):
    shared_lab.set_host_policy(HARDENED)
    shared_lab.trail.mark()
    shared_lab.log.mark()
    return shared_lab


@pytest.fixture(scope="module")
def plain_lab(in_lab):
    lab = AlicesLab()
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def saved(shared_lab):
    """Two domains of alice's, each with its XML: one saved into a file, one that libvirt keeps saved."""
    lab, image, names = shared_lab, shared_lab.directory / "image", [unique_name("saved"), unique_name("kept")]
    for name in names:
        lab.done("define", lab.file("domain.xml", bare_xml(name)))
        lab.done("start", name, "--paused")
    lab.done("save", names[0], image)
    lab.done("managedsave", names[1])
    return (names[0], lab.done("save-image-dumpxml", image)), (names[1], lab.done("managedsave-dumpxml", names[1]))


def merged(saved_xml, added_xml):
    """A saved domain's XML with what alice adds; the rest has to be as it was."""
    root, added = ElementTree.fromstring(saved_xml), ElementTree.fromstring(added_xml)
    root.extend(element for element in added if element.tag.startswith(f"{{{QEMU_NAMESPACE}}}"))
    emulator = added.find("devices/emulator")
    if emulator is not None:
        root.find("devices/emulator").text = emulator.text
    return ElementTree.tostring(root, encoding="unicode")


def define_and_start(lab, what, _):
    name = unique_name("defined")
    lab.done("define", lab.file("domain.xml", lab.add(what, name)))
    return name, lab.alice("start", name)


def create(lab, what, _):
    name = unique_name("created")
    return name, lab.alice("create", lab.file("domain.xml", lab.add(what, name)))


def restore_with_other_xml(lab, what, saved):
    (name, xml), _ = saved
    file = lab.file("domain.xml", merged(xml, lab.add(what, name)))
    return name, lab.alice("restore", lab.directory / "image", "--xml", file)


def change_what_libvirt_saved(lab, what, saved):
    _, (name, xml) = saved
    # libvirt 11.3, which takes a refused start for one that succeeded, throws the image away.
    if lab.virsh("managedsave-dumpxml", name).returncode != 0:
        lab.done("start", name, "--paused")
        lab.done("managedsave", name)
        lab.trail.mark()
    lab.done("managedsave-define", name, lab.file("domain.xml", merged(xml, lab.add(what, name))))
    return name, lab.alice("start", name)


WAYS = [define_and_start, create, restore_with_other_xml, change_what_libvirt_saved]
TRIED_IN_EACH_WAY = {"qmp on a socket", "monitor on TCP", "mon on a socket", "gdb", "chardev alone", "emulator"}


@pytest.mark.parametrize("attempt, way", [pytest.param(attempt, way, marks=marks_of(ATTEMPTS[attempt][0]))
                                          for way in WAYS for attempt in ATTEMPTS
                                          if way == create or attempt in TRIED_IN_EACH_WAY])
def test_hardened_host(lab, saved, attempt, way):
    what, finding, _ = ATTEMPTS[attempt]
    name, done = way(lab, what, saved)
    told = refusal_of(done.stderr)
    # libvirt 11.3 says of its own image that it was started, though it was not.
    if told or way != change_what_libvirt_saved:
        assert done.returncode == 1 and told and told.domain == name and told.rule.startswith("host:start#")
    assert not lab.is_running(name)
    assert ("deny", finding) in lab.trail.findings(name) and ("allow", None) not in lab.trail.findings(name)
    assert {record["operation"] for record in lab.trail.starts(name)} <= {"prepare", "restore"}
    assert not (lab.directory / "alice.sock").exists() and not (lab.directory / "ran").exists()
    assert not lab.wrapper_ran(f"guest={name}")


@pytest.mark.parametrize("way", WAYS)
def test_hardened_host_starts_what_is_sound(lab, saved, way):
    """The same ways with nothing added: it is not that nothing starts. They use up what was saved, so come last."""
    name, done = way(lab, {}, saved)
    assert done.returncode == 0 and lab.is_running(name), done.stderr
    assert {verdict for verdict, _ in lab.trail.findings(name)} == {"allow"}


@pytest.mark.parametrize("attempt", [pytest.param(attempt, marks=marks_of(ATTEMPTS[attempt][0]))
                                     for attempt in ATTEMPTS])
def test_shipped_default(plain_lab, attempt):
    """What a host without a policy of its own gets: what it does not refuse it tells."""
    lab = plain_lab
    lab.trail.mark()
    what, finding, is_refused = ATTEMPTS[attempt]
    if isinstance(what, list):
        what = [*what, "-no-such-option"]      # QEMU's own refusal comes quicker than its start
    name, done = create(lab, what, None)
    told = refusal_of(done.stderr)
    assert (told.finding if told else None) == (finding if is_refused else None)
    assert ("deny" if is_refused else "warn", finding) in lab.trail.findings(name)
    assert (("allow", None) in lab.trail.findings(name)) == (not is_refused)


STRICT = policy('<deny command="system_reset"/>')
LOOSE = policy("<allow/>")


def is_refused(lab, name, command):
    done = lab.alice("qemu-monitor-command", name, request(command))
    assert done.returncode == 0 or "access denied: " in done.stderr
    return done.returncode != 0


def loosen_live(lab, name):
    text = LOOSE.replace(f' xmlns="{NAMESPACE}"', "")
    lab.done("metadata", name, "--uri", NAMESPACE, "--key", "qg", "--live", "--set", text)


def loosened(xml):
    root = ElementTree.fromstring(xml)
    root.remove(root.find("metadata"))
    return with_metadata(ElementTree.tostring(root, encoding="unicode"), LOOSE)


def loosen_by_restart(lab, name):
    lab.done("define", lab.file("domain.xml", loosened(lab.done("dumpxml", "--inactive", name))))
    assert is_refused(lab, name, "system_reset")        # what runs is what was started
    lab.done("destroy", name)
    lab.done("start", name, "--paused")


def loosen_by_restore(lab, name):
    image = lab.directory / f"{name}.image"
    lab.done("save", name, image)
    xml = loosened(lab.done("save-image-dumpxml", image))
    lab.done("restore", image, "--xml", lab.file("domain.xml", xml))


def loosen_what_libvirt_saved(lab, name):
    lab.done("managedsave", name)
    xml = loosened(lab.done("managedsave-dumpxml", name))
    lab.done("managedsave-define", name, lab.file("domain.xml", xml))
    lab.done("start", name, "--paused")


@pytest.mark.parametrize("loosen", [loosen_live, loosen_by_restart, loosen_by_restore, loosen_what_libvirt_saved])
def test_own_policy_is_loosened(lab, loosen):
    """A domain's owner may do so. What the host denies stays denied, and a new start has a new digest in the trail."""
    name = unique_name("own")
    lab.done("define", lab.file("domain.xml", bare_xml(name, metadata=STRICT)))
    lab.done("start", name, "--paused")
    assert is_refused(lab, name, "system_reset") and is_refused(lab, name, "inject-nmi")
    (before,) = {record["policy"] for record in lab.trail.starts(name)}
    lab.trail.mark()
    loosen(lab, name)
    assert lab.is_running(name)
    assert is_refused(lab, name, "inject-nmi") and is_refused(lab, name, "pmemsave")
    assert not is_refused(lab, name, "system_reset")    # this one the host leaves to domains
    digests = {record["policy"] for record in lab.trail.starts(name)}
    assert before not in digests and len(digests) == (0 if loosen == loosen_live else 1)


@pytest.fixture(scope="module")
def bare_lab(in_lab):
    lab = AlicesLab("--unguarded")
    yield lab
    lab.close()


def define(lab):
    lab.done("define", lab.file("domain.xml", bare_xml(unique_name("wrapped"), emulator=lab.wrapper)))


def ask_what_it_can(lab):
    lab.alice("domcapabilities", "--emulatorbin", lab.wrapper)


@pytest.mark.parametrize("act", [define, ask_what_it_can])
@pytest.mark.parametrize("guarded", [False, True], ids=["unguarded", "hardened"])
def test_libvirt_runs_an_emulator_to_probe_it(lab, bare_lab, guarded, act):
    """A fact, not a wish: it comes before any hook. It takes a file of alice's on the host, though."""
    used = lab if guarded else bare_lab
    used.make_wrapper()
    act(used)
    assert used.wrapper_ran("-machine none")
    assert used.trail.lines() == []


def test_monitor_of_ones_own_works_without_the_hook(bare_lab):
    """What all this is against."""
    name, done = create(bare_lab, ATTEMPTS["qmp on a socket"][0], None)
    assert done.returncode == 0 and bare_lab.is_running(name) and (bare_lab.directory / "alice.sock").is_socket()
