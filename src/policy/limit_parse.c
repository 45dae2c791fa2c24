/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The <limit> elements of a policy: XML to limits. */
#include "policy_internal.h"

#include <stdlib.h>
#include <string.h>

/* `host:limit:@guest-power#1` */
static char *make_id(const Policy *policy, const Rule *rule)
{
    const char *what = rule->command ? rule->command : rule->group_name;
    char *id = NULL;

    if (asprintf(&id, "%s:limit:%s#%zu", policy->origin, what ? what : "*", policy->n_limits) < 0)
        return NULL;
    return id;
}

int policy_read_limit(PolicyReader *reader, xmlNodePtr node)
{
    Policy *policy = reader->policy;
    Limit *grown;
    Limit *limit;

    if (policy->kind == POLICY_PROFILE)
        return policy_fail_misplaced(reader, node,
                                     "<limit> belongs in a domain's or the host's policy");
    if (policy->n_limits == LIMITS_MAX)
        return policy_fail(reader, node, "more than %d limits", LIMITS_MAX);
    grown = realloc(policy->limits, (policy->n_limits + 1) * sizeof(*grown));
    if (!grown)
        return policy_fail_memory(reader);
    policy->limits = grown;
    limit = &policy->limits[policy->n_limits++];
    *limit = (Limit){0};
    /* It counts what a <deny> would stop: what is unclear counts. */
    limit->rule.kind = RULE_DENY;
    if (policy_read_conditions(reader, node, limit_attributes, &limit->rule) < 0)
        return -1;
    if (limit->count == 0 || limit->seconds == 0)
        return policy_fail(reader, node, "<limit> needs the attributes 'count' and 'per'");
    limit->rule.id = make_id(policy, &limit->rule);
    return limit->rule.id ? 0 : policy_fail_memory(reader);
}
