#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Can the comparison fail? Puts faults into a copy of the code, one at a time, and compares each.

usage: faults.py [DIRECTORY]

The copy is made in DIRECTORY, else in a temporary one. Prints for each fault what found it. Exit status 1
when one is not found.
"""
import pathlib
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parents[2]
PAIRS = 100000

# What is wrong, in which file, and the texts that are replaced: each must be there once.
FAULTS = [
    ("the last rule that matches wins", "src/decide.c", [
        ("    RuleCursor cursor;\n", "    RuleCursor cursor;\n    bool found = false;\n"),
        ("rule_verdicts[rule->kind]);\n            return true;",
         "rule_verdicts[rule->kind]);\n            found = true;"),
        ("&policy->rules[policy->n_rules]);\n    return false;",
         "&policy->rules[policy->n_rules]);\n    return found;")]),
    ("max is what a number must be below", "src/policy/condition.c", [("number <= max &&", "number < max &&")]),
    ("a deny looks at the top members only", "src/policy/condition.c", [
        ("if (holds_below(trial, member))", "if (false && holds_below(trial, member))")]),
    ("a delegate hands nothing over", "src/decide.c", [("bool is_delegated = by_host.rule &&",
                                                        "bool is_delegated = false && by_host.rule &&")]),
    ("the first profile that has a say holds", "src/decide.c", [
        ("if (!found || decision.verdict < ret->verdict)", "if (!found)")]),
    ("of profiles that say the same the last holds", "src/decide.c", [
        ("decision.verdict < ret->verdict)", "decision.verdict <= ret->verdict)")]),
    ("a deny by user spares callers without one", "src/decide.c", [
        ("strcmp(wanted, known) == 0 : denies;", "strcmp(wanted, known) == 0 : false;")]),
    ("a domain may audit against the host's word", "src/decide.c", [(" && !host->enforces_domains;", ";")]),
    ("any native permission does", "src/decide.c", [("if (wanted & question->native_granted)",
                                                     "if (wanted && question->native_granted)")]),
    ("a pattern lets paths pass that step upwards", "src/policy/condition.c", [
        ("glob_is_literal(match) || !steps_up(text)", "true")]),
    ("one element of a list is enough to pass", "src/policy/condition.c", [
        ("if (holds == trial->denies)\n            return holds;", "if (holds)\n            return true;"),
        ("return !trial->denies && count > 0;", "return false;")]),
    ("an HMP line does not answer to human-monitor-command", "src/decide.c", [
        ("if (on_wrapper && text_matches", "if (false && on_wrapper && text_matches")]),
    ("an effect's condition on the object around is not asked", "src/catalog/effect.c", [
        ("condition->in_parent ? place.parent : place.object", "place.object")]),
]


def copy_to(directory):
    files = subprocess.run(["git", "ls-files"], cwd=REPO, check=True, capture_output=True, text=True).stdout.split()
    for name in files:
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((REPO / name).read_bytes())
        target.chmod((REPO / name).stat().st_mode)


def build(directory):
    if not (directory / "build/build.ninja").exists():
        subprocess.run(["meson", "setup", "build"], cwd=directory, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "--quiet", "-C", "build", "tests/model/ask"], cwd=directory, check=True,
                   stdout=subprocess.DEVNULL)


def compare(directory):
    """What is printed of the first difference; None: there is none. As in scripts/test."""
    return compare_part(directory, "--pairs", str(PAIRS)) or compare_part(directory, "--exhaustive")


def compare_part(directory, *part):
    command = ["/usr/bin/python3", REPO / "tests/model/compare.py", directory / "build/tests/model/ask", *part]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in result.stdout.splitlines() if line.startswith("model ")]
    if result.returncode and not lines:
        lines = result.stderr.splitlines()[-3:-2] or ["died"]
    return lines[0] if result.returncode else None


def try_fault(directory, file, replacements):
    path = directory / file
    sound = text = path.read_text()
    for old, new in replacements:
        if text.count(old) != 1:
            sys.exit(f"{file} has not once: {old}")
        text = text.replace(old, new)
    path.write_text(text)
    try:
        build(directory)
        return compare(directory)
    finally:
        path.write_text(sound)


def main(directory):
    missed = 0
    copy_to(directory)
    build(directory)
    if compare(directory):
        sys.exit("there is a difference without any fault")
    for what, file, replacements in FAULTS:
        found = try_fault(directory, file, replacements)
        missed += not found
        print(f"{'found' if found else 'MISSED'}: {what}: {found}", flush=True)
    print(f"{len(FAULTS) - missed} found, {missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(pathlib.Path(sys.argv[1])))
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(main(pathlib.Path(scratch)))
