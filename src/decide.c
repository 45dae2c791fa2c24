/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decide.h"

#include "util/glob.h"
#include "util/path.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/*
 * How many steps one decision may take: of globs, and of rules tried. The author of a
 * policy may be the one it restricts, and a text may hold thousands of operations; when
 * this is used up the text is denied. About 0.1 s at worst.
 */
#define WORK_BUDGET ((size_t)20000000)

static const Verdict rule_verdicts[RULE_KIND_COUNT] = {
    [RULE_DENY] = VERDICT_DENY,
    [RULE_WARN] = VERDICT_WARN,
    [RULE_ALLOW] = VERDICT_ALLOW,
    [RULE_DELEGATE] = VERDICT_DENY, /* holds only when nobody is there to delegate to */
};

/* The state of one decide() call. */
typedef struct Judge {
    const Question *question;
    const Operation *operation;
    size_t budget;
    NativeSet native_asked; /* what it would have to know of libvirt's permissions */
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
    if (on_wrapper && text_matches(judge, rule, rule->command, HMP_WRAPPER))
        return *ret_as_wrapper = true;
    return false;
}

static bool is_in_unix_group(const Caller *caller, const char *group, bool denies)
{
    if (!caller->user)
        return denies;
    for (size_t i = 0; i < caller->n_unix_groups; i++) {
        if (strcmp(caller->unix_groups[i], group) == 0)
            return true;
    }
    return false;
}

/* To deny, whoever is not known by such a name may be the one that is meant. */
static bool is_called(const char *wanted, const char *known, bool denies)
{
    if (!wanted)
        return true;
    return known ? strcmp(wanted, known) == 0 : denies;
}

static bool is_caller(Judge *judge, const Rule *rule)
{
    const Caller *caller = judge->question->caller;
    bool denies = rule->kind == RULE_DENY;

    if (!is_called(rule->user, caller->user, denies) ||
        !is_called(rule->sasl, caller->sasl, denies) ||
        !is_called(rule->x509, caller->x509, denies))
        return false;
    if (rule->unix_group && !is_in_unix_group(caller, rule->unix_group, denies))
        return false;
    if (!rule->selinux)
        return true;
    return caller->selinux ? text_matches(judge, rule, rule->selinux, caller->selinux) : denies;
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
    bool as_wrapper;

    if (rule->groups && !(rule->groups & operation->is.groups))
        return false;
    if (!is_named_by(judge, rule, &as_wrapper))
        return false;
    if (!is_caller(judge, rule))
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
                      .cause = CAUSE_WORK};
}

static Decision make_decision(const Judge *judge, const Policy *policy, const Rule *rule,
                              Verdict verdict)
{
    return (Decision){
        .verdict = verdict, .operation = judge->operation, .rule = rule, .policy = policy};
}

/* A rule that lets pass no more than libvirt itself would has to ask for that. */
static Decision with_native(Judge *judge, Decision decision)
{
    const Question *question = judge->question;
    const Operation *operation = judge->operation;
    NativeSet wanted;

    if (!decision.rule || !decision.rule->requires_native)
        return decision;
    wanted = catalog_native(operation->entry, operation->is.groups);
    if (wanted & question->native_granted)
        return decision;
    judge->native_asked |= wanted & ~question->native_known;
    decision.cause = CAUSE_NATIVE;
    decision.verdict = VERDICT_DENY;
    return decision;
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
    const char *wrapper = operation->channel == CHANNEL_HMP ? HMP_WRAPPER : NULL;
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
    if (policy->n_rules > 0)
        tell_unmatched(judge, policy, untold, &policy->rules[policy->n_rules]);
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
        if (decision.cause == CAUSE_WORK)
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
    Decision by_host = with_native(judge, first_match(judge, host, NULL));
    Decision by_domain;
    bool is_delegated = by_host.rule && by_host.rule->kind == RULE_DELEGATE &&
                        by_host.cause == CAUSE_RULE;

    if (by_host.cause == CAUSE_WORK)
        return by_host;
    by_host = softened(by_host, host->mode == MODE_AUDIT);
    if (!domain)
        return by_host;
    by_domain = with_native(judge, first_match(judge, domain, judge->question->domain_profile));
    if (by_domain.cause == CAUSE_WORK)
        return by_domain;
    by_domain = softened(by_domain, domain_audits);
    return is_delegated || by_domain.verdict < by_host.verdict ? by_domain : by_host;
}

static GrantQuestion ask_grants(const Question *question, const Operation *operation)
{
    return (GrantQuestion){.operation = operation,
                           .text = question->text,
                           .caller = question->caller,
                           .uuid = question->uuid,
                           .run = question->run,
                           .now = question->now,
                           .confirmed_groups = question->host->confirmed_groups};
}

/*
 * Takes a use of @grant into @total: one for each operation, or one for the whole text. Returns
 * false when it has not so many.
 */
static bool add_take(Decision *total, const Grant *grant)
{
    size_t i = 0;

    while (i < total->n_takes && total->takes[i].grant != grant)
        i++;
    if (i == GRANT_TAKES_MAX)
        return false;
    if (i == total->n_takes) {
        total->takes[i] = (GrantTake){.grant = grant, .count = 1};
        total->n_takes++;
        return true;
    }
    if (*grant->text)
        return true;
    if (total->takes[i].count == grant->left)
        return false;
    total->takes[i].count++;
    return true;
}

/* What the policies deny passes by the first grant that names it. */
static Decision with_grants(const Judge *judge, Decision decision, Decision *total)
{
    GrantQuestion asked = ask_grants(judge->question, judge->operation);

    if (decision.verdict != VERDICT_DENY || decision.cause == CAUSE_WORK)
        return decision;
    for (size_t i = 0; i < judge->question->n_grants; i++) {
        const Grant *grant = &judge->question->grants[i];

        if (grant_try(grant, &asked) == GRANT_COUNTS && add_take(total, grant)) {
            decision.verdict = VERDICT_GRANT;
            return decision;
        }
    }
    return decision;
}

const Grant *decide_refused_grant(const Question *question, const Decision *decision,
                                  GrantObstacle *ret)
{
    GrantQuestion asked = ask_grants(question, decision->operation);
    const Grant *nearest = NULL;

    *ret = GRANT_UNRELATED;
    for (size_t i = 0; i < question->n_grants; i++) {
        GrantObstacle obstacle = grant_try(&question->grants[i], &asked);

        if (obstacle > *ret) {
            *ret = obstacle;
            nearest = &question->grants[i];
        }
    }
    return nearest;
}

unsigned decide_amount(const Question *question, const Limit *limit, size_t *work,
                       const Operation **ret_first)
{
    Judge judge = {.question = question, .budget = WORK_BUDGET - *work};
    unsigned amount = 0;

    *ret_first = &question->request->operations[0];
    for (size_t i = 0; i < question->request->n_operations && judge.budget > 0; i++) {
        judge.operation = &question->request->operations[i];
        if (rule_matches(&judge, &limit->rule) && amount++ == 0)
            *ret_first = judge.operation;
    }
    *work = WORK_BUDGET - judge.budget;
    /* What nobody could count is all. */
    return judge.budget > 0 ? amount : UINT_MAX;
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
    Decision total = {0}; /* only its takes */

    for (size_t i = 0; i < question->request->n_operations; i++) {
        Decision decision;

        judge.operation = &question->request->operations[i];
        decision = with_grants(&judge, decide_operation(&judge), &total);
        if (i == 0 || is_stricter(&decision, &strictest))
            strictest = decision;
    }
    strictest.native_asked = judge.native_asked;
    strictest.n_takes = strictest.verdict == VERDICT_DENY ? 0 : total.n_takes;
    memcpy(strictest.takes, total.takes, sizeof(strictest.takes));
    return strictest;
}

const char *decision_rule_id(const Decision *decision, char *buffer, size_t size)
{
    if (decision->rule)
        return decision->rule->id;
    snprintf(buffer, size, "%s:default", decision->policy ? decision->policy->origin : "guard");
    return buffer;
}
