# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ways round the guard that are none of QEMU's arguments: libvirt opens, removes, gives away and runs, as root, what a
domain's devices name. Each as a client who may define domains."""

import pytest

from machines import bare_xml, unique_name
from second_lab import refusal_of
from test_start_ways_round import HARDENED, AlicesLab

POLICY = "/etc/libvirt/qmp-guard/policy.xml"
TRAIL = "/var/log/libvirt/qmp-guard/audit.log"
MONITOR = "/var/lib/libvirt/qemu/domain-1-victim/monitor.sock"


def serial(kind, path, mode=""):
    return f"<serial type='{kind}'><source {mode} path='{path}'/></serial>"


GUARD_PATHS = {
    "the host policy becomes empty": serial("file", POLICY),
    "by a link": serial("file", "LINK/qmp-guard/policy.xml"),
    "by a link to the file": serial("file", "FILELINK"),
    "by steps upwards": serial("file", "/var/lib/../../etc/libvirt/qmp-guard/policy.xml"),
    "the trail": serial("file", TRAIL),
    "the trail's head": serial("file", f"{TRAIL}.head"),
    "the hook": serial("file", "/etc/libvirt/hooks/qemu.d/50-qmp-guard"),
    "a new hook": serial("file", "/etc/libvirt/hooks/qemu"),
    "a log of a device": f"<serial type='pty'><log file='{POLICY}.new'/></serial>",
    "a disk": f"<disk type='file' device='disk'><source file='{POLICY}'/><target dev='vda' bus='virtio'/></disk>",
    "grants": serial("file", "/run/libvirt/qmp-guard/grants"),
    "another domain's monitor": serial("unix", MONITOR, "mode='connect'"),
    "libvirtd's socket": serial("unix", "/run/libvirt/libvirt-sock", "mode='connect'"),
    "libvirtd's socket, its older name": serial("unix", "/var/run/libvirt/libvirt-sock", "mode='connect'"),
    "virtqemud's socket": serial("unix", "/run/libvirt/virtqemud-sock", "mode='connect'"),
}


@pytest.fixture(scope="module")
def shared_lab(in_lab):
    lab = AlicesLab()
    lab.set_host_policy(HARDENED)
    assert lab.run("ln", "-s", "/etc/libvirt", lab.directory / "link").returncode == 0
    assert lab.run("ln", "-s", POLICY, lab.directory / "filelink").returncode == 0
    yield lab
    lab.close()


@pytest.fixture
def lab(shared_lab):
    shared_lab.set_host_policy(HARDENED)
    shared_lab.trail.mark()
    return shared_lab


def create(lab, in_devices="", in_domain="", **words):
    name = unique_name("device")
    xml = bare_xml(name, **words).replace("</devices>", f"{in_devices}</devices>{in_domain}")
    xml = xml.replace("FILELINK", f"{lab.directory}/filelink").replace("LINK", f"{lab.directory}/link")
    return name, lab.alice("create", lab.file("domain.xml", xml))


def finding_of(done):
    told = refusal_of(done.stderr)
    return told.finding if told else None


@pytest.mark.parametrize("devices", GUARD_PATHS.values(), ids=GUARD_PATHS)
@pytest.mark.parametrize("host", [HARDENED, None], ids=["hardened", "shipped rules"])
def test_guards_own_paths(lab, devices, host):
    if host is None:
        lab.set_host_policy(HARDENED[:HARDENED.index("<qg:start>")] + "</qg:policy>")
    name, done = create(lab, devices)
    assert finding_of(done) == "guard-path"
    assert lab.host_policy.is_file() and lab.host_policy.stat().st_size > 100
    assert ("deny", "guard-path") in lab.trail.findings(name)


@pytest.mark.parametrize("devices", [
    serial("file", "LAB/console"), serial("unix", "LAB/socket", "mode='bind'"),
    "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
    "<serial type='pty'/>",
])
def test_other_paths_are_nobodys_business(lab, devices):
    name, done = create(lab, devices.replace("LAB", str(lab.directory)))
    assert done.returncode == 0 and lab.is_running(name), done.stderr
    lab.virsh("destroy", name)


@pytest.mark.parametrize("devices, finding", [
    ("<interface type='ethernet'><script path='/tmp/of-her-own'/></interface>", "host-exec"),
    ("<interface type='ethernet'><downscript path='/tmp/of-her-own'/></interface>", "host-exec"),
    ("<filesystem type='mount'><driver type='virtiofs'/><binary path='/tmp/of-her-own'/><source dir='/tmp'/>"
     "<target dir='x'/></filesystem>", "host-exec"),
])
def test_programs_that_libvirt_would_run(lab, devices, finding):
    domain = ("<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
              if "virtiofs" in devices else "")
    assert finding_of(create(lab, devices, domain)[1]) == finding


@pytest.mark.parametrize("label", [
    "<seclabel type='static' model='dac' relabel='no'><label>+0:+0</label></seclabel>",
    "<seclabel type='static' model='dac' relabel='yes'><label>+21001:+21001</label></seclabel>",
])
def test_a_user_of_the_domains_choice(lab, label):
    assert finding_of(create(lab, in_domain=label)[1]) == "confinement"


def test_links_behind_an_emulators_path(lab):
    """The kernel follows a link before it steps upwards; whoever reads only the text does not."""
    deep = lab.directory / "a/b/c"
    deep.mkdir(parents=True, exist_ok=True)
    program = lab.directory / "usr/bin/qemu-system-evil"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text('#!/bin/sh\nexec /usr/bin/qemu-system-x86_64 "$@"\n')
    program.chmod(0o755)
    (lab.directory / "k").unlink(missing_ok=True)
    (lab.directory / "k").symlink_to(deep)
    path = f"{lab.directory}/k/../../../usr/bin/qemu-system-evil"
    assert finding_of(create(lab, emulator=path)[1]) == "emulator"


def test_host_policy_that_is_gone(lab):
    """Without it nothing is known of what it refused: not what is shipped holds, but nothing starts."""
    machine = lab.machine()
    machine.send('{"execute":"query-status"}')
    lab.host_policy.unlink()
    name, done = create(lab)
    assert "it is gone" in done.stderr and finding_of(done) == "unreadable"
    assert ("deny", "unreadable") in lab.trail.findings(name)
    lab.daemon("restart")
    name, done = create(lab)
    assert done.returncode == 0, done.stderr


def test_libvirt_removes_what_a_socket_names_whatever_the_hook_says(lab):
    """A fact that no hook can help: cleaning up after a start that failed, libvirt removes the sockets it was to make.

    So the guard has to notice what is gone.
    """
    lab.daemon("restart")
    machine = lab.machine()
    assert finding_of(create(lab, serial("unix", POLICY, "mode='bind'"))[1]) == "guard-path"
    assert not lab.host_policy.exists()
    assert "it is gone" in create(lab)[1].stderr
    lab.set_host_policy(HARDENED)

    seq = int(lab.trail.path.read_text().count("\n"))
    assert finding_of(create(lab, serial("unix", TRAIL, "mode='bind'"))[1]) == "guard-path"
    assert not lab.trail.path.exists()
    machine.discard()
    assert finding_of(create(lab, serial("file", POLICY))[1]) == "guard-path"
    assert lab.trail.path.read_text().count("\n") < seq


def test_one_start_fills_no_log(lab):
    before = lab.trail.path.stat().st_size if lab.trail.path.exists() else 0
    _, done = create(lab, arguments=["-" + "\\" * 1000000])
    # libvirt 7.0 cuts its errors, so that not all of the hook's line is there.
    assert done.returncode == 1 and "qmp-guard: domain '" in done.stderr and len(done.stderr) < 5000
    assert lab.trail.path.stat().st_size - before < 10000


def test_keys_without_end_take_no_time(lab):
    options = ",".join(f"k{number}=1" for number in range(5000))
    _, done = create(lab, arguments=["-mon", options])
    assert finding_of(done) == "network-monitor"
