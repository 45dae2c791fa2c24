# SPDX-License-Identifier: LGPL-2.1-or-later
"""A libvirt client that says what no libvirt library would.

libvirt's own client stops at the first NUL of a string, takes a domain's name from what the daemon told it, and asks
the daemon nothing on a read-only connection. An attacker is not bound to it: the wire protocol is public
(remote_protocol.x, qemu_protocol.x), and this is the little of it that a monitor command takes.
"""

import socket
import struct

from clients import SOCKET

REMOTE_PROGRAM = 0x20008086
QEMU_PROGRAM = 0x20008087
CONNECT_OPEN = 1
AUTH_LIST = 66
MONITOR_COMMAND = 1
AGENT_COMMAND = 3
STATUS_ERROR = 1


class RpcError(Exception):
    """An error that the daemon sent, with libvirt's number for it."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def xdr_string(value):
    return struct.pack(">I", len(value)) + value + b"\0" * (-len(value) % 4)


class Reader:
    def __init__(self, payload):
        self.payload = payload
        self.at = 0

    def number(self):
        (value,) = struct.unpack_from(">i", self.payload, self.at)
        self.at += 4
        return value

    def string(self):
        length = self.number()
        value = self.payload[self.at:self.at + length]
        self.at += length + -length % 4
        return value


class RawClient:
    """Of a socket that is @connected already nothing is opened yet."""

    def __init__(self, path=SOCKET, flags=0, connected=None):
        self.serial = 0
        self.socket = connected or socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        if not connected:
            self.socket.connect(path)
            self.open(flags)

    def open(self, flags=0):
        self.call(REMOTE_PROGRAM, CONNECT_OPEN, struct.pack(">I", 1) + xdr_string(b"qemu:///system") +
                  struct.pack(">I", flags))

    def make_known(self):
        """The daemon learns here who its client is: which process, and when that began."""
        self.call(REMOTE_PROGRAM, AUTH_LIST, b"")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def receive(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the daemon closed the connection")
            data += more
        return data

    def call(self, program, procedure, payload):
        self.serial += 1
        body = struct.pack(">IIIIII", program, 1, procedure, 0, self.serial, 0) + payload
        self.socket.sendall(struct.pack(">I", len(body) + 4) + body)
        (length,) = struct.unpack(">I", self.receive(4))
        reply = self.receive(length - 4)
        status = struct.unpack(">IIIIII", reply[:24])[5]
        reader = Reader(reply[24:])
        if status == STATUS_ERROR:
            code = reader.number()
            reader.number()     # the part of libvirt that the error comes from
            message = reader.string() if reader.number() else b""
            raise RpcError(code, message.decode(errors="replace"))
        return reader

    def monitor_command(self, uuid, command, name=b"", number=-1, flags=0):
        """Sends @command to the domain @uuid, which is called @name here, whatever its name is."""
        payload = xdr_string(name) + uuid + struct.pack(">i", number) + xdr_string(command) + struct.pack(">I", flags)
        return self.call(QEMU_PROGRAM, MONITOR_COMMAND, payload).string().decode()

    def agent_command(self, uuid, command, timeout=20):
        payload = xdr_string(b"") + uuid + struct.pack(">i", -1) + xdr_string(command) + struct.pack(">iI", timeout, 0)
        reader = self.call(QEMU_PROGRAM, AGENT_COMMAND, payload)
        return reader.string().decode() if reader.number() else None
