# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine whose QEMU testifies, the connections that texts go through, and the part of the trail that is its own."""

import ctypes
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import libvirt
import libvirt_qemu

from catalogue import REPO
from compare import DENIED, Sent
from policies import POLICIES
from testimony import TRACE, is_own_begun, read_trace

sys.path.insert(0, str(REPO / "tests/integration"))
import clients  # noqa: E402
from machines import Machine, bare_xml  # noqa: E402
from raw_rpc import RawClient, RpcError  # noqa: E402

SYSTEM = "qemu:///system"
TRAIL = pathlib.Path("/var/log/libvirt/qmp-guard/audit.log")
DIRECTORY = pathlib.Path("/var/log/libvirt/witness")
NO_ERROR = 0
HMP = libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP

# A QEMU that takes longer than that for one command is wedged, and killed. (1 MiB takes it 3 seconds.)
PATIENCE = 60

# What QEMU has read it begins with well within this; it is a processor that it may have to wait for.
PAUSE = 5

# Halts for good where a processor begins: a real firmware would take a second of ours after each reset.
FIRMWARE = b"\0" * 0xfff0 + b"\xfa\xf4\xeb\xfc" + b"\0" * 12

_qemu = ctypes.CDLL("libvirt-qemu.so.0")
_free = ctypes.CDLL(None).free
_free.argtypes = [ctypes.c_void_p]
_qemu.virDomainQemuMonitorCommand.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p),
                                              ctypes.c_uint]
_qemu.virDomainQemuMonitorCommandWithFiles.argtypes = [
    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint, ctypes.POINTER(ctypes.c_int), ctypes.c_void_p, ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_void_p), ctypes.c_uint]
_qemu.virDomainQemuAgentCommand.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint]
_qemu.virDomainQemuAgentCommand.restype = ctypes.c_void_p


class TrailReader:
    """The records of one domain, as they come. Others write to the same file."""

    def __init__(self, domain):
        self.mark = f'"domain":"{domain}"'.encode()
        self.file = None

    def read(self):
        if self.file is None:
            self.file = TRAIL.open("rb")
        lines = self.file.read().split(b"\n")
        rest = lines.pop()
        self.file.seek(-len(rest), os.SEEK_CUR)
        return [json.loads(line) for line in lines if self.mark in line]

    def skip(self):
        if TRAIL.exists():
            self.file = self.file or TRAIL.open("rb")
            self.file.seek(0, os.SEEK_END)


class Witness:
    """What sends texts to one machine and knows its accounts of them; of a QEMU or of a guest's agent."""

    start_flags = libvirt.VIR_DOMAIN_START_PAUSED

    def __init__(self, name, connections=2):
        self.name = name
        self.connections = [libvirt.open(SYSTEM) for _ in range(connections)]
        self.raw = [RawClient() for _ in range(connections)]
        self.trail = TrailReader(name)
        self.deaths = 0
        self.descriptor = os.open("/dev/null", os.O_RDONLY)
        self.since = [None] * connections       # when the command that is on its way was sent
        self.start()
        threading.Thread(target=self.watch, daemon=True).start()

    def xml(self):
        self.trace = DIRECTORY / f"{self.name}.{self.deaths}.trace"
        arguments = [word for event in TRACE for word in ("-trace", event)]
        firmware = DIRECTORY / "halt.rom"
        firmware.write_bytes(FIRMWARE)
        return bare_xml(self.name, [*arguments, "-D", str(self.trace), "-bios", str(firmware)])

    def start(self):
        DIRECTORY.mkdir(exist_ok=True)
        DIRECTORY.chmod(0o777)
        self.machine = Machine(self.connections[0], self.xml(), flags=self.start_flags)
        self.wait()
        self.process = self.machine.process()
        self.uuid = self.machine.domain.UUID()
        self.handles = [connection.lookupByName(self.name) for connection in self.connections]
        self.last = None
        self.policy = None
        self.offset = self.size()
        self.trail.skip()       # past what the hook recorded

    def wait(self):
        """Until it can be sent commands."""

    def restart(self):
        """After a death, or when a machine shall be as new."""
        self.machine.discard()
        self.deaths += 1
        self.start()

    def is_alive(self):
        """By the process: libvirt needs a moment to notice."""
        try:
            state = pathlib.Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state not in "ZX"

    def has_died(self, sent):
        """Whether a command that failed did so because of that. A QEMU that ends closes its monitor first."""
        if sent.error in (NO_ERROR, DENIED):
            return False
        # One that crashes closes it, too, and then writes what the host wants of its memory.
        deadline = time.monotonic() + (30 if "monitor" in sent.message else 3)
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.is_alive()

    def size(self):
        return self.trace.stat().st_size

    def set_policy(self, name):
        if self.policy != name:
            self.machine.set_policy_text(POLICIES[name])
            self.policy = name

    def schema(self):
        """By the machine's own QEMU; marks the trail and the trace behind it."""
        schema = self.machine.send('{"execute":"query-qmp-schema"}')["return"]
        self.skip()
        return schema

    def skip(self):
        self.trail.skip()
        self.testimony()

    def testimony(self):
        """What the witness said since it was last asked. What was read gives its place on the disk back."""
        deadline = time.monotonic() + PAUSE
        text = self.read_on()
        while self.is_in_between(text) and self.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)
            text = self.read_on()
        if self.offset >> 24 != (self.offset + len(text)) >> 24:
            subprocess.run(["fallocate", "-p", "-o", "0", "-l", str(self.offset), self.trace], check=False)
        self.offset += len(text)
        if not self.is_alive():
            text = text[:text.rfind(b"\n") + 1]
        return self.read(text)

    def read_on(self):
        with self.trace.open("rb") as file:
            file.seek(self.offset)
            return file.read()

    def is_in_between(self, text):
        """Whether QEMU has read what libvirt sends by itself, at any time, and not yet begun with it."""
        return is_own_begun(text)

    def read(self, text):
        return read_trace(text)

    def send(self, text, client=0):
        """Sends one text as one of the clients. Returns a Sent."""
        self.since[client] = time.monotonic()
        sent = self._send_raw(text, client) if text.is_raw else self._send(text, client)
        self.since[client] = None
        return sent

    def watch(self):
        """Ends a QEMU that is wedged, in a thread of its own: then the machine has died, and that is counted."""
        while True:
            time.sleep(1)
            since = min((since for since in self.since if since is not None), default=None)
            if since is not None and time.monotonic() - since > PATIENCE:
                self.since = [None] * len(self.since)
                os.kill(self.process, signal.SIGKILL)

    def _send(self, text, client):
        pointer = clients._pointer_of(self.handles[client]._o, b"virDomainPtr")
        result = ctypes.c_void_p()
        flags = HMP if text.channel == "hmp" else 0
        if text.channel == "agent":
            result.value = _qemu.virDomainQemuAgentCommand(pointer, text.data, 20, 0)
            failed = not result.value
        elif text.fds:
            descriptors = (ctypes.c_int * 1)(self.descriptor)
            failed = _qemu.virDomainQemuMonitorCommandWithFiles(pointer, text.data, 1, descriptors, None, None,
                                                                ctypes.byref(result), flags) < 0
        else:
            failed = _qemu.virDomainQemuMonitorCommand(pointer, text.data, ctypes.byref(result), flags) < 0
        if result.value:
            _free(result)
        if not failed:
            return Sent(text, NO_ERROR, "")
        error = libvirt.libvirtError("")
        return Sent(text, error.get_error_code() or -1, error.get_error_message() or "")

    def _send_raw(self, text, client):
        try:
            if text.channel == "agent":
                self.raw[client].agent_command(self.uuid, text.data)
            else:
                self.raw[client].monitor_command(self.uuid, text.data, flags=HMP if text.channel == "hmp" else 0)
        except RpcError as error:
            return Sent(text, error.code, str(error))
        return Sent(text, NO_ERROR, "")

    def close(self):
        self.machine.discard()
        for connection in self.connections:
            connection.close()
