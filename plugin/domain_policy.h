/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policies that domains carry, parsed once for each content: domains with the same
 * policy share one, and a policy that has not changed is not parsed again.
 */
#ifndef QG_DOMAIN_POLICY_H
#define QG_DOMAIN_POLICY_H

#include "policy/policy.h"

/*
 * The policy for a domain's metadata element @xml. Returns a new reference, or NULL
 * with the error; that a text is invalid is remembered too.
 */
Policy *domain_policy_get(const char *xml, PolicyError *ret_error);

#endif
