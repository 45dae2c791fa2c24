# SPDX-License-Identifier: LGPL-2.1-or-later
"""Live migration between the host's libvirt and QEMU and those of another Debian: scripts/test-migration.

Both daemons are guarded, and each judges by its own host policy. A domain's policy is in its metadata and travels; a
grant is this host's and does not.
"""

import json
import os
import pathlib
import sys

import libvirt
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from clients import answer_of, is_denied, request, send  # noqa: E402
from machines import NAMESPACE, bare_xml, policy, unique_name  # noqa: E402
from second_lab import SHIPPED_DEFAULT, SecondLab, refusal_of  # noqa: E402
from trail import assert_chained  # noqa: E402

OWN = policy('<deny command="query-status"/>')
REFUSE_ARGUMENTS = policy('<start><refuse finding="argument"/><ignore/></start>')
LAX = policy("<start><ignore/></start>")
# Of the QEMU of Debian 12, and known to those that came after.
MACHINE = "pc-i440fx-7.2"
NMI = "inject-nmi"


def version_of(lab):
    number = lab.connect().getLibVersion()
    return f"{number // 1000000}.{number // 1000 % 1000}"


@pytest.fixture(scope="module")
def both():
    """The host's and the other's, by name."""
    suite = os.environ["QMP_GUARD_OTHER"]
    labs = {"host": SecondLab()}
    try:
        labs[suite] = SecondLab(suite=suite)
        print("libvirt", *(f"{name}={version_of(lab)}" for name, lab in labs.items()))
        assert len({version_of(lab) for lab in labs.values()}) == 2
        yield tuple(labs.values())
    finally:
        for lab in labs.values():
            lab.close()


@pytest.fixture(params=["to the other", "from the other"])
def labs(request, both):
    """Where a domain starts, and where it goes."""
    for lab in both:
        lab.set_host_policy(LAX)
        lab.trail.mark()
        lab.log.mark()
    return both if request.param == "to the other" else both[::-1]


def start(lab, what, **words):
    """A domain that runs: a paused one would be there before it has moved."""
    xml = bare_xml(unique_name(what), **words).replace("machine='pc'", f"machine='{MACHINE}'")
    xml = xml.replace('machine="pc"', f'machine="{MACHINE}"')
    assert MACHINE in xml
    return lab.connect().createXML(xml)


def migrate(target, domain, **parameters):
    """By a client of both, as `virsh migrate --live` without --p2p. Returns the domain there, or the error."""
    words = {libvirt.VIR_MIGRATE_PARAM_URI: "tcp://127.0.0.1", libvirt.VIR_MIGRATE_PARAM_LISTEN_ADDRESS: "127.0.0.1"}
    return answer_of(domain.migrate3, target.connect(), words | parameters, libvirt.VIR_MIGRATE_LIVE)


def names_in(lab):
    return {domain.name() for domain in lab.connect().listAllDomains()}


def decisions(lab, name):
    return [(record["command"], record["verdict"], record["rule"]) for record in lab.trail.records("decision")
            if record["domain"] == name]


def test_policy_travels(labs):
    source, target = labs
    domain = start(source, "moves", metadata=OWN)
    name = domain.name()
    (before,) = source.trail.starts(name)
    assert is_denied(send(domain, request("query-status"))) and not is_denied(send(domain, request("query-kvm")))

    arrived = migrate(target, domain)
    assert isinstance(arrived, libvirt.virDomain), arrived
    assert arrived.state()[0] == libvirt.VIR_DOMAIN_RUNNING
    assert name in names_in(target) and name not in names_in(source)
    records = target.trail.starts(name)
    assert [(record["operation"], record["verdict"]) for record in records] == [
        ("migrate", "allow"), ("prepare", "allow")]
    assert {record["policy"] for record in records} == {before["policy"]} and len(before["policy"]) == 64
    assert "query-status" in arrived.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)

    assert is_denied(send(arrived, request("query-status"))) and not is_denied(send(arrived, request("query-kvm")))
    for lab in labs:
        (denied, passed) = decisions(lab, name)
        assert denied[:2] == ("query-status", "deny") and passed[:2] == ("query-kvm", "allow")
        assert denied[2].startswith("domain:"), denied
        assert assert_chained(lab.trail.path) > 0
    arrived.destroy()


def test_there_and_back(labs):
    """Each arrival is judged, by what holds there and then."""
    source, target = labs
    domain = start(source, "returns", metadata=OWN)
    name = domain.name()
    away = migrate(target, domain)
    assert isinstance(away, libvirt.virDomain), away
    source.set_host_policy(REFUSE_ARGUMENTS)
    source.trail.mark()
    back = migrate(source, away)
    assert isinstance(back, libvirt.virDomain), back
    assert name in names_in(source) and name not in names_in(target)
    records = source.trail.starts(name)
    assert [record["operation"] for record in records] == ["migrate", "prepare"]
    assert {record["policy"] for record in records} == {record["policy"] for record in target.trail.starts(name)}
    assert is_denied(send(back, request("query-status")))
    back.destroy()


def test_grant_stays(labs):
    """It was given on one host for one run there, and that run is over."""
    source, target = labs
    domain = start(source, "granted")
    name = domain.name()
    done = source.run("virt-qmp-guard", "grant", name, "--command", NMI, "--uses", "3", "--reason", "a test", "--json")
    assert done.returncode == 0, done.stderr
    given = json.loads(done.stdout)["grant"]
    assert not is_denied(send(domain, request(NMI)))
    arrived = migrate(target, domain)
    assert isinstance(arrived, libvirt.virDomain), arrived
    assert is_denied(send(arrived, request(NMI)))
    there = json.loads(target.run("virt-qmp-guard", "grants", "--all", "--json").stdout)
    assert given not in {row["grant"] for row in there}
    assert [(record["step"], record["grant"]) for record in source.trail.records("grant")] == [
        ("given", given), ("ended", given)]
    assert target.trail.records("grant") == []

    # Nor does it come to life again when the domain returns.
    back = migrate(source, arrived)
    assert isinstance(back, libvirt.virDomain), back
    assert is_denied(send(back, request(NMI)))
    back.destroy()


@pytest.mark.parametrize("there, words, finding", [
    (REFUSE_ARGUMENTS, {"arguments": ["-no-user-config"]}, "argument"),
    (policy("<frob/>"), {"metadata": OWN}, "unreadable"),
    (SHIPPED_DEFAULT, {"arguments": ["-qmp", "tcp:127.0.0.1:0,server=on,wait=off"]}, "network-monitor"),
], ids=["argument", "host", "default"])
def test_target_refuses(labs, there, words, finding):
    source, target = labs
    domain = start(source, "stays", **words)
    name = domain.name()
    target.set_host_policy(there)
    told = refusal_of(migrate(target, domain))
    assert told and (told.domain, told.finding) == (name, finding)
    assert name not in names_in(target) and name in names_in(source)
    assert {(record["operation"], record["verdict"]) for record in target.trail.starts(name)} == {("migrate", "deny")}
    assert domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING
    domain.destroy()


def test_unguarded_target(labs):
    source, target = labs
    guard = target.guard
    target.set_host_policy(SHIPPED_DEFAULT)
    target.preload()
    target.daemon("restart")
    try:
        domain = start(source, "stays", metadata=OWN)
        assert refusal_of(migrate(target, domain)).finding == "unguarded-daemon" and domain.isActive()
    finally:
        target.preload(guard)
        target.daemon("restart")
    arrived = migrate(target, domain)
    assert isinstance(arrived, libvirt.virDomain), arrived
    arrived.destroy()
