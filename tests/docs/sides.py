# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two places that list the same."""


def differences(rows):
    """@rows: a title, what the first place has (something, at least), and the second. In a list the order counts."""
    for title, first, second in rows:
        if not first:
            yield f"{title}: the first has none"
        elif first != second:
            lacking = [sorted(set(one) - set(other)) for one, other in ((first, second), (second, first))]
            yield f"{title}: only the first has {lacking[0]}, only the second {lacking[1]}" \
                + ("" if any(lacking) else ": another order")
