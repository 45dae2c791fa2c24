/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a policy says and hardly means. */
#ifndef QG_POLICY_LINT_H
#define QG_POLICY_LINT_H

#include "policy/policy.h"

/* True, with what to say, when a valid rule is hardly what its author meant. */
bool lint_rule(const Rule *rule, Reason *ret);

#endif
