/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include "policy_internal.h"
#include "profile_data.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdict_names[VERDICT_COUNT] = {
    [VERDICT_DENY] = "deny", [VERDICT_AUDIT] = "audit", [VERDICT_GRANT] = "grant",
    [VERDICT_WARN] = "warn", [VERDICT_ALLOW] = "allow",
};

static const char *const rule_kind_names[RULE_KIND_COUNT] = {
    [RULE_DENY] = "deny",
    [RULE_WARN] = "warn",
    [RULE_ALLOW] = "allow",
    [RULE_DELEGATE] = "delegate",
};

static const char shipped_default[] = "<policy xmlns='" POLICY_NAMESPACE
                                      "' profile='baseline'><delegate/></policy>";

static const char empty_policy[] = "<policy xmlns='" POLICY_NAMESPACE "'/>";

static Policy *profiles[PROFILE_DATA_COUNT];
static Policy *empty;

Policy *policy_ref(Policy *policy)
{
    atomic_fetch_add(&policy->references, 1);
    return policy;
}

static void rule_clear(Rule *rule)
{
    for (size_t i = 0; i < rule->n_arguments; i++)
        condition_clear(&rule->arguments[i]);
    free(rule->arguments);
    free(rule->command);
    free(rule->group_name);
    free(rule->user);
    free(rule->unix_group);
    free(rule->sasl);
    free(rule->x509);
    free(rule->selinux);
    free(rule->record);
    free(rule->purpose);
    free(rule->id);
}

void policy_unref(Policy *policy)
{
    if (!policy || atomic_fetch_sub(&policy->references, 1) > 1)
        return;
    for (size_t i = 0; i < policy->n_rules; i++)
        rule_clear(&policy->rules[i]);
    free(policy->rules);
    for (size_t i = 0; i < policy->n_limits; i++)
        rule_clear(&policy->limits[i].rule);
    free(policy->limits);
    for (size_t i = 0; i < policy->n_start_rules; i++)
        start_rule_clear(&policy->start_rules[i]);
    free(policy->start_rules);
    rule_index_clear(&policy->index);
    free(policy->origin);
    free(policy);
}

/* The table lists a profile behind the one it builds on. One that fails stays NULL: unknown. */
static void load_profiles(void)
{
    for (size_t i = 0; i < PROFILE_DATA_COUNT; i++) {
        PolicyError error;

        profiles[i] = policy_parse_builtin(profile_data[i], &error);
    }
}

const char *policy_profile_name(size_t index)
{
    return index < PROFILE_DATA_COUNT && profiles[index] ? profiles[index]->origin : NULL;
}

static void load_empty(void)
{
    PolicyError error;

    empty = policy_parse(empty_policy, sizeof(empty_policy) - 1, POLICY_DOMAIN, &error);
}

const Policy *policy_empty(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, load_empty);
    return empty;
}

const Policy *policy_loaded_profile(const char *name)
{
    for (size_t i = 0; i < PROFILE_DATA_COUNT; i++) {
        if (profiles[i] && strcmp(profiles[i]->origin, name) == 0)
            return profiles[i];
    }
    return NULL;
}

const Policy *policy_profile(const char *name)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, load_profiles);
    return policy_loaded_profile(name);
}

Policy *policy_shipped_default(PolicyError *ret_error)
{
    return policy_parse(shipped_default, sizeof(shipped_default) - 1, POLICY_HOST, ret_error);
}

const char *verdict_name(Verdict verdict)
{
    return verdict_names[verdict];
}

int verdict_from_name(const char *name)
{
    for (int verdict = 0; verdict < VERDICT_COUNT; verdict++) {
        if (strcmp(verdict_names[verdict], name) == 0)
            return verdict;
    }
    return -1;
}

const char *rule_kind_name(RuleKind kind)
{
    return rule_kind_names[kind];
}
