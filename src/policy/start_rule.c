/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start_rule.h"

#include <stdlib.h>

static const char *const action_names[START_ACTION_COUNT] = {
    [START_REFUSE] = "refuse",
    [START_WARN] = "warn",
    [START_IGNORE] = "ignore",
};

const char *start_action_name(StartAction action)
{
    return action_names[action];
}

bool start_rule_matches(const StartRule *rule, int kind, const char *value, size_t *budget)
{
    bool refuses = rule->action == START_REFUSE;

    if (rule->kind != ANY_FINDING && rule->kind != kind)
        return false;
    if (!rule->value.match && !rule->value.prefix)
        return true;
    return condition_holds_text(&rule->value, refuses, value, budget) || (refuses && *budget == 0);
}

void start_rule_clear(StartRule *rule)
{
    condition_clear(&rule->value);
    free(rule->id);
}
