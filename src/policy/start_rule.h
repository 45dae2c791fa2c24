/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a host policy does with what is found when a domain starts: the rules inside its
 * <start> element, of which the first that matches wins; behind them stand those of the
 * profile baseline.
 */
#ifndef QG_START_RULE_H
#define QG_START_RULE_H

#include "policy/condition.h"
#include "policy/finding_kind.h"

#include <stddef.h>

/* Zero refuses: a finding for which no rule says anything does so. */
typedef enum StartAction {
    START_REFUSE = 0,
    START_WARN,
    START_IGNORE,
    START_ACTION_COUNT,
} StartAction;

#define ANY_FINDING (-1)

typedef struct StartRule {
    StartAction action;
    int kind; /* a FindingKind, or ANY_FINDING */
    Condition value; /* match and prefix, on the finding's value */
    char *id; /* `baseline:network-monitor`, `host:argument#2` */
} StartRule;

const char *start_action_name(StartAction action);

/*
 * Does @rule match a finding of @kind with this @value? @budget as for glob_match(): when it
 * is used up, only a rule that refuses does.
 */
bool start_rule_matches(const StartRule *rule, int kind, const char *value, size_t *budget);

void start_rule_clear(StartRule *rule);

#endif
