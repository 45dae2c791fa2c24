#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the RelaxNG schema and the guard's own parser against each other.

usage: compare.py XML_DIRECTORY HELPER

What the schema cannot know (the names of groups and profiles) is marked `parser`.
"""
import pathlib
import subprocess
import sys
import tempfile

# inside of <policy ATTRIBUTES>RULES</policy> | who refuses it: nobody, both, parser
ROWS = [
    ("", "", "nobody"),
    ('profile="baseline" mode="audit"', "", "nobody"),
    ('mode="off"', "", "both"),
    ('mode=""', "", "both"),
    ('profile="nonesuch"', "", "parser"),
    ('domain-mode="enforce"', "<qg:delegate/>", "nobody"),
    ('domain-mode="never"', "", "both"),
    ('unrecorded="allow" repeat="60"', "", "nobody"),
    ('unrecorded="query" repeat="0"', "<qg:delegate/>", "nobody"),
    ('unrecorded="none"', "", "both"),
    ('repeat="3601"', "", "both"),
    ('repeat="-1"', "", "both"),
    ('repeat="1m"', "", "both"),
    ('name="mine" repeat="60"', "", "both"),
    ('mode="audit" repeat="60"', '<qg:allow command="screendump" record="filename format"/><qg:delegate/>', "nobody"),
    ("", '<qg:allow record=""/>', "both"),
    ('mode="audit" repeat="60"', '<qg:allow record="password"/>', "parser"),
    ('domain-mode="any"', "<qg:start/>", "nobody"),
    ("", '<qg:delegate/><qg:start><qg:refuse finding="network-monitor"/><qg:warn/></qg:start><qg:deny/>', "nobody"),
    ("", '<qg:start><qg:ignore finding="unix-monitor" match="/run/a*" prefix="/run"/></qg:start>', "nobody"),
    ("", "<qg:start/><qg:start/>", "both"),
    ("", '<qg:start mode="audit"/>', "both"),
    ("", "<qg:start><qg:allow/></qg:start>", "both"),
    ("", "<qg:start><refuse/></qg:start>", "both"),
    ("", "<qg:start>text</qg:start>", "both"),
    ("", '<qg:start><qg:refuse finding="network-monitors"/></qg:start>', "parser"),
    ("", '<qg:start><qg:refuse finding=""/></qg:start>', "both"),
    ("", '<qg:start><qg:refuse findings="emulator"/></qg:start>', "both"),
    ("", '<qg:start><qg:refuse match="/usr/bin/*"/></qg:start>', "both"),
    ("", '<qg:start><qg:refuse finding="policy-invalid" match="x"/></qg:start>', "parser"),
    ("", '<qg:start><qg:refuse finding="emulator" match="[a]"/></qg:start>', "both"),
    ("", '<qg:start><qg:refuse finding="emulator" prefix="usr"/></qg:start>', "both"),
    ("", '<qg:start><qg:refuse><qg:warn/></qg:refuse></qg:start>', "both"),
    ('mode="audit" profile="closed" domain-mode="enforce"', '<qg:start><qg:refuse/></qg:start>', "nobody"),
    ('name="mine"', '<qg:start><qg:refuse/></qg:start>', "nobody"),
    ('name="mine" default="deny"', "<qg:deny/>", "nobody"),
    ('name="mine" default="no"', "", "both"),
    ('name="mine" mode="audit"', "", "both"),
    ('name="mine"', "<qg:delegate/>", "both"),
    ('default="deny"', "", "both"),
    ('colour="blue"', "", "both"),
    ("", "<qg:allow/>", "nobody"),
    ("", "<qg:warn/>", "nobody"),
    ("", "<qg:deny/>", "nobody"),
    ("", "<qg:permit/>", "both"),
    ("", "<allow/>", "both"),
    ("", '<allow xmlns="urn:other"/>', "both"),
    ("", "text", "both"),
    ("", "<!-- comment -->", "nobody"),
    ("", '<qg:allow command="query-*"/>', "nobody"),
    ("", '<qg:allow command=""/>', "both"),
    ("", '<qg:allow command="query-[a-z]"/>', "both"),
    ("", f'<qg:allow command="{"x" * 1024}"/>', "nobody"),
    ("", f'<qg:allow command="{"x" * 1025}"/>', "both"),
    ("", '<qg:allow channel="hmp"/>', "nobody"),
    ("", '<qg:allow channel="HMP"/>', "both"),
    ("", '<qg:allow group="@query"/>', "nobody"),
    ("", '<qg:allow group="query"/>', "both"),
    ("", '<qg:allow group="@querry"/>', "parser"),
    ("", '<qg:allow user="alice" unix-group="ops" purpose="forensics"/>', "nobody"),
    ("", '<qg:allow user=""/>', "both"),
    ("", '<qg:allow comand="quit"/>', "both"),
    ("", '<qg:allow qg:command="quit"/>', "both"),
    ("", '<qg:allow><qg:argument name="a" match="b*"/></qg:allow>', "nobody"),
    ("", '<qg:allow><qg:argument name="a"/></qg:allow>', "both"),
    ("", '<qg:allow><qg:argument match="a"/></qg:allow>', "both"),
    ("", '<qg:allow><qg:argument name="a" match="b" value="c"/></qg:allow>', "nobody"),
    ("", '<qg:allow><qg:argument name="a.b" prefix="/x" max="-5"/></qg:allow>', "nobody"),
    ("", '<qg:allow><qg:argument name="a" prefix="x"/></qg:allow>', "both"),
    ("", '<qg:allow><qg:argument name="a" max="many"/></qg:allow>', "both"),
    ("", '<qg:allow><qg:argument name="a" max="-"/></qg:allow>', "both"),
    ("", '<qg:allow><qg:argument name="a" least="5"/></qg:allow>', "both"),
    ("", '<qg:allow><qg:argument name="a" match="b"><x/></qg:argument></qg:allow>', "both"),
    ("", "<qg:allow><qg:allow/></qg:allow>", "both"),
    ("", "<qg:allow>text</qg:allow>", "both"),
    ("", '<qg:deny sasl="a@B" x509="CN=a,O=b" selinux="*:virtd_t:s0-?"/>', "nobody"),
    ("", '<qg:deny sasl=""/>', "both"),
    ("", '<qg:deny x509=""/>', "both"),
    ("", '<qg:deny selinux="*:c[0-9]"/>', "both"),
    ("", f'<qg:deny sasl="{"x" * 1025}"/>', "both"),
    ("", '<qg:allow require="native"/><qg:warn command="quit" require="native" purpose="x"/>', "nobody"),
    ('name="mine"', '<qg:allow require="native"/>', "nobody"),
    ("", '<qg:allow require="polkit"/>', "both"),
    ("", '<qg:allow require=" native"/>', "both"),
    ("", '<qg:deny require="native"/>', "both"),
    ("", '<qg:delegate require="native"/>', "both"),
    ("", '<qg:limit count="1" per="1s"/>', "nobody"),
    ('mode="audit"', '<qg:deny/><qg:limit count="1000" per="24h"/><qg:allow/>', "nobody"),
    ('domain-mode="any"', '<qg:limit count="1" per="1s"/><qg:delegate/><qg:start/>', "nobody"),
    ("", '<qg:limit command="quit" channel="qmp" group="@guest-power" user="a" unix-group="b" sasl="c" x509="d" '
         'selinux="e" count="007" per="090m"><qg:argument name="a" max="1"/></qg:limit>', "nobody"),
    ('name="mine"', '<qg:limit count="1" per="1s"/>', "both"),
    ("", '<qg:limit per="1s"/>', "both"),
    ("", '<qg:limit count="1"/>', "both"),
    ("", '<qg:limit count="0" per="1s"/>', "both"),
    ("", '<qg:limit count="1001" per="1s"/>', "both"),
    ("", '<qg:limit count=" 1" per="1s"/>', "both"),
    ("", '<qg:limit count="+1" per="1s"/>', "both"),
    ("", '<qg:limit count="1" per="0m"/>', "both"),
    ("", '<qg:limit count="1" per="60"/>', "both"),
    ("", '<qg:limit count="1" per="1h "/>', "both"),
    ("", '<qg:limit count="1" per="1w"/>', "both"),
    ("", '<qg:limit count="1" per="25h"/>', "parser"),
    ("", '<qg:limit count="1" per="1s" purpose="x"/>', "both"),
    ("", '<qg:limit count="1" per="1s" record="x"/>', "both"),
    ("", '<qg:limit count="1" per="1s" require="native"/>', "both"),
    ("", '<qg:limit count="1" per="1s"><qg:deny/></qg:limit>', "both"),
    ("", 64 * '<qg:limit count="1" per="1s"/>', "nobody"),
    ("", 65 * '<qg:limit count="1" per="1s"/>', "parser"),
    ("", '<qg:deny count="1"/>', "both"),
    ('confirm="@host  @memory-dump"', "<qg:delegate/>", "nobody"),
    ('confirm=" @host "', "<qg:delegate/>", "nobody"),
    ('confirm=""', "<qg:delegate/>", "both"),
    ('confirm=" "', "<qg:delegate/>", "both"),
    ('confirm="host"', "<qg:delegate/>", "both"),
    ('confirm="@host,@query"', "<qg:delegate/>", "both"),
    ('confirm="@hosts"', "<qg:delegate/>", "parser"),
    ('name="mine" confirm="@host"', "", "both"),
]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def judge(schema, helper, path):
    """Returns whether the schema and the parser take the file."""
    by_schema = run("xmllint", "--noout", "--nonet", "--relaxng", schema, path).returncode == 0
    by_parser = run(helper, "policy", "validate", path).returncode == 0
    return by_schema, by_parser


def main(xml_directory, helper):
    xml_directory = pathlib.Path(xml_directory)
    schema = str(xml_directory / "policy.rng")
    expected = {"nobody": (True, True), "both": (False, False), "parser": (True, False)}
    failures = 0
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "policy.xml"
        for attributes, rules, refused_by in ROWS:
            path.write_text(f'<qg:policy xmlns:qg="urn:qmp-guard:policy:1" {attributes}>'
                            f"{rules}</qg:policy>", encoding="utf-8")
            found = judge(schema, helper, str(path))
            if found != expected[refused_by]:
                failures += 1
                print(f"refused by {refused_by} expected, schema and parser take it: {found}: "
                      f"{attributes} {rules[:80]}")
    shipped = [path for path in sorted(xml_directory.glob("*/*.xml")) if path.name != "domain.xml"]
    for path in shipped:
        if judge(schema, helper, str(path)) != (True, True):
            failures += 1
            print(f"{path} is shipped and not valid")
    print(f"{len(ROWS) + len(shipped) - failures} rows as expected, {failures} not")
    return 1 if failures or not shipped else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
