# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual machines for the tests: bare ones that start in no time, and one with a real guest agent."""

import itertools
import json
import os
import pathlib
import re
import time
import xml.etree.ElementTree as ElementTree

import libvirt

from clients import REPO, request, run, send
from features import has

GUEST = REPO / "tests/lab/guest"
NAMESPACE = "urn:qmp-guard:policy:1"
PREFIX = "qg"
QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"

_numbers = itertools.count(1)
_TRACED = re.compile(r"^\S+?[: ](qmp_enter_\w+|handle_hmp_command|handle_qmp_command) (.*)")


def unique_name(what="vm"):
    return f"{what}-{next(_numbers)}"


def policy(*rules, **attributes):
    """A policy's XML with the namespace, as people write it into a file."""
    words = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<policy xmlns="{NAMESPACE}"{words}>\n' + "".join(f"  {rule}\n" for rule in rules) + "</policy>\n"


def bare_xml(name, arguments=(), channel=False, environment=(), emulator=None, metadata=None, qemu=""):
    """The domain that boots nothing; @arguments and @environment are for QEMU's command line.

    @metadata and @qemu are XML: what stands in <metadata>, and elements in QEMU's namespace.
    """
    text = run(GUEST, "xml", "--bare", "NAME").stdout
    ElementTree.register_namespace("qemu", QEMU_NAMESPACE)
    root = ElementTree.fromstring(text)
    root.find("name").text = name
    if channel:
        root.find("devices").append(ElementTree.fromstring(
            "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"))
    if emulator:
        ElementTree.SubElement(root.find("devices"), "emulator").text = str(emulator)
    if arguments or environment:
        line = ElementTree.SubElement(root, f"{{{QEMU_NAMESPACE}}}commandline")
        for argument in arguments:
            ElementTree.SubElement(line, f"{{{QEMU_NAMESPACE}}}arg", value=str(argument))
        for variable in environment:
            key, _, value = variable.partition("=")
            ElementTree.SubElement(line, f"{{{QEMU_NAMESPACE}}}env", name=key, value=value)
    if qemu:
        root.extend(ElementTree.fromstring(f"<x xmlns:qemu='{QEMU_NAMESPACE}'>{qemu}</x>"))
    return with_metadata(ElementTree.tostring(root, encoding="unicode"), metadata)


def with_metadata(xml, metadata):
    """Puts it in as it is spelt."""
    return xml.replace("</domain>", f"<metadata>{metadata}</metadata></domain>") if metadata else xml


class Machine:
    """A domain, with the few things that tests do to one."""

    def __init__(self, connection, xml, persistent=False, flags=0):
        self.connection = connection
        self.domain = connection.defineXML(xml) if persistent else connection.createXML(xml, flags)
        self.name = self.domain.name()

    def start(self):
        self.domain.create()
        return self

    def send(self, text, flags=0):
        return send(self.domain, text, flags)

    def is_sane(self):
        """Whether the monitor still gives each question its own answer; two commands, as answers may be shifted."""
        status = self.send(request("query-status"))
        name = self.send(request("query-name"))
        return (isinstance(status, dict) and status.get("return", {}).keys() >= {"running", "status"} and
                isinstance(name, dict) and name.get("return") == {"name": self.name})

    def set_policy(self, *rules, **attributes):
        # libvirt adds the namespace itself and refuses a text that has it.
        self.set_policy_text(policy(*rules, **attributes).replace(f' xmlns="{NAMESPACE}"', ""))

    def set_policy_text(self, text, flags=libvirt.VIR_DOMAIN_AFFECT_CURRENT):
        self.domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, text, PREFIX, NAMESPACE, flags)

    def policy(self, flags=libvirt.VIR_DOMAIN_AFFECT_CURRENT):
        """The policy in the domain; None when there is none."""
        try:
            return self.domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE, flags)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
                return None
            raise

    def clear_policy(self):
        if self.policy() is not None:
            self.set_policy_text(None)

    def process(self):
        return int(pathlib.Path(f"/run/libvirt/qemu/{self.name}.pid").read_text())

    def discard(self):
        """Removes every trace; it may be gone already, in whole or in part."""
        undefine = libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        for action in (self.domain.destroy, lambda: self.domain.undefineFlags(undefine)):
            try:
                action()
            except libvirt.libvirtError:
                pass


# What libvirt asks by itself, some time after the guest was reset: test_reset_is_followed_up().
OF_LIBVIRT = {"qom-list", "query-block"}


class WitnessedMachine(Machine):
    """A machine whose QEMU testifies, independently of libvirt and the guard, what it executed."""

    def __init__(self, connection, directory):
        name = unique_name("witnessed")
        self.trace = pathlib.Path(directory) / f"{name}.trace"
        events = ["qmp_enter_*" if has("qmp-trace") else "handle_qmp_command", "handle_hmp_command"]
        super().__init__(connection, bare_xml(name, [word for event in events for word in ("-trace", event)] +
                                              ["-D", str(self.trace)]))
        self.offset = 0
        self.mark()
        # QEMU 5.2 traces what it reads, and not what it then begins: a command that it does not have is not executed.
        self.known = set()
        if not has("qmp-trace"):
            self.known = {row["name"] for row in self.send(request("query-commands"))["return"]}
            self.mark()

    def mark(self):
        self.offset = self.trace.stat().st_size

    def executed(self):
        """What QEMU executed since mark(), but for OF_LIBVIRT: QMP commands by name, HMP lines as `hmp: LINE`."""
        return [command for command in self.all_executed() if command not in OF_LIBVIRT]

    def all_executed(self):
        with self.trace.open("rb") as file:
            file.seek(self.offset)
            text = file.read().decode(errors="replace")
        found = []
        for line in text.splitlines():
            match = _TRACED.search(line)
            if not match:
                continue
            event, detail = match.groups()
            if event == "handle_hmp_command":
                found.append("hmp: " + detail.partition("cmdline: ")[2])
            elif event.startswith("qmp_enter_"):
                found.append(event[len("qmp_enter_"):].replace("_", "-"))
            else:
                read = json.loads(detail.partition("req: ")[2])
                name = read.get("execute") if isinstance(read, dict) else None
                found += [name.replace("_", "-")] if name in self.known else []
        return found


class GuestMachine(Machine):
    """A machine that boots a Linux with QEMU's guest agent. Takes seconds to start.

    @ports are further ports of the guest, by name; here each of them is the socket at port_path().
    """

    def __init__(self, connection, *ports):
        name = unique_name("guest")
        self.console = pathlib.Path(f"/var/log/libvirt/qemu/{name}.console")
        self.console.parent.mkdir(parents=True, exist_ok=True)
        root = ElementTree.fromstring(run(GUEST, "xml", name).stdout)
        for port in ports:
            root.find("devices").append(ElementTree.fromstring(
                f"<channel type='unix'><source mode='bind' path='{self.port_path(name, port)}'/>"
                f"<target type='virtio' name='{port}'/></channel>"))
        super().__init__(connection, ElementTree.tostring(root, encoding="unicode"))

    @staticmethod
    def port_path(name, port):
        return f"/run/libvirt/qemu/{name}.{port}"

    def wait(self, seconds=120):
        deadline = time.monotonic() + seconds
        while "guest ready" not in self.console.read_text(errors="replace"):
            assert time.monotonic() < deadline, f"the guest does not get ready: {self.console.read_text()[-300:]}"
            time.sleep(0.1)
        return self


def is_guest_built():
    """Builds it when needed, which downloads packages; false when that fails."""
    return run(GUEST, "build", env=os.environ, timeout=300).returncode == 0
