# SPDX-License-Identifier: LGPL-2.1-or-later
"""What virt-qmp-guard says of itself with --help."""
import os
import re
import subprocess

import markup

NAME = re.compile(r"^ {12}virt-qmp-guard (\S+)", re.MULTILINE)
STATUS = re.compile(r"(\d) (.+?)(?:;|$)")


def ask(helper, *arguments):
    """The program's answer, the same in every locale."""
    answer = subprocess.run([helper, *arguments], check=True, capture_output=True, text=True,
                            env={**os.environ, "LC_ALL": "C"})
    return answer.stdout


def commands(helper):
    return NAME.findall(ask(helper, "--help"))


def parts(text):
    """
    A help's lines as (term, text): `  TERM  TEXT`, where TERM ends before two spaces or with its
    line. Lines without an indent are text with no term; lines with a deeper one go on.
    """
    found = []
    for line in filter(None, text.splitlines()):
        if re.match(r" {2}\S", line):
            term, *rest = re.split(r"\s{2,}", line.strip(), maxsplit=1)
            found.append([term, *rest])
        elif found and line.startswith(" "):
            found[-1].append(line.strip())
        else:
            found.append([None, line])
    for term, *rest in found:
        if not rest:
            raise ValueError(f"--help says nothing of '{term}': two spaces stand behind a term, or a new line")
        yield term, " ".join(rest)


def options(text):
    """The options of a help: lists, and the sentences between them."""
    blocks = []
    items = []
    for term, help_text in parts(text):
        if term:
            items.append((markup.syntax(term), markup.sentence(help_text)))
            continue
        if items:
            blocks.append(markup.definitions(items))
            items = []
        blocks.append(markup.sentence(help_text))
    if items:
        blocks.append(markup.definitions(items))
    return "\n\n".join(blocks)


def command(helper, name):
    """A command as a subsection: what it is, how it is called, its options."""
    head, _, rest = ask(helper, name, "--help").partition("\n\n")
    usage, summary = head.rsplit("\n", 1)
    usage = " ".join(usage.removeprefix("usage: ").split())
    return markup.subsection(name, markup.syntax(usage), markup.sentence(summary), options(rest))


def synopsis(helper):
    usage = ask(helper, "--help").partition("\n\n")[0]
    return markup.syntax(usage.removeprefix("usage: ")) + "\n"


def global_options(helper):
    block = next(block for block in ask(helper, "--help").split("\n\n") if "--help  " in block)
    return options(block)


def exit_status(helper):
    text = ask(helper, "--help").rpartition("exit status: ")[2]
    return markup.definitions((f"**{number}**", markup.sentence(meaning))
                              for number, meaning in STATUS.findall(" ".join(text.split())))


def lists(helper):
    return {
        "synopsis": synopsis(helper),
        "commands": "\n".join(command(helper, name) for name in commands(helper)),
        "options": global_options(helper),
        "exit-status": exit_status(helper),
    }
