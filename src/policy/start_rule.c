/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start_rule.h"

#include "util/cleanup.h"
#include "util/path.h"

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

/* To refuse, a path also counts as what it is once its `..` are gone. */
static bool refused_value(const StartRule *rule, const char *value, size_t *budget)
{
    CLEANUP(mem) char *plain = *value == '/' ? path_normalised(value) : NULL;

    return condition_holds_text(&rule->value, true, value, budget) ||
           (plain && condition_holds_text(&rule->value, true, plain, budget)) || *budget == 0;
}

bool start_rule_matches(const StartRule *rule, int kind, const char *value, size_t *budget)
{
    if (rule->kind != ANY_FINDING && rule->kind != kind)
        return false;
    if (!rule->value.match && !rule->value.prefix)
        return true;
    if (rule->action == START_REFUSE)
        return refused_value(rule, value, budget);
    return condition_holds_text(&rule->value, false, value, budget);
}

void start_rule_clear(StartRule *rule)
{
    condition_clear(&rule->value);
    free(rule->id);
}
