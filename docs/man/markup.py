# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plain words made into reStructuredText. A paragraph is one line here, however long."""
import re
import textwrap

# What reStructuredText would read as its own: quotes, links, URIs, addresses.
SPECIAL = re.compile(r"[\\*`|_]|:(?=\S)|(?<=\w)@")
# Code between backquotes, and options.
MARKED = re.compile(r"(`[^`]+`|(?<![\w-])--[a-z][a-z0-9-]*)")
TOKEN = re.compile(r"(?<!\S)-(?!\S)|-[A-Z]|--?[a-z][a-z0-9-]*|[A-Z][A-Z0-9-]*|[a-z0-9][a-z0-9-]*|\s+|.")


def escape(text):
    return SPECIAL.sub(r"\\\g<0>", text)


def plain(text):
    """Stands for itself, also at the start of a paragraph."""
    escaped = escape(text)
    return escaped if escaped[:1].isalpha() or escaped[:1] in ("", "\\") else "\\" + escaped


def mark(part):
    return f"``{part[1:-1]}``" if part[0] == "`" else f"**{part}**"


def sentence(text):
    """A paragraph, with the code and the options in it set off."""
    head, *rest = MARKED.split(" ".join(text.split()))
    marked = [mark(part) if i % 2 == 0 else escape(part) for i, part in enumerate(rest)]
    return r"\ ".join(part for part in (plain(head), *marked) if part)


def syntax(text):
    """Usage and options: words that are typed are bold, those in capitals stand for something."""
    def one(token):
        if token.isspace():
            return " "
        if re.match(r"[A-Z]", token):
            return f"*{token}*"
        return f"**{token}**" if re.match(r"-|[a-z0-9]", token) else escape(token)

    return r"\ ".join(one(token) for token in TOKEN.findall(text)).replace(r"\  \ ", " ")


def literal(text):
    """As it stands, within a line."""
    return f"``{text}``"


def definitions(items):
    """A list of terms, each with its paragraphs; all of them are markup already."""
    lines = []
    for term, *paragraphs in items:
        lines.append(term)
        lines.append("\n\n".join(textwrap.indent(paragraph, "    ") for paragraph in paragraphs))
        lines.append("")
    return "\n".join(lines)


def verbatim(text):
    return "::\n\n" + textwrap.indent(text.rstrip(), "  ") + "\n"


def subsection(title, *blocks):
    return "\n".join([plain(title), "-" * (len(title) + 8), "", *(block + "\n" for block in blocks)])
