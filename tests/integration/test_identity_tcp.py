# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers of whom the daemon knows nothing: a TCP listener without authentication, as nobody should have one."""

import socket

import libvirt
import pytest

from clients import is_denied, request, send
from machines import Machine, bare_xml, unique_name
from second_lab import SecondLab


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def lab(in_lab):
    port = free_port()
    started = SecondLab()
    started.listen(listen_tcp="1", listen_tls="0", auth_tcp='"none"', listen_addr='"127.0.0.1"', tcp_port=f'"{port}"')
    started.tcp_uri = f"qemu+tcp://127.0.0.1:{port}/system"
    yield started
    started.close()


def test_unknown_caller_is_denied_everything(lab):
    connection = libvirt.open(lab.tcp_uri)
    machine = Machine(connection, bare_xml(unique_name()))
    machine.set_policy("<allow/>")
    lab.log.mark()
    answer = machine.send(request("query-status"))
    assert is_denied(answer)
    record = lab.log.record()
    assert record.field("rule") == "guard:unknown-caller" and record.field("user") == "-" and record.field("reason")

    claims = {libvirt.VIR_CONNECT_IDENTITY_USER_NAME: "root", libvirt.VIR_CONNECT_IDENTITY_UNIX_USER_ID: 0}
    lab.log.mark()
    connection.setIdentity(claims)
    assert is_denied(machine.send(request("query-status")))
    *refused, blocked = lab.log.records()
    assert [(record.kind, record.level) for record in refused] == (
        [("QMP identity refused", "error")] if lab.claims_reach_the_guard else [])
    assert blocked.field("user") == "-"

    # The same daemon, by a way that says who calls.
    known = libvirt.open(lab.uri).lookupByName(machine.name)
    assert not is_denied(send(known, request("query-status")))
