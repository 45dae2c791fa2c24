# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast the guard is, and what it costs, as ratios and counts that are taken in one run each."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import subprocess
import sys
import time
import traceback

import section
from rows import HEADINGS

DOCUMENT = section.REPO / "docs/speed.md"


def place_of(name):
    """Where a section's table goes in the document."""
    return re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->\n)", re.DOTALL)


def parse_arguments():
    sections = {name: section.load(name) for name in section.names()}
    lines = "".join(f"  {name:12}{' '.join((module.__doc__ or module.TITLE).split(chr(10) + chr(10))[0].split())}\n"
                    for name, module in sections.items())
    parser = argparse.ArgumentParser(
        prog="scripts/bench", allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__ + "\nBuilds, measures and prints a table. Nothing is asserted.",
        epilog=f"sections (default: all):\n{lines}\nNeeds root, and a machine that has nothing else to do. "
               "docs/speed.md says how it is measured.\nexit status: 0; 1 when a section gave no figures; "
               "2 when nothing could be run.")
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--quick", action="store_true", help="short ones, for a look: some seconds for each section")
    parser.add_argument("--full", action="store_true", help="the long ones: a million commands, all sizes; hours")
    parser.add_argument("--commands", type=int, metavar="N", help="how many `memory` sends, of each kind")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--document", action="store_true", help="write the tables into docs/speed.md")
    options = parser.parse_args()
    unknown = set(options.sections) - set(sections)
    if unknown:
        parser.error(f"no such section: {' '.join(sorted(unknown))}")
    if options.quick and (options.full or options.document):
        parser.error("--quick is for a look: neither --full nor --document goes with it")
    if options.commands is not None and options.commands < 100:
        parser.error("--commands is at least 100")
    if os.geteuid() != 0:
        parser.error("must be run as root: it starts daemons of its own")
    options.sections = {name: sections[name] for name in sections if not options.sections or name in options.sections}
    missing = [name for name in options.sections if not place_of(name).search(DOCUMENT.read_text(encoding="utf-8"))]
    if options.document and missing:
        parser.error(f"{DOCUMENT} has no <!-- {missing[0]} --> and <!-- end of {missing[0]} -->")
    return options


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or ["?"])[0]


def machine():
    """What the figures were taken on."""
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {"processor": model[1] if model else platform.machine(), "processors": len(os.sched_getaffinity(0)),
            "kernel": platform.release(), "libvirt": first_line("libvirtd", "--version").split()[-1],
            "qemu": first_line("qemu-system-x86_64", "--version").removeprefix("QEMU emulator version ").split()[0],
            "load": round(os.getloadavg()[0], 2)}


def print_table(lines):
    """Columns but the last one padded."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def run_section(name, module, run):
    """Returns what is written of it; None when there are no figures."""
    print(f"\n== {name}: {module.TITLE}", flush=True)
    started = time.monotonic()
    rows = []
    failure = None
    try:
        for row in module.measure(run):
            rows.append(row)
            run.say("  ".join(filter(None, row.texts()[:4])))
    except Exception as error:      # whatever it is, the other sections' hours shall not be lost
        traceback.print_exc()
        failure = f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - started
    if rows:
        print_table([HEADINGS, *(row.texts() for row in rows)])
    print(f"  {'FAILED: ' + failure if failure else f'{seconds:.0f} s'}", flush=True)
    return {"title": module.TITLE, "seconds": round(seconds, 1), "failure": failure, "rows": rows}


def document(results, command, now, host):
    """Each section's table between its own markers, so that a run of some leaves the others'."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, result in results.items():
        if result["failure"]:
            continue
        lines = [f"`{command}`, {now:%Y-%m-%d %H:%M} UTC, {result['seconds']:.0f} s: libvirt {host['libvirt']}, QEMU "
                 f"{host['qemu']}, {host['processors']} processors ({host['processor']})", "",
                 "| " + " | ".join(HEADINGS) + " |", "|---" * len(HEADINGS) + "|"]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row.texts()) + " |" for row in result["rows"]]
        text = place_of(name).sub(lambda found, new="\n".join(lines): f"{found[1]}{new}\n{found[2]}", text)
    DOCUMENT.write_text(text, encoding="utf-8")


def main():
    options = parse_arguments()
    if subprocess.run([section.REPO / "scripts/build"], check=False).returncode:
        return 2
    build = pathlib.Path(os.environ.get("QMP_GUARD_BUILD") or section.REPO / "build").absolute()
    run = section.Run(build, options.quick, options.full, options.commands)
    now = datetime.datetime.now(datetime.timezone.utc)
    command = shlex.join(["scripts/bench", *sys.argv[1:]])
    host = machine()
    print(", ".join(f"{name} {value}" for name, value in host.items()))
    results = {name: run_section(name, module, run) for name, module in options.sections.items()}
    if options.json:
        content = {"command": command, "time": now.isoformat(timespec="seconds"), "machine": host,
                   "sections": {name: result | {"rows": [row.to_json() for row in result["rows"]]}
                                for name, result in results.items()}}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if options.document:
        document(results, command, now, host)
    return 1 if any(result["failure"] for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
