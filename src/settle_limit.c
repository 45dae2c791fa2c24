/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settle_limit.h"

#include "util/monotonic.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* The limits that the request comes under. */
typedef struct LimitScan {
    const GuardCall *call;
    const Question *question;
    size_t *work; /* of decide_amount() */
    LimitUse uses[2 * LIMITS_MAX];
    const Limit *limits[2 * LIMITS_MAX];
    const Policy *policies[2 * LIMITS_MAX];
    const Operation *operations[2 * LIMITS_MAX]; /* the first that is counted */
    char *keys[2 * LIMITS_MAX];
    char *owners[2]; /* of each policy's keys */
    size_t n_owners;
    size_t count;
    bool has_failed;
} LimitScan;

/*
 * Limits are counted by number: an edit of a policy must not leave a count of its own behind.
 * Only the last part is not ours, so no two of them make the same key.
 */
static char *make_key(const GuardCall *call, const Policy *policy, size_t number)
{
    char *key = NULL;

    if (asprintf(&key, "%s|%zu|%s|%s", policy->origin, number, call->domain_uuid,
                 call->caller->label) < 0)
        return NULL;
    return key;
}

static void scan_limits(LimitScan *scan, const Policy *policy)
{
    const GuardCall *call = scan->call;
    char **owner = &scan->owners[scan->n_owners];

    if (policy->n_limits == 0)
        return;
    scan->n_owners++;
    /*
     * A caller may bring many keys, by many domains with many limits. They are on that caller's
     * account, and take nothing from what the host's limits need for anybody.
     */
    if (asprintf(owner, "%s|%s", policy->origin, call->caller->label) < 0)
        *owner = NULL;
    for (size_t i = 0; i < policy->n_limits; i++) {
        const Limit *limit = &policy->limits[i];
        size_t at = scan->count;
        unsigned amount = decide_amount(scan->question, limit, scan->work, &scan->operations[at]);

        if (amount == 0)
            continue;
        scan->limits[at] = limit;
        scan->policies[at] = policy;
        scan->count++;
        scan->keys[at] = make_key(call, policy, i);
        scan->has_failed = scan->has_failed || !scan->keys[at] || !*owner;
        scan->uses[at] = (LimitUse){.key = scan->keys[at],
                                    .amount = amount,
                                    .count = limit->count,
                                    .seconds = limit->seconds,
                                    .owner = *owner};
    }
}

/* Over a limit, the answer is as if a <deny> stood there. */
static void deny_by_limit(Decision *decision, const LimitScan *scan, size_t which, bool audits,
                          LimitAnswer why)
{
    decision->verdict = audits ? VERDICT_AUDIT : VERDICT_DENY;
    decision->cause = why == LIMIT_FULL ? CAUSE_NO_COUNT : CAUSE_LIMIT;
    decision->operation = scan->operations[which];
    decision->rule = &scan->limits[which]->rule;
    decision->policy = scan->policies[which];
    decision->n_takes = audits ? decision->n_takes : 0;
}

static bool only_audits(const Policy *host, const Policy *policy)
{
    return policy->mode == MODE_AUDIT && (policy == host || !host->enforces_domains);
}

/* The limits of the policies that only audit, or those of the others. */
static void take_limits_of(const GuardCall *call, const Question *question, GuardAnswer *answer,
                           bool audits, size_t *work)
{
    const Policy *host = question->host;
    const Policy *const policies[] = {host, question->domain};
    LimitScan scan = {.call = call, .question = question, .work = work};
    size_t which = 0;
    LimitAnswer taken;

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (policies[i] && only_audits(host, policies[i]) == audits)
            scan_limits(&scan, policies[i]);
    }
    if (scan.count > 0) {
        taken = scan.has_failed
                    ? LIMIT_FULL
                    : limit_take(call->limits, scan.uses, scan.count, monotonic_ms(), &which);
        if (taken != LIMIT_TAKEN)
            deny_by_limit(&answer->decision, &scan, which, audits, taken);
        answer->is_repeated = taken == LIMIT_OVER_AGAIN;
    }
    for (size_t i = 0; i < scan.count; i++)
        free(scan.keys[i]);
    for (size_t i = 0; i < scan.n_owners; i++)
        free(scan.owners[i]);
}

static bool has_limits(const Question *question)
{
    return question->host->n_limits > 0 || (question->domain && question->domain->n_limits > 0);
}

/*
 * What only audits is counted apart: a text that passes although it is over such a limit counts
 * for the limits that are meant.
 */
void settle_limits(const GuardCall *call, const Question *question, GuardAnswer *answer)
{
    size_t work = 0;

    if (!has_limits(question)) /* a scan is some kilobytes to clear */
        return;
    take_limits_of(call, question, answer, false, &work);
    if (answer->decision.verdict != VERDICT_DENY)
        take_limits_of(call, question, answer, true, &work);
}
