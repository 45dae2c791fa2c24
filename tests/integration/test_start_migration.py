# SPDX-License-Identifier: LGPL-2.1-or-later
"""A domain that migrates in is judged where it arrives, by the host policy there; its own policy travels with it."""

import libvirt
import pytest

from clients import answer_of
from machines import NAMESPACE, bare_xml, policy, unique_name
from second_lab import SecondLab, refusal_of

OWN = policy('<deny command="query-status"/>')
REFUSE_ARGUMENTS = policy('<start><refuse finding="argument"/><ignore/></start>')
LAX = policy("<start><ignore/></start>")
LIVE = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_PEER2PEER


@pytest.fixture(scope="module")
def shared_labs(in_lab):
    labs = SecondLab(), SecondLab()
    yield labs
    for lab in labs:
        lab.close()


@pytest.fixture
def labs(shared_labs):
    for lab in shared_labs:
        lab.set_host_policy(LAX)
        lab.trail.mark()
    return shared_labs


def migrate(source, target, domain, flags=LIVE, **parameters):
    """Returns None, or the error."""
    socket = target.directory / f"run/{domain.name()}.migration"
    words = {libvirt.VIR_MIGRATE_PARAM_URI: f"unix://{socket}"} | parameters
    if flags & libvirt.VIR_MIGRATE_PEER2PEER:
        answer = answer_of(domain.migrateToURI3, target.uri, words, flags)
    else:
        answer = answer_of(domain.migrate3, target.connect(), words, flags)
    return answer if isinstance(answer, libvirt.libvirtError) else None


def names_in(lab):
    return {domain.name() for domain in lab.connect().listAllDomains()}


@pytest.mark.parametrize("flags", [LIVE, libvirt.VIR_MIGRATE_LIVE], ids=["peer-to-peer", "by the client"])
def test_policy_travels(labs, flags):
    source, target = labs
    domain = source.start(bare_xml(unique_name("moves"), metadata=OWN))
    name = domain.name()
    (before,) = source.trail.starts(name)
    assert migrate(source, target, domain, flags) is None
    assert name in names_in(target) and name not in names_in(source)
    records = target.trail.starts(name)
    assert [(record["operation"], record["verdict"]) for record in records] == [
        ("migrate", "allow"), ("prepare", "allow")]
    assert {record["policy"] for record in records} == {before["policy"]} and len(before["policy"]) == 64
    arrived = target.connect().lookupByName(name)
    assert "query-status" in arrived.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)


@pytest.mark.parametrize("there, words, finding", [
    (REFUSE_ARGUMENTS, {"arguments": ["-no-shutdown"]}, "argument"),
    (policy('<start><refuse finding="policy-invalid"/><ignore/></start>'), {"metadata": policy("<frob/>")},
     "policy-invalid"),
    (policy("<frob/>"), {"metadata": OWN}, "unreadable"),
    (None, {"arguments": ["-qmp", "tcp:127.0.0.1:0,server=on,wait=off"]}, "network-monitor"),
], ids=["argument", "policy", "host", "default"])
def test_target_refuses(labs, there, words, finding):
    source, target = labs
    domain = source.start(bare_xml(unique_name("stays"), **words))
    name, pid = domain.name(), (source.directory / f"run/libvirt/qemu/{domain.name()}.pid").read_text()
    target.set_host_policy(there)
    told = refusal_of(migrate(source, target, domain))
    assert told and (told.domain, told.finding) == (name, finding)
    assert name not in names_in(target)
    assert {(record["operation"], record["verdict"]) for record in target.trail.starts(name)} == {("migrate", "deny")}
    assert domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED       # as it was
    domain.resume()
    assert (source.directory / f"run/libvirt/qemu/{name}.pid").read_text() == pid
    assert [record["operation"] for record in source.trail.starts(name)] == ["prepare"]

    target.set_host_policy(LAX)
    target.trail.mark()
    assert migrate(source, target, domain) is None
    assert target.trail.findings(name) == 2 * [("allow", None)]


def test_source_has_no_say(labs):
    """Its own rules were for the start; a domain that leaves is none of its business."""
    source, target = labs
    domain = source.start(bare_xml(unique_name("leaves"), ["-no-shutdown"]))
    source.set_host_policy(policy("<start><refuse/></start>"))
    source.trail.mark()
    assert migrate(source, target, domain) is None
    assert source.trail.lines() == []


def test_other_xml_for_the_target(labs):
    """What the client has the target start is judged, not what runs at the source."""
    source, target = labs
    domain = source.start(bare_xml(unique_name("changed"), metadata=OWN))
    xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE)
    loosened = xml.replace("deny command", "allow command")
    assert loosened != xml
    line = "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-no-shutdown'/>"
    with_argument = xml.replace("</domain>", f"{line}</qemu:commandline></domain>")
    target.set_host_policy(REFUSE_ARGUMENTS)
    error = migrate(source, target, domain, **{libvirt.VIR_MIGRATE_PARAM_DEST_XML: with_argument})
    assert refusal_of(error).finding == "argument" and domain.isActive()

    target.trail.mark()
    assert migrate(source, target, domain, **{libvirt.VIR_MIGRATE_PARAM_DEST_XML: loosened}) is None
    (before,) = source.trail.starts(domain.name(), operation="prepare")
    (after,) = {record["policy"] for record in target.trail.starts(domain.name())}
    assert len(after) == 64 and after != before["policy"]       # the trails tell


def test_unguarded_target(labs):
    source, target = labs
    target.set_host_policy(None)
    guard = target.guard
    target.preload()
    target.daemon("restart")
    try:
        domain = source.start(bare_xml(unique_name("stays"), metadata=OWN))
        assert refusal_of(migrate(source, target, domain)).finding == "unguarded-daemon" and domain.isActive()
    finally:
        target.preload(guard)
        target.daemon("restart")
    assert migrate(source, target, domain) is None
