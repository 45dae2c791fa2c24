/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decide.h"

#include "util/glob.h"
#include "util/path.h"

#include <stdio.h>
#include <string.h>

/*
 * How many steps one decision may take: of globs, and of rules tried. The author of a
 * policy may be the one it restricts, and a text may hold thousands of operations; when
 * this is used up the text is denied. About 0.1 s at worst.
 */
#define WORK_BUDGET ((size_t)20000000)

/* The QMP command that carries HMP lines, and whose rules they also match. */
#define WRAPPER "human-monitor-command"

static const Verdict rule_verdicts[RULE_KIND_COUNT] = {
    [RULE_DENY] = VERDICT_DENY,
    [RULE_WARN] = VERDICT_WARN,
    [RULE_ALLOW] = VERDICT_ALLOW,
    [RULE_DELEGATE] = VERDICT_DENY, /* never used: a delegate has no verdict of its own */
};

/* The state of one decide() call. */
typedef struct Judge {
    const Question *question;
    const Operation *operation;
    size_t budget;
} Judge;

/* A pattern lets nothing pass that steps upwards; to deny, it matches all the same. */
static bool text_matches(Judge *judge, const Rule *rule, const char *pattern, const char *text)
{
    return glob_match(pattern, text, &judge->budget) == GLOB_YES &&
           (rule->kind == RULE_DENY || glob_is_literal(pattern) || !steps_up(text));
}

/* An HMP line also answers to the QMP command that carries it. */
static bool is_named_by(Judge *judge, const Rule *rule, bool *ret_as_wrapper)
{
    const Operation *operation = judge->operation;
    bool on_channel = rule->channels & (1u << operation->channel);
    bool on_wrapper = operation->channel == CHANNEL_HMP && rule->command &&
                      rule->channels & (1u << CHANNEL_QMP);

    *ret_as_wrapper = false;
    if (on_channel &&
        (!rule->command || text_matches(judge, rule, rule->command, operation->command)))
        return true;
    if (on_wrapper && text_matches(judge, rule, rule->command, WRAPPER))
        return *ret_as_wrapper = true;
    return false;
}

static bool is_in_unix_group(const Caller *caller, const char *group)
{
    for (size_t i = 0; i < caller->n_unix_groups; i++) {
        if (strcmp(caller->unix_groups[i], group) == 0)
            return true;
    }
    return false;
}

static bool arguments_hold(Judge *judge, const Rule *rule, bool as_wrapper)
{
    const Operation *operation = judge->operation;
    json_object *arguments = as_wrapper ? operation->wrapper_arguments : operation->arguments;
    json_object *expanded = as_wrapper ? arguments : operation->expanded;

    for (size_t i = 0; i < rule->n_arguments; i++) {
        /* The agent's arguments are what they are. */
        if (!condition_holds(&rule->arguments[i], rule->kind == RULE_DENY, arguments,
                             expanded ? expanded : arguments, &judge->budget))
            return false;
    }
    return true;
}

static bool rule_matches(Judge *judge, const Rule *rule)
{
    const Operation *operation = judge->operation;
    const Caller *caller = judge->question->caller;
    bool as_wrapper;

    if (rule->groups && !(rule->groups & operation->is.groups))
        return false;
    if (!is_named_by(judge, rule, &as_wrapper))
        return false;
    if (rule->user && (!caller->user || strcmp(rule->user, caller->user) != 0))
        return false;
    if (rule->unix_group && !is_in_unix_group(caller, rule->unix_group))
        return false;
    return arguments_hold(judge, rule, as_wrapper);
}

/* The work is used up while @rule is tried: nobody knows whether it would have matched. */
static Decision give_up(const Judge *judge, const Policy *policy, const Rule *rule)
{
    return (Decision){.verdict = VERDICT_DENY,
                      .operation = judge->operation,
                      .rule = rule,
                      .policy = policy,
                      .gave_up = true};
}

static Decision make_decision(const Judge *judge, const Policy *policy, const Rule *rule,
                              Verdict verdict)
{
    return (Decision){
        .verdict = verdict, .operation = judge->operation, .rule = rule, .policy = policy};
}

static Decision softened(Decision decision, bool audits)
{
    if (decision.verdict == VERDICT_DENY && audits)
        decision.verdict = VERDICT_AUDIT;
    return decision;
}

/* What trying a rule costs beside its globs: a little, but there may be many. */
static size_t rule_cost(const Judge *judge, const Rule *rule)
{
    return rule->cost + (rule->unix_group ? judge->question->caller->n_unix_groups : 0);
}

/* Takes @cost off the budget; false, and nothing is left, when it does not suffice. */
static bool spend(Judge *judge, size_t cost)
{
    judge->budget -= cost < judge->budget ? cost : judge->budget;
    return judge->budget > 0;
}

static void tell(const Judge *judge, const Policy *policy, const Rule *rule, bool matched)
{
    const Question *question = judge->question;

    if (question->observer)
        question->observer(question->observer_data, judge->operation, policy, rule, matched);
}

/* The index leaves out rules that cannot match; who listens hears of them all the same. */
static void tell_unmatched(const Judge *judge, const Policy *policy, const Rule *from,
                           const Rule *to)
{
    for (; judge->question->observer && from < to; from++)
        tell(judge, policy, from, false);
}

/*
 * The first of the policy's own rules that matches. Returns false when none does.
 * Without a domain policy a <delegate> hands over to nobody, so the reading goes on
 * behind it.
 */
static bool try_rules(Judge *judge, const Policy *policy, Decision *ret)
{
    const Operation *operation = judge->operation;
    const char *wrapper = operation->channel == CHANNEL_HMP ? WRAPPER : NULL;
    const Rule *untold = policy->rules;
    RuleCursor cursor;

    rule_cursor_start(&cursor, policy, operation->command, wrapper, judge->question->ignores_index);
    for (const Rule *rule = rule_cursor_next(&cursor); rule; rule = rule_cursor_next(&cursor)) {
        bool matched = spend(judge, rule_cost(judge, rule)) && rule_matches(judge, rule);

        if (judge->budget == 0) {
            *ret = give_up(judge, policy, rule);
            return true;
        }
        tell_unmatched(judge, policy, untold, rule);
        tell(judge, policy, rule, matched);
        untold = rule + 1;
        if (matched && (rule->kind != RULE_DELEGATE || judge->question->domain)) {
            *ret = make_decision(judge, policy, rule, rule_verdicts[rule->kind]);
            return true;
        }
    }
    tell_unmatched(judge, policy, untold, policy->rules + policy->n_rules);
    return false;
}

static bool try_policy(Judge *judge, const Policy *policy, Decision *ret);

/* Several profiles are read side by side: the strictest that has a say holds. */
static bool try_profiles(Judge *judge, const Policy *const *profiles, size_t count, Decision *ret)
{
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        Decision decision;

        if (!try_policy(judge, profiles[i], &decision))
            continue;
        if (!found || decision.verdict < ret->verdict)
            *ret = decision;
        found = true;
        if (decision.gave_up)
            break;
    }
    return found;
}

/* Rules, then profiles, then the default. Returns false when the policy has no say. */
static bool try_policy(Judge *judge, const Policy *policy, Decision *ret)
{
    if (try_rules(judge, policy, ret) ||
        try_profiles(judge, policy->profiles, policy->n_profiles, ret))
        return true;
    if (!policy->has_default)
        return false;
    *ret = make_decision(judge, policy, NULL, policy->otherwise);
    return true;
}

/* A policy whose profiles leave something open rests on @fallback, NULL being baseline. */
static Decision first_match(Judge *judge, const Policy *policy, const Policy *fallback)
{
    const Policy *profiles[POLICY_PROFILES_MAX + 1];
    size_t count = policy->n_profiles;
    Decision decision;

    memcpy(profiles, policy->profiles, count * sizeof(*profiles));
    if (!fallback)
        fallback = policy_profile("baseline");
    if (!policy->is_complete && fallback)
        profiles[count++] = fallback;
    if (try_rules(judge, policy, &decision) || try_profiles(judge, profiles, count, &decision))
        return decision;
    return make_decision(judge, policy, NULL, VERDICT_DENY);
}

static Decision decide_operation(Judge *judge)
{
    const Policy *host = judge->question->host;
    const Policy *domain = judge->question->domain;
    bool domain_audits = domain && domain->mode == MODE_AUDIT && !host->enforces_domains;
    Decision by_host = first_match(judge, host, NULL);
    Decision by_domain;
    bool is_delegated = by_host.rule && by_host.rule->kind == RULE_DELEGATE;

    if (by_host.gave_up)
        return by_host;
    by_host = softened(by_host, host->mode == MODE_AUDIT);
    if (!domain)
        return by_host;
    by_domain = first_match(judge, domain, judge->question->domain_profile);
    if (by_domain.gave_up)
        return by_domain;
    by_domain = softened(by_domain, domain_audits);
    return is_delegated || by_domain.verdict < by_host.verdict ? by_domain : by_host;
}

/* Of two with the same verdict the louder one goes on record; unknown is louder than safe. */
static bool is_stricter(const Decision *a, const Decision *b)
{
    static const int loudness[CLASS_COUNT] = {[CLASS_SAFE] = 0,
                                              [CLASS_UNKNOWN] = 1,
                                              [CLASS_PRIVILEGED] = 2,
                                              [CLASS_MEMORY_DUMP] = 3,
                                              [CLASS_DANGEROUS] = 4};

    if (a->verdict != b->verdict)
        return a->verdict < b->verdict;
    return loudness[a->operation->is.command_class] > loudness[b->operation->is.command_class];
}

Decision decide(const Question *question)
{
    Judge judge = {.question = question, .budget = WORK_BUDGET};
    Decision strictest = {0};

    for (size_t i = 0; i < question->request->n_operations; i++) {
        Decision decision;

        judge.operation = &question->request->operations[i];
        decision = decide_operation(&judge);
        if (i == 0 || is_stricter(&decision, &strictest))
            strictest = decision;
    }
    return strictest;
}

const char *decision_rule_id(const Decision *decision, char *buffer, size_t size)
{
    if (decision->rule)
        return decision->rule->id;
    snprintf(buffer, size, "%s:default", decision->policy ? decision->policy->origin : "guard");
    return buffer;
}
