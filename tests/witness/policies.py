# SPDX-License-Identifier: LGPL-2.1-or-later
"""The policies that the machines have in turn, and, in other words than the guard's, what each may let pass."""

import re

import catalogue

CUSTOM = """<policy>
  <deny command="query-version"/>
  <allow command="query-*"/>
  <allow command="qom-get"><argument name="path" prefix="/machine"/></allow>
  <allow command="qom-set"><argument name="property" value="none"/></allow>
  <allow command="device_add"><argument name="driver" match="none*"/></allow>
  <allow command="ringbuf-read"><argument name="size" max="4096"/></allow>
  <allow command="transaction"/>
  <allow command="abort"/>
  <allow channel="hmp" command="info *"/>
  <allow channel="hmp" command="print *"/>
  <allow channel="hmp" command="cont"/>
  <allow channel="hmp" command="qom-list"><argument name="path" prefix="/machine"/></allow>
  <allow channel="agent" command="guest-get-*"/>
  <allow channel="agent" command="guest-file-open"><argument name="mode" value="r"/></allow>
  <deny/>
</policy>"""

# Name: what is set as the domain's policy.
POLICIES = {
    "baseline": "<policy/>",
    "restricted": '<policy profile="restricted"/>',
    "observe": '<policy profile="observe"/>',
    "closed": '<policy profile="closed"/>',
    "custom": CUSTOM,
    "audit": '<policy profile="closed" mode="audit"/>',
    "open": "<policy><allow/></policy>",
}


def _is_below_machine(path):
    if isinstance(path, bytes):
        path = path.decode("utf-8", "replace")
    return isinstance(path, str) and re.fullmatch(r"/[./]*machine(/.*)?", path, re.DOTALL) is not None and \
        ".." not in path.split("/")


CUSTOM_RULES = [
    ("qmp", r"query-.*", lambda name, arguments: name != "query-version"),
    ("qmp", r"qom-get", lambda name, arguments: _is_below_machine(arguments.get("path"))),
    ("qmp", r"qom-set", lambda name, arguments: arguments.get("property") == "none"),
    ("qmp", r"device_add", lambda name, arguments: str(arguments.get("driver")).startswith("none")),
    ("qmp", r"ringbuf-read", lambda name, arguments: isinstance(arguments.get("size"), int)
     and arguments["size"] <= 4096),
    ("qmp", r"transaction|abort", lambda name, arguments: True),
    ("hmp", r"info .*|cont", lambda name, arguments: True),
    ("hmp", r"print", lambda name, arguments: True),
    ("hmp", r"qom-list", lambda name, arguments: _is_below_machine(arguments.get("path"))),
    ("agent", r"guest-get-.*", lambda name, arguments: True),
    ("agent", r"guest-file-open", lambda name, arguments: arguments.get("mode") == "r"),
]


def permits(policy, channel, name, arguments):
    """Whether @policy may let that pass. Says no less than what the guide promises, and never more."""
    groups = catalogue.COMMANDS[channel, name].groups if (channel, name) in catalogue.COMMANDS else None
    if policy in ("audit", "open"):
        return True
    if policy == "closed":
        return False
    if policy == "observe":
        return catalogue.is_only_reading(channel, name)
    if policy == "custom":
        return any(of == channel and re.fullmatch(pattern, name, re.DOTALL) and holds(name, arguments or {})
                   for of, pattern, holds in CUSTOM_RULES)
    if channel == "hmp" or name == "inject-nmi":        # baseline, restricted
        return False
    if policy == "restricted":
        return groups is not None and not any(
            re.match(r"@host|@guest-memory|@memory-dump|@credentials|@agent-user-auth|@monitor", group)
            for group in groups)
    return True
