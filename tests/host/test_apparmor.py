# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guard in a libvirtd that AppArmor confines, as on every fresh Debian 12: a VM, which has a kernel of its own."""

import base64
import json
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

from libvirt_host import POLICY, REFUSED, UNIT, LibvirtHost
from machine import WORK

TIMEOUT = 2400      # seconds; it is emulated where there is no KVM, and two of its checks boot nothing but firmware
KERNEL = ["linux-image-cloud-amd64", "initramfs-tools", "apparmor"]
DELEGATING = '<qg:policy xmlns:qg="urn:qmp-guard:policy:1"><qg:delegate/></qg:policy>'
DENYING = '<qg:policy xmlns:qg="urn:qmp-guard:policy:1"><qg:deny command="query-status"/><qg:delegate/></qg:policy>'
MONITOR = "virsh qemu-monitor-command demo"

# Each is run in the VM, in this order; its exit status and what it printed are its result.
STEPS = {
    "daemon": f"cat /proc/$(systemctl show -P MainPID {UNIT})/attr/current",
    "enable": "virt-qmp-guard enable --restart",
    "guarded daemon": f"cat /proc/$(systemctl show -P MainPID {UNIT})/attr/current",
    "status": "virt-qmp-guard status --json",
    "start": "virsh create /root/demo.xml",
    "label": "cat /proc/$(pgrep -f '^/usr/bin/qemu-system-x86_64 -name guest=demo,')/attr/current",
    "safe": f"{MONITOR} query-status",
    "refused": f"{MONITOR} inject-nmi",
    "grant": "virt-qmp-guard grant demo --command inject-nmi --reason test",
    "granted": f"{MONITOR} inject-nmi",
    "spent": f"{MONITOR} inject-nmi",
    "policy": f"mkdir -p /etc/libvirt/qmp-guard; echo {shlex.quote(DENYING)} >{POLICY}",
    "denied": f"{MONITOR} query-status",
    "policy again": f"echo {shlex.quote(DELEGATING)} >{POLICY}",
    "allowed": f"{MONITOR} query-status",
    "of the group": f"runuser -u alice -- virsh -c qemu:///system qemu-monitor-command demo query-status",
    "sneaky": "virsh create /root/sneaky.xml",
    "restart": f"systemctl restart {UNIT}",
    "after restart": f"{MONITOR} inject-nmi",
    "audit": "virt-qmp-guard audit --vm demo",
    "verify": "virt-qmp-guard audit --verify",
    "stop": "virsh destroy demo",
    "complaints": "journalctl -q -k -g 'apparmor=\"DENIED\"' || true",
}


def write_steps(host):
    lines = ["exec >/dev/ttyS0 2>&1", "until systemctl is-active libvirtd.socket; do sleep 1; done"]
    for name, command in STEPS.items():
        lines += [f"echo {shlex.quote('step: ' + name)}",
                  f"output=$(timeout 300 sh -c {shlex.quote(command)} 2>&1); status=$?",
                  f"printf '%s|%s|%s\\n' {shlex.quote(name)} $status \"$(echo \"$output\" | base64 -w0)\" >/dev/ttyS1"]
    host.write("/root/steps", "\n".join([*lines, "systemctl poweroff", ""]))
    host.write("/etc/systemd/system/steps.service", "[Unit]\nAfter=multi-user.target\n"
               "[Service]\nType=oneshot\nExecStart=/bin/sh /root/steps\n[Install]\nWantedBy=default.target\n")
    host.do("systemctl", "enable", "steps.service")


def make_disk(host):
    """What a container has installed becomes the VM's disk."""
    host.apt("install", "--no-install-recommends", *KERNEL)
    host.install()
    text = subprocess.run(["tests/lab/guest", "xml", "--bare", "--type", "qemu", "demo"], check=True,
                          capture_output=True, text=True).stdout
    host.write("/root/demo.xml", text)
    host.write("/root/sneaky.xml", text.replace("<name>demo", "<name>sneaky").replace(
        "</domain>", "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
        "<qemu:arg value='-qmp'/><qemu:arg value='tcp:0.0.0.0:4444,server=on,wait=off'/></qemu:commandline></domain>"))
    write_steps(host)
    host.do("systemctl", "poweroff")
    host.container.wait(120)
    for name in ["vmlinuz", "initrd.img"]:
        shutil.copy(next(host.path("/boot").glob(f"{name}-*")), WORK / name)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", host.root, WORK / "disk", "4G"], check=True)


def boot_vm():
    results = WORK / "results.serial"
    subprocess.run(["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "1536",
                    "-display", "none", "-nodefaults", "-no-reboot", "-kernel", WORK / "vmlinuz",
                    "-initrd", WORK / "initrd.img", "-append", "root=/dev/vda rw console=ttyS0 quiet",
                    "-drive", f"file={WORK / 'disk'},format=raw,if=virtio,cache=unsafe",
                    "-serial", f"file:{WORK / 'vm.console'}", "-serial", f"file:{results}"],
                   check=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)
    rows = (line.split("|") for line in results.read_text().splitlines())
    return {name: (int(status), base64.b64decode(output).decode()) for name, status, output in rows}


@pytest.fixture(scope="module")
def results():
    host = LibvirtHost("apparmor")
    try:
        make_disk(host)
    finally:
        host.end()
    done = boot_vm()
    print(json.dumps(done, indent=1), pathlib.Path(WORK / "vm.console").read_text()[-2000:])
    return done


def test_every_step_was_done(results):
    assert list(results) == list(STEPS)


def test_the_daemon_is_confined(results):
    assert results["daemon"] == (0, "libvirtd (enforce)\n") == results["guarded daemon"]


def test_enable(results):
    status, text = results["enable"]
    assert status == 0 and f"restarted {UNIT}" in text and "apparmor" not in text
    found = {row["check"]: row for row in json.loads(results["status"][1])}
    assert found["guard-live"]["result"] == found["hook-installed"]["result"] == "PASS"


def test_the_hook_runs(results):
    assert results["start"][0] == 0 and results["label"][1].startswith("libvirt-")
    assert results["label"][1].endswith(" (enforce)\n")
    assert results["sneaky"][0] == 1 and "domain 'sneaky' may not start" in results["sneaky"][1]


@pytest.mark.parametrize("step", ["safe", "granted", "allowed", "of the group"])
def test_passes(results, step):
    assert results[step][0] == 0, results[step][1]


@pytest.mark.parametrize("step", ["refused", "spent", "after restart"])
def test_refused(results, step):
    assert results[step][0] == 1 and results[step][1].lstrip().startswith(REFUSED + "baseline:@dangerous")


def test_host_policy_is_read_live(results):
    assert results["denied"][0] == 1 and "'query-status' on domain 'demo' is denied by host:" in results["denied"][1]


def test_all_is_on_record(results):
    assert results["verify"][0] == results["audit"][0] == 0
    assert re.search(r"start: prepare +- +allow", results["audit"][1])
    assert len(re.findall(r"inject-nmi +dangerous +deny", results["audit"][1])) == 3
    assert re.search(r"inject-nmi +dangerous +grant", results["audit"][1])


def test_apparmor_denied_nothing_of_the_guards(results):
    assert "qmp-guard" not in results["complaints"][1], results["complaints"][1]
