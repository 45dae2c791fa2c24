# SPDX-License-Identifier: LGPL-2.1-or-later
"""The decision a second time, written from docs/ and the tables alone: see docs/model.md.

A Policy is made of XML, an Operation of what a text asks for; judge() says the verdict and the rule.
"""
import collections
import json
import pathlib
import xml.etree.ElementTree as ElementTree

from catalog import Catalog, glob, scalar_text
from conditions import Condition, is_pattern, steps_up

NAMESPACE = "{urn:qmp-guard:policy:1}"
NO_RULES = [NAMESPACE + "start", NAMESPACE + "limit"]
PROFILES = pathlib.Path(__file__).resolve().parents[2] / "xml" / "profiles"
# From strict to loose.
DENY, AUDIT, WARN, ALLOW = range(4)
VERDICTS = ["deny", "audit", "warn", "allow"]
DELEGATE = "delegate"
LOUDNESS = ["safe", "unknown", "privileged", "memory-dump", "dangerous"]
HMP_COMMAND = "human-monitor-command"

catalog = Catalog()


class Operation:
    """One thing that a text asks for, as the decision sees it."""

    def __init__(self, channel, name, command, arguments, expanded, wrapper):
        self.channel, self.name, self.command = channel, name, command
        self.arguments = arguments or {}
        self.expanded = expanded if expanded is not None else self.arguments
        self.wrapper = wrapper or {}
        self.command_class, self.groups, self.native = catalog.classify(channel, name, self.expanded)
        self.by_profile = {}


def nested(value):
    """What a `json:` name holds, with its dotted names taken apart: `file.filename` is a member of `file`."""
    if isinstance(value, list):
        return [nested(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    ret = {}
    for name, inner in value.items():
        *way, last = name.split(".")
        where = ret
        for step in way:
            where = where.setdefault(step, {})
        where[last] = nested(inner)
    return ret


def read_names(value):
    """The value with every `json:` name in it read, as deep as they go."""
    if isinstance(value, dict):
        return {name: read_names(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [read_names(inner) for inner in value]
    if isinstance(value, str) and value.startswith("json:"):
        return read_names(nested(json.loads(value.removeprefix("json:"))))
    return value


def operations_of(channel, text, read):
    """The operations of a text. HMP lines are taken from @read, the guard's own reading; JSON is read here."""
    if channel == "hmp":
        return [from_reading(read[0])]
    document = json.loads(text)
    name, arguments = document["execute"], document.get("arguments", {})
    if channel == "qmp" and name == HMP_COMMAND:
        return [from_reading(read[0])]
    # To the agent a text is a text: `json:` is a thing of QEMU's block layer.
    expanded = read_names(arguments) if channel == "qmp" else arguments
    ret = [Operation(channel, name, name, arguments, expanded, None)]
    if channel == "qmp" and name == "transaction":
        for action in arguments.get("actions", []):
            data = action.get("data", {})
            ret.append(Operation(channel, action["type"], action["type"], data, read_names(data), None))
    return ret


def from_reading(read):
    return Operation(read["channel"], read["name"], read["command"], read["arguments"], read["expanded"],
                     read["wrapper"])


def caller_test(key, wanted, denies):
    """The caller is known by such a name, and it is that. To deny, one that is not known by such a name is it too."""
    if key == "unix-group":
        if denies:
            return lambda caller: wanted in caller.get("groups", ()) or caller.get("user") is None
        return lambda caller: caller.get("user") is not None and wanted in caller.get("groups", ())
    same = glob(wanted) if key == "selinux" else lambda text: text == wanted
    if denies:
        return lambda caller: caller.get(key) is None or bool(same(caller[key]))
    return lambda caller: caller.get(key) is not None and bool(same(caller[key]))


class Rule:
    def __init__(self, element, policy, number):
        self.kind = element.tag.removeprefix(NAMESPACE)
        self.passes = self.kind not in ("deny", "limit")
        attributes = dict(element.attrib)
        self.command = attributes.get("command")
        self.channel = attributes.get("channel") or ("qmp" if self.command else None)
        self.groups = catalog.members(attributes["group"]) if "group" in attributes else None
        self.requires_native = attributes.get("require") == "native"
        self.conditions = [Condition(inner.attrib, self.passes) for inner in element]
        self.caller_tests = [caller_test(key, attributes[key], not self.passes)
                             for key in ("user", "unix-group", "sasl", "x509", "selinux") if key in attributes]
        self.matches_command = glob(self.command) if self.command else None
        self.matches_wrapper = bool(self.command and self.channel == "qmp" and self.matches_command(HMP_COMMAND))
        self.count = int(attributes.get("count", 0))
        what = self.command or attributes.get("group")
        what = f"limit:{what or '*'}" if self.kind == "limit" else what or self.kind
        self.id = f"{policy.origin}:{what}" + ("" if policy.name else f"#{number}")

    def matches_operation(self, operation):
        """All that does not depend on who asks."""
        if self.groups is not None and not self.groups & operation.groups:
            return False
        if self.channel is None or self.channel == operation.channel:
            if self.command is None or self.matches_name(operation):
                return all(condition.holds(operation.arguments, operation.expanded) for condition in self.conditions)
            return False
        return (operation.channel == "hmp" and self.matches_wrapper and
                all(condition.holds(operation.wrapper, operation.wrapper) for condition in self.conditions))

    def matches_name(self, operation):
        if not self.matches_command(operation.command):
            return False
        return not (self.passes and operation.channel == "hmp" and is_pattern(self.command) and
                    steps_up(operation.command))

    def matches_caller(self, caller):
        return all(test(caller) for test in self.caller_tests)


class Policy:
    """@origin: how records name it, when it is no profile. @behind: the profile for one that names no full one."""

    def __init__(self, text, origin=None, behind="baseline"):
        root = ElementTree.fromstring(text)
        self.name = root.get("name")
        self.origin = self.name or origin
        self.mode = root.get("mode", "enforce")
        self.domain_mode = root.get("domain-mode", "any")
        self.otherwise = VERDICTS.index(root.get("default")) if "default" in root.attrib else None
        self.profiles = [profile(name) for name in root.get("profile", "").split()]
        self.is_complete = self.otherwise is not None or any(inner.is_complete for inner in self.profiles)
        if not self.name and not self.is_complete:
            self.profiles.append(profile(behind))
        self.rules = self._rules(inner for inner in root if inner.tag not in NO_RULES)
        self.limits = self._rules(root.iter(NAMESPACE + "limit"))

    def _rules(self, elements):
        return [Rule(element, self, number) for number, element in enumerate(elements, 1)]

    def candidates(self, operation):
        """The rules that match as far as the operation goes."""
        if not self.name:
            return (rule for rule in self.rules if rule.matches_operation(operation))
        # Profiles are the same for all policies: what matches there is worth keeping.
        if self.name not in operation.by_profile:
            operation.by_profile[self.name] = [rule for rule in self.rules if rule.matches_operation(operation)]
        return operation.by_profile[self.name]

    def decide(self, operation, caller, native, has_domain=False):
        """(verdict, rule's id); None when the policy has no say. A host's verdict may be DELEGATE."""
        for rule in self.candidates(operation):
            if not rule.matches_caller(caller):
                continue
            if rule.kind == DELEGATE and not has_domain:
                continue
            if rule.requires_native and not operation.native & native:
                return DENY, rule.id
            if rule.kind == DELEGATE:
                return DELEGATE, rule.id
            return VERDICTS.index(rule.kind), rule.id
        said = [answer for answer in (inner.decide(operation, caller, native) for inner in self.profiles) if answer]
        if said:
            return min(said, key=lambda answer: answer[0])
        return None if self.otherwise is None else (self.otherwise, f"{self.origin}:default")


profiles = {}


def profile(name):
    if name not in profiles:
        profiles[name] = Policy((PROFILES / f"{name}.xml").read_text())
    return profiles[name]


SHIPPED = '<policy xmlns="urn:qmp-guard:policy:1" profile="baseline"><delegate/></policy>'


class Judge:
    """A host's and a domain's policy, as XML; None: there is none."""

    def __init__(self, host, domain, is_confidential=False):
        self.host = Policy(host or SHIPPED, "host")
        behind = "confidential" if is_confidential else "baseline"
        if domain is None and is_confidential:
            domain = '<policy xmlns="urn:qmp-guard:policy:1"/>'
        self.domain = Policy(domain, "domain", behind) if domain is not None else None
        self.passed = collections.Counter()
        self.audits_host = self.host.mode == "audit"
        self.audits_domain = bool(self.domain and self.domain.mode == "audit" and self.host.domain_mode != "enforce")

    def judge_operation(self, operation, caller, native):
        verdict, rule = self.host.decide(operation, caller, native, self.domain is not None)
        if verdict == DENY and self.audits_host:
            verdict = AUDIT
        if not self.domain:
            return verdict, rule
        other, other_rule = self.domain.decide(operation, caller, native)
        if other == DENY and self.audits_domain:
            other = AUDIT
        if verdict == DELEGATE or other < verdict:
            return other, other_rule
        return verdict, rule

    def judge(self, operations, caller, native):
        """(verdict, rule's id) of a text: of its strictest operation, and of several such of the loudest one."""
        said = [(*self.judge_operation(operation, caller, native), LOUDNESS.index(operation.command_class))
                for operation in operations]
        verdict, rule, _ = min(said, key=lambda answer: (answer[0], -answer[2]))
        return VERDICTS[verdict], rule

    def judge_counted(self, operations, caller, native):
        """The same, with the limits: what passed is counted for each caller apart."""
        verdict, rule = self.judge(operations, caller, native)
        if verdict == "deny":
            return verdict, rule
        # Those of a policy that audits are counted apart.
        for audits in (False, True):
            over = self._take([limit for policy, audited in ((self.host, self.audits_host),
                                                             (self.domain, self.audits_domain))
                               if policy and audited == audits for limit in policy.limits], operations, caller)
            if over:
                return ("audit" if audits else "deny"), over
        return verdict, rule

    def _take(self, limits, operations, caller):
        """Counts the operations for all the limits, or for none: then the id of the first that is over."""
        taken = {}
        for limit in limits:
            amount = sum(limit.matches_operation(operation) for operation in operations)
            if amount and limit.matches_caller(caller):
                key = limit, caller["label"]
                if self.passed[key] + amount > limit.count:
                    return limit.id
                taken[key] = amount
        self.passed.update(taken)
        return None
