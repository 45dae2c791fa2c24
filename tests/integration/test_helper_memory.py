# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each allocation of the helper's fails in turn: then it says that it could not tell, or its answer is the whole one."""

import gzip
import json
import os
import pathlib
import re
import shutil

import pytest

from clients import REPO, qmp_guard, run
from machines import NAMESPACE, bare_xml, policy
from recorded import GRANTED, HMP, SCREENDUMP, write_records

PRELOADED = pathlib.Path(os.environ.get("QMP_GUARD_BUILD", REPO / "build")) / "tests/integration/allocations.so"
MOST = 400      # more ways to an allocation than any of these has
YES, NO, UNSURE = 0, 1, 2

RECORDS = [{}, {"user": "bob"}, SCREENDUMP, GRANTED, HMP | {"hmp": "info block", "parameters": []},
           {"command": "transaction", "parts": ["abort", "blockdev-snapshot-sync"], "parameters": ["actions"]},
           {"verdict": "deny", "rule": "baseline:@dangerous", "command": "inject-nmi", "class": "dangerous"},
           {"command": "x-new", "class": "unknown", "groups": ["@unknown"]},
           {"verdict": "deny", "rule": "guard:unknown-caller", "user": "uid:7"},
           {"verdict": "audit", "rule": "baseline:@dangerous", "command": "inject-nmi", "class": "dangerous"},
           {"user": "a b\\x0a", "domain": "other"}] + 6 * [{"command": "query-name"}]

LOG = ("2026-11-21 10:00:00.123+0000: 77: info : QMP: demo | query-status | params=[] | user=alice | "
       "timestamp=2026-11-21T10:00:00\n"
       "2026-11-21 10:00:01.123+0000: 77: error : QMP blocked: demo | inject-nmi | user=bob | rule=baseline:@dangerous\n"
       "Nov 21 10:00:02 host libvirtd[77]: QMP privileged: demo | stop | user=alice\n")

DOMAIN = bare_xml("x").replace("</domain>", f"""
  <metadata>{policy('<deny command="query-status"/>')}</metadata>
  <qemu:commandline xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">
    <qemu:arg value="-qmp"/><qemu:arg value="unix:/tmp/x,server=on"/>
    <qemu:arg value="-chardev"/><qemu:arg value='{{"backend":"socket","id":"c","path":"/tmp/y"}}'/>
    <qemu:arg value="-mon"/><qemu:arg value="chardev=c"/><qemu:env name="A" value="b"/>
  </qemu:commandline></domain>""")

CASES = """# some
allow | alice | qmp | query-status | baseline:@safe
deny | alice:ops | hmp | info status
allow | - | qmp | qom-get {"path":"/a\\|b","property":"x"}
deny | alice | qmp | query-name
nonsense
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What the commands below read, as @/NAME."""
    folder = tmp_path_factory.mktemp("memory")
    write_records(folder / "audit.log", RECORDS)
    with gzip.open(folder / "audit.log.1.gz", "wt") as file:
        file.write((folder / "audit.log").read_text())
    for name, text in {
        "log": LOG, "domain.xml": DOMAIN, "cases": CASES, "bad.xml": policy("<frob/>"), "texts": "query-status\nstop\n",
        "policy.xml": policy('<deny command="screendump" unix-group="ops"><argument name="filename" match="/d/*"/></deny>',
                             '<allow channel="hmp" command="info *"/>', '<limit command="stop" count="1" per="1h"/>',
                             '<warn group="@host-file-write" user="alice"/>'),
        "profile.xml": f'<policy xmlns="{NAMESPACE}" name="mine" default="warn"><deny command="inject-nmi"/></policy>',
        "old.json": json.dumps({"return": [{"name": "quit"}, {"name": "change"}]}),
        "new.json": json.dumps({"return": [{"name": "quit"}, {"name": "x-brand-new"}, {"name": "inject-nmi"}]}),
    }.items():
        (folder / name).write_text(text)
    yield folder
    shutil.rmtree(folder)


COMMANDS = [line.split("|") for line in """\
check|--json|--policy|@/policy.xml|{"execute":"screendump","arguments":{"filename":"/d/x"}}
check|--json|transaction|"actions":[{"type":"abort","data":{}},{"type":"inject-nmi","data":{}}]
explain|--json|--agent|{"execute":"guest-ping"}
check|--start|--json|--domain-xml|@/domain.xml
policy|validate|--json|@/policy.xml
policy|learn|--json|--by-user|@/audit.log
policy|learn|--by-user|@/audit.log
policy|replay|--json|--host|@/policy.xml|@/audit.log
policy|test|--json|@/policy.xml|@/cases
catalog|--group|@guest-power
catalog|--json|--profiles|inject-nmi
catalog|--json|--diff|@/old.json|@/new.json
audit|--json|--command|query-*|@/log
audit|--json|--count-by|command|@/log
audit|--json|--burst|2/60|@/audit.log
audit|--json|--summary|@/audit.log
audit|--json|--verify|@/audit.log
grants|--json
""".splitlines()]


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    """On which ways an allocation failed before, in whichever command."""
    path = tmp_path_factory.mktemp("ways") / "ways"
    path.touch()
    return path


def with_fault(words, ways):
    """What came of it, and whether anything failed."""
    before = ways.stat().st_size
    done = run("env", f"LD_PRELOAD={PRELOADED}", f"QMP_GUARD_ALLOCATIONS={ways}", "virt-qmp-guard", *words)
    return done, ways.stat().st_size > before


def without_time(text):
    return re.sub(r"timestamp=[0-9T:-]+|\"seconds\":[0-9]+", "", text)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_way_to_an_allocation(words, files, ways):
    words = [word.replace("@/", f"{files}/") for word in words]
    whole = qmp_guard(*words)
    for _ in range(MOST):
        done, has_failed = with_fault(words, ways)
        if not has_failed:
            break
        assert done.returncode in (YES, NO, UNSURE), done
        is_whole = (done.returncode, without_time(done.stdout)) == (whole.returncode, without_time(whole.stdout))
        # A command that is not judged for want of memory is refused, as everywhere.
        is_refused = words[0] in ("check", "explain") and done.returncode == NO
        # audit counts the lines of others that it could not read, for whatever reason, and goes on.
        is_counted = words[0] == "audit" and "lines that could not be read: " in done.stderr
        assert is_whole or is_refused or is_counted or (done.returncode == UNSURE and done.stderr), done
    assert not has_failed
    assert without_time(done.stdout) == without_time(whole.stdout)
    assert (done.returncode, done.stderr) == (whole.returncode, whole.stderr)
