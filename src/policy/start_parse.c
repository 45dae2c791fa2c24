/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The <start> element of a host policy: XML to start rules. */
#include "policy_internal.h"

#include "util/nearest.h"

#include <stdlib.h>
#include <string.h>

/* One for each kind of finding, and room for many sockets and emulators. */
#define START_RULES_MAX 1000

static int action_from_name(const char *name)
{
    for (int action = 0; action < START_ACTION_COUNT; action++) {
        if (strcmp(start_action_name((StartAction)action), name) == 0)
            return action;
    }
    return -1;
}

/* `host:network-monitor#2`; a profile's rules are not numbered. */
static char *make_id(const Policy *policy, const StartRule *rule)
{
    const char *what = rule->kind == ANY_FINDING ? "start"
                                                 : finding_info((FindingKind)rule->kind)->name;
    char *id = NULL;
    int length;

    if (policy->kind == POLICY_PROFILE)
        length = asprintf(&id, "%s:%s", policy->origin, what);
    else
        length = asprintf(&id, "%s:%s#%zu", policy->origin, what, policy->n_start_rules);
    return length < 0 ? NULL : id;
}

static int read_start_rule(PolicyReader *reader, xmlNodePtr node, StartRule *rule)
{
    int action = action_from_name((const char *)node->name);
    bool failed = false;

    if (action < 0)
        return policy_fail(reader, node,
                           "unknown element <%s>: <start> has <refuse>, <warn>, <ignore>",
                           node->name);
    rule->action = (StartAction)action;
    if (policy_read_attributes(reader, node, start_attributes, rule) < 0)
        return -1;
    if ((rule->value.match || rule->value.prefix) &&
        (rule->kind == ANY_FINDING || !finding_info((FindingKind)rule->kind)->value))
        return policy_fail(reader, node, "'match' and 'prefix' need a 'finding' that has a value");
    if (policy_next_element(reader, node->children, &failed) || failed)
        return failed
                   ? -1
                   : policy_fail(reader, node->children, "<%s> has nothing inside it", node->name);
    rule->id = make_id(reader->policy, rule);
    return rule->id ? 0 : policy_fail_memory(reader);
}

int policy_read_start(PolicyReader *reader, xmlNodePtr start)
{
    Policy *policy = reader->policy;
    bool failed = false;

    if (policy->kind == POLICY_DOMAIN)
        return policy_fail_misplaced(reader, start, "<start> belongs in a host policy");
    if (policy->start_rules)
        return policy_fail(reader, start, "a second <start>");
    if (start->properties)
        return policy_fail(reader, start, "unknown attribute '%s' of <start>",
                           start->properties->name);
    policy->start_rules = calloc(START_RULES_MAX, sizeof(*policy->start_rules));
    if (!policy->start_rules)
        return policy_fail_memory(reader);
    for (xmlNodePtr node = policy_next_element(reader, start->children, &failed); node;
         node = policy_next_element(reader, node->next, &failed)) {
        StartRule *rule;

        if (policy->n_start_rules == START_RULES_MAX)
            return policy_fail(reader, node, "more than %d rules in <start>", START_RULES_MAX);
        rule = &policy->start_rules[policy->n_start_rules++];
        rule->kind = ANY_FINDING;
        if (read_start_rule(reader, node, rule) < 0)
            return -1;
    }
    return failed ? -1 : 0;
}
