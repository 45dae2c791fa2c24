# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a difference small: leaves out whatever it does not need."""
import copy
import json


def smaller_values(value):
    """A JSON value with one thing left out or made plain, in every way."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {other: kept for other, kept in value.items() if other != name}
            for small in smaller_values(inner):
                yield {**value, name: small}
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield value[:number] + value[number + 1:]
            for small in smaller_values(inner):
                yield value[:number] + [small] + value[number + 1:]


def smaller_policies(policy):
    if policy is None:
        return
    yield None
    for name in policy["attributes"]:
        small = copy.deepcopy(policy)
        del small["attributes"][name]
        yield small
    for number, rule in enumerate(policy["rules"]):
        yield {**policy, "rules": policy["rules"][:number] + policy["rules"][number + 1:]}
        for name in rule["attributes"]:
            small = copy.deepcopy(policy)
            del small["rules"][number]["attributes"][name]
            yield small
        for index, argument in enumerate(rule["arguments"]):
            small = copy.deepcopy(policy)
            del small["rules"][number]["arguments"][index]
            yield small
            for test in argument:
                if test != "name" and len(argument) > 2:
                    small = copy.deepcopy(policy)
                    del small["rules"][number]["arguments"][index][test]
                    yield small


def smaller_requests(request):
    channel, text = request
    if channel != "hmp":
        for document in smaller_values(json.loads(text)):
            if "execute" in document:
                yield [channel, json.dumps(document)]


def smaller_callers(caller):
    for name, value in caller.items():
        if value and name != "label":
            yield {**caller, name: [] if name == "groups" else None}


def smaller_cases(case):
    ways = (smaller_policies, smaller_policies, smaller_requests, smaller_callers,
            lambda native: ([other for other in native if other != one] for one in native))
    for number, way in enumerate(ways):
        for small in way(case[number]):
            yield case[:number] + (small,) + case[number + 1:]


def shrink(differing, *case):
    """What @differing says of the smallest case that still differs; None when it does not differ by itself."""
    found = differing(*case)
    is_smaller = bool(found)
    while is_smaller:
        is_smaller = False
        for small in smaller_cases(case):
            difference = differing(*small)
            if difference:
                case, found, is_smaller = small, difference, True
                break
    return found
