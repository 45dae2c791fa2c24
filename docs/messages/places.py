# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the texts in the C sources are for, by the place where they stand: what scan.py cannot see for itself."""
import fnmatch
import re

FOLDERS = ("src", "plugin", "hooks")
# What says something by `echo`: the unit's drop-in, and what the packages run.
SCRIPTS = ("plugin/systemd/*.in", "debian/*.p*", "*.spec")

# Functions that say a text as it is, and the place of that text. Those that say a format are found by their
# declaration.
SAYING = {
    "complain_null": 1, "could_not": 1, "learned_leave_out": 2, "libvirt_failed": 1, "refuse": 1, "refuse_token": 1,
    "report": 1, "syslog": 1, "take_mark": 2, "write_complaint": 0,
}
# Functions with a format whose place says what they are for; and comments in a policy that was learned.
NOT_SAYING = {"comment", "output_remark"}
# What a check says that passes.
FINE = {"found": "CHECK_PASS"}
# Calls whose arguments are as if they stood there themselves.
TRANSPARENT = {"if", "while", "for", "switch", "return"}

# Macros that are conversions, and those that meson defines.
FORMATS = {f"PRI{kind}{bits}": "l" + kind for kind in "diuxX" for bits in ("64", "32", "MAX")}
MACROS = {
    "GRANTS_PATH": "/run/libvirt/qmp-guard/grants",
    "HOOK_PATH": "/etc/libvirt/hooks/qemu.d/50-qmp-guard",
    "HOST_POLICY_PATH": "/etc/libvirt/qmp-guard/policy.xml",
    "JUDGE_NAME": "qmp-guard-judge",
    "LIBVIRT_ETC": "/etc/libvirt",
    "PLUGIN_PATH": "PLUGIN",
    "TRAIL_PATH": "/var/log/libvirt/qmp-guard/audit.log",
}

# Not for people: what a file of grants begins with.
MAGIC = "qmp-guard grants"

# What takes the place of another text when that could not be had.
LAST_RESORTS = {"out of memory", "?"}

# The words that stand for values, by the last name in the expression, where that name is no good one.
WORDS = {
    "argv": "WORD", "choice_tell": "WORD, WORD or WORD", "tell_actions": "WORD, WORD or WORD", "at": "CHARACTER", "columns": "WORD", "emulator": "PATH", "encoded": "NAME",
    "failure": "REASON", "fields": ": …", "further": ", …", "grant_obstacle_name": "STATE",
    "grant_standing_name": "STATE", "group_name": "GROUP", "head_path": "PATH", "help": "REASON",
    "helper_libvirt_remedy": "[: REMEDY]", "helper_policy_error": "REASON", "host_failure": "REASON",
    "items": "WORD", "json_object_get_string": "TEXT", "kind_names": "KIND", "last_file": "FILE", "names": "NAME",
    "nearest_hint": "[; did you mean 'WORD'?]", "optarg": "WORD", "problem_file": "FILE", "remedy_in": "[: REMEDY]",
    "row_member": "MEMBER", "strerror": "ERROR", "told": "REASON", "virDomainGetName": "DOMAIN",
    "virGetLastErrorMessage": "LIBVIRT'S ERROR", "wanted": "DOMAIN", "why": "REASON", "words": "WORD",
    "wrong": "REASON", "xml_failure": "REASON",
}

# Of what has a `text`, that which says why.
REASONS = {"news", "reason", "what", "why"}

# Texts that only stand around another one, which is told by itself.
AROUND = {
    "WHAT at byte N", "WHERE:LINE: warning: REASON", "audit: REASON", "domain 'NAME': REASON", "grant ID: REASON",
    "line LINE: REASON", "qmp-guard: MESSAGE", "qmp-guard: REASON", "virt-qmp-guard: ",
}

MESSAGE, OTHER = "message", "other"

# Functions that compare or take apart what they are given, or name something.
NO_SPEECH = {
    "comment", "ends_with", "fail_policy", "json_object_new_string", "labelled", "memcmp", "memcpy", "next_piece",
    "sizeof", "skip_word", "sscanf", "static_assert", "strchr", "strcmp", "strcspn", "strftime", "strlen",
    "strncmp", "strptime", "strspn", "strstr", "strtok_r", "table_add_text", "xmlTextWriterSetIndentString",
    "xmlTextWriterWriteFormatComment",
}

# Where, the function (empty: a table, a return value, an assignment), what the text looks like, and what it is then.
PLACES = [
    # Lines of the logs and members of records: docs/audit.md.
    ("src/audit/*", "*", "", OTHER),
    ("src/helper/trail/text_line.c", "", r"^(QMP|VM|domain policy) |^it is $", OTHER),
    ("src/grant/grant.c", "", "", OTHER),
    ("src/grant/grant_store.c", "", "", OTHER),
    # Answers on standard output, and --help: the guides and the manuals show them.
    ("src/helper/main.c", "", "", OTHER),
    ("src/helper/main.c", "f*", "", OTHER),
    ("src/helper/main.c", "printf", "", OTHER),
    ("src/helper/answer.c", "*", "", OTHER),
    ("src/helper/check_start.c", "printf", "", OTHER),
    ("src/helper/c*.c", "", "", OTHER),
    ("src/helper/catalog.c", "output_remark", "", OTHER),
    ("src/helper/check.c", "asprintf", "", OTHER),
    ("src/helper/helper.c", "asprintf", "", OTHER),
    ("src/helper/grants/grant_row.c", "*", "", OTHER),
    ("src/helper/grants/*.c", "output_remark", "^no grants", OTHER),
    ("src/helper/*.c", "helper_is_here", "", OTHER),
    ("src/helper/host/own_file.c", "asprintf", "", OTHER),
    ("src/helper/host/disable.c", "", "^no VM", OTHER),
    ("src/helper/host/*.c", "output_remark", "^  nothing", OTHER),
    ("src/helper/policies/policy_command.c", "*", "", OTHER),
    ("src/helper/policies/policy_learn.c", "*printf", "", OTHER),
    ("src/helper/policies/policy_replay.c", "*", "", OTHER),
    ("src/helper/policies/policy_test.c", "output_remark", "", OTHER),
    ("src/helper/policies/rejudge.c", "", "", OTHER),
    ("src/helper/status/report.c", "printf", "", OTHER),
    ("src/helper/status/status.c", "", "", OTHER),
    ("src/helper/trail/command.c", "", "", OTHER),
    ("src/helper/trail/print.c", "*", "", OTHER),
    ("src/helper/trail/row.c", "snprintf", "", OTHER),
    ("src/helper/trail/row.c", "", "^policy ", OTHER),
    ("src/helper/trail/summary.c", "*", "", OTHER),
    ("src/helper/trail/verify.c", "*", r"^%s(:%\w+)?: (%s|records)|^sound", OTHER),

    # Words that other messages are made of.
    ("*", "*", "^out of memory$", OTHER),
    ("src/*_xml.c", "", "^not XML", OTHER),
    ("src/policy/policy_parse.c", "", "^not XML|^, <limit>", OTHER),
    ("src/policy/policy.c", "", "^<policy", OTHER),
    ("src/policy/finding_kind.c", "", "^the (path|option and its value|socket's path|variable|element)$", OTHER),
    ("src/start/command_line.c", "", "", OTHER),
    ("src/util/choice.c", "", "^ or $", OTHER),
    ("src/util/nearest.c", "snprintf", "", OTHER),
    ("src/util/*.c", "", r"\(deleted\)", OTHER),
    # What is said by other means than a function of ours.
    ("hooks/judge.c", "", "", MESSAGE),
    ("plugin/passthrough.c", "", "", MESSAGE),
    ("plugin/plugin.c", "snprintf", "", MESSAGE),
    ("src/guard.c", "asprintf", "", MESSAGE),
    ("src/start/start.c", "asprintf", "", MESSAGE),
    ("src/start/start.c", "make_message", "", MESSAGE),
    ("src/lib/judge.c", "", "", MESSAGE),
    ("src/policy/policy_file.c", "", "", MESSAGE),
    ("src/policy/finding_kind.c", "", "", MESSAGE),
    ("src/helper/grants/give.c", "printf", "", MESSAGE),
    ("src/helper/domain.c", "", "", MESSAGE),
    ("src/helper/host/*.c", "output_remark", "", MESSAGE),
    ("src/helper/host/*.c", "printf", "", MESSAGE),
    ("src/helper/trail/verify.c", "output_remark", "", MESSAGE),
    ("src/helper/policies/policy_test.c", "printf", "", MESSAGE),
    ("src/helper/status/*.c", "", "", MESSAGE),
    ("src/helper/trail/*_line.[ch]", "", "", MESSAGE),
    ("src/helper/trail/re*.c", "", "", MESSAGE),
    ("src/helper/trail/row.c", "", "", MESSAGE),
    ("src/helper/trail/verify.c", "printf", "", MESSAGE),
]


class Places:
    """The tables above; each row of them has to be of use."""

    def __init__(self):
        self.unused = dict.fromkeys(PLACES)
        self.not_around = set(AROUND)

    def kind(self, path, function, text):
        if function in NO_SPEECH:
            return OTHER
        for row in PLACES:
            where, name, pattern, kind = row
            if fnmatch.fnmatchcase(path, where) and fnmatch.fnmatchcase(function, name) and re.search(pattern, text):
                self.unused.pop(row, None)
                return kind
        return None

    def is_around(self, text):
        self.not_around.discard(text)
        return text in AROUND
