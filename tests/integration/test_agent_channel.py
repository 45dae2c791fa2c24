# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client that has libvirt open the channel of the guest's agent itself, and speaks to the agent past the guard."""

import libvirt
import pytest

from clients import answer_of, is_denied
from machines import Machine, bare_xml, unique_name

PORT = "org.qemu.guest_agent.0"
OTHER = "com.example.other.0"
ALIAS = "ua-it"


def channel(name, alias=""):
    return f"<channel type='unix'><target type='virtio' name='{name}'/>{alias and f'<alias name={alias!r}/>'}</channel>"


def machine(connection, *channels):
    return Machine(connection, bare_xml(unique_name()).replace("</devices>", f"{''.join(channels)}</devices>"))


def open_channel(domain, name):
    """Returns None, or the error."""
    stream = domain.connect().newStream(libvirt.VIR_STREAM_NONBLOCK)
    answer = answer_of(domain.openChannel, name, stream, 0)
    if isinstance(answer, libvirt.libvirtError):
        return answer
    stream.abort()
    return None


@pytest.fixture(scope="module")
def shared_vms(connection):
    made = {"agent first": machine(connection, channel(PORT), channel(OTHER)),
            "other first": machine(connection, channel(OTHER), channel(PORT, ALIAS))}
    yield made
    for vm in made.values():
        vm.discard()


OPENED = pytest.mark.parametrize("which, name", [
    ("agent first", PORT), ("agent first", "channel0"), ("agent first", None),
    ("other first", PORT), ("other first", ALIAS)])


@OPENED
def test_agents_channel_is_refused(shared_vms, log, which, name):
    """By its name, by its alias, and by no name, which means the first."""
    vm = shared_vms[which]
    answer = open_channel(vm.domain, name)
    assert is_denied(answer), answer
    record = log.record()
    assert record.level == "error"
    assert record.text.startswith(f"QMP blocked: {vm.name} | open-channel | user=root | rule=guard:agent-channel | ")
    assert record.field("channel") == "agent"


@pytest.mark.parametrize("which, name", [
    ("agent first", OTHER), ("agent first", "channel1"),
    ("other first", OTHER), ("other first", "channel0"), ("other first", None)])
def test_other_channels_are_libvirts_business(shared_vms, log, which, name):
    assert open_channel(shared_vms[which].domain, name) is None
    assert log.records() == []


def test_policy_that_allows_all(shared_vms):
    """No policy can say which of the agent's commands come by a stream."""
    vm = shared_vms["agent first"]
    vm.set_policy('<allow channel="agent"/>')
    assert is_denied(open_channel(vm.domain, PORT))
    vm.clear_policy()


def test_libvirts_own_errors(connection, shared_vms, log):
    """Of a channel, and a domain, that is not there."""
    answer = open_channel(shared_vms["agent first"].domain, "no.such.channel")
    assert isinstance(answer, libvirt.libvirtError) and not is_denied(answer)
    assert log.records() == []
    vm = machine(connection)
    vm.discard()
    assert open_channel(vm.domain, PORT).get_error_code() == libvirt.VIR_ERR_NO_DOMAIN


def test_without_the_guard(unguarded):
    """libvirt opens it to whoever may open a channel. Then what is sent there goes to the agent."""
    vm = machine(unguarded.connect(), channel(PORT))
    try:
        assert [open_channel(vm.domain, name) for name in (PORT, "channel0", None)] == [None, None, None]
    finally:
        vm.discard()
