/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settle.h"

#include "audit/grant.h"
#include "catalog/catalog_data.h"
#include "util/cleanup.h"
#include "util/monotonic.h"

#include <string.h>

/* Each try fails only because somebody else took or changed something meanwhile. */
#define TAKE_TRIES 16

typedef struct Settling {
    const GuardCall *call;
    Question *question;
    GuardAnswer *answer;
    GuardRecorder record;
    void *record_data;
    size_t limit_work; /* of decide_amount() */
} Settling;

/* A permission that nobody can be asked for is none. */
static void ask_native(Settling *settling, NativeSet asked)
{
    const GuardCall *call = settling->call;

    settling->question->native_known |= asked;
    if (call->native)
        settling->question->native_granted |= call->native(call->native_data, asked) & asked;
}

static void decide_again(Settling *settling)
{
    Decision *decision = &settling->answer->decision;

    *decision = decide(settling->question);
    while (decision->native_asked) {
        ask_native(settling, decision->native_asked);
        *decision = decide(settling->question);
    }
}

static void record_step(Settling *settling, GrantStep step, const Grant *grant)
{
    GrantEvent event = {.step = step, .grant = grant, .now = settling->question->now};
    AuditRecord record;

    audit_grant_make(&event, &record);
    if (record.line)
        (void)settling->record(settling->record_data, &record);
    audit_record_clear(&record);
}

static bool has_expired(const Settling *settling)
{
    for (size_t i = 0; i < settling->question->n_grants; i++) {
        Grant grant = settling->question->grants[i];

        if (grant_expire(&grant, &settling->question->now))
            return true;
    }
    return false;
}

/* Nothing happens by itself when a grant runs out: whoever finds it so has it recorded. */
static void note_expired(Settling *settling)
{
    CLEANUP(mem) Grant *expired = NULL;
    size_t count = 0;

    if (!settling->record || !has_expired(settling))
        return;
    (void)grant_store_change(settling->call->grants, grant_expire, &settling->question->now,
                             &expired, &count, NULL);
    for (size_t i = 0; i < count; i++)
        record_step(settling, STEP_EXPIRED, &expired[i]);
}

/* Reads what grants there are now. Those that cannot be read are none. */
static void read_grants(Settling *settling)
{
    Question *question = settling->question;
    GuardAnswer *answer = settling->answer;
    size_t count = 0;

    question->grants = NULL;
    question->n_grants = 0;
    free(answer->grants);
    answer->grants = NULL;
    if (grant_store_read(settling->call->grants, settling->call->domain_uuid, &answer->grants,
                         &count, NULL) < 0)
        return;
    question->now = grant_clock();
    question->grants = answer->grants;
    question->n_grants = count;
}

static bool is_granted_text(const Question *question)
{
    for (size_t i = 0; i < question->n_grants; i++) {
        if (*question->grants[i].text)
            return true;
    }
    return false;
}

/*
 * libvirt asks for this behind us, for every passthrough command. Whoever would be refused there
 * must not use up here what was meant for others.
 */
static bool may_send(const Settling *settling)
{
    const GuardCall *call = settling->call;

    return !call->native || call->native(call->native_data, NATIVE_WRITE) & NATIVE_WRITE;
}

/* What the policies deny may pass by a grant. */
static void decide_by_grants(Settling *settling)
{
    Question *question = settling->question;
    GuardAnswer *answer = settling->answer;

    read_grants(settling);
    if (question->n_grants == 0) {
        decide_again(settling);
        return;
    }
    note_expired(settling);
    if (is_granted_text(question) &&
        grant_text_digest(question->request, &answer->granted_text) < 0)
        question->n_grants = 0;
    question->text = &answer->granted_text;
    decide_again(settling);
    if (answer->decision.n_takes > 0 && !may_send(settling)) {
        question->n_grants = 0;
        decide_again(settling);
    }
    if (answer->decision.verdict == VERDICT_DENY)
        answer->refused_grant = decide_refused_grant(question, &answer->decision,
                                                     &answer->obstacle);
}

/* A dry run takes nothing, and tells what would be left. */
static void look_at_grants(Decision *decision)
{
    for (size_t i = 0; i < decision->n_takes; i++) {
        GrantTake *take = &decision->takes[i];

        take->left = take->grant->left - take->count;
    }
}

/* Takes what the decision rests on. When that is gone, it is decided anew. */
static void take_grants(Settling *settling)
{
    Decision *decision = &settling->answer->decision;
    GrantStore *store = settling->call->grants;

    if (!settling->record) {
        look_at_grants(decision);
        return;
    }
    for (int tries = 0; decision->n_takes > 0; tries++) {
        int taken = 0;

        if (tries < TAKE_TRIES)
            taken = grant_store_take(store, decision->takes, decision->n_takes,
                                     settling->question->now, NULL);
        if (taken == 1)
            return;
        if (taken == 0 && tries < TAKE_TRIES) {
            decide_by_grants(settling);
        } else {
            settling->question->n_grants = 0;
            decide_again(settling);
        }
    }
}

/* The limits that the request comes under. */
typedef struct LimitScan {
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

static void scan_limits(Settling *settling, const Policy *policy, LimitScan *scan)
{
    const GuardCall *call = settling->call;
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
        unsigned amount = decide_amount(settling->question, limit, &settling->limit_work,
                                        &scan->operations[at]);

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

static bool has_limits(const Settling *settling)
{
    const Policy *domain = settling->question->domain;

    return settling->question->host->n_limits > 0 || (domain && domain->n_limits > 0);
}

/* The limits of the policies that only audit, or those of the others. */
static void take_limits_of(Settling *settling, bool audits)
{
    const Policy *host = settling->question->host;
    const Policy *const policies[] = {host, settling->question->domain};
    LimitScan scan = {.count = 0};
    size_t which = 0;
    LimitAnswer taken;

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        if (policies[i] && only_audits(host, policies[i]) == audits)
            scan_limits(settling, policies[i], &scan);
    }
    if (scan.count > 0) {
        taken = scan.has_failed ? LIMIT_FULL
                                : limit_take(settling->call->limits, scan.uses, scan.count,
                                             monotonic_ms(), &which);
        if (taken != LIMIT_TAKEN)
            deny_by_limit(&settling->answer->decision, &scan, which, audits, taken);
        settling->answer->is_repeated = taken == LIMIT_OVER_AGAIN;
    }
    for (size_t i = 0; i < scan.count; i++)
        free(scan.keys[i]);
    for (size_t i = 0; i < scan.n_owners; i++)
        free(scan.owners[i]);
}

/*
 * What only audits is counted apart: a text that passes although it is over such a limit counts
 * for the limits that are meant.
 */
static void take_limits(Settling *settling)
{
    if (!settling->record || !has_limits(settling))
        return;
    take_limits_of(settling, false);
    if (settling->answer->decision.verdict != VERDICT_DENY)
        take_limits_of(settling, true);
}

void settle(const GuardCall *call, Question *question, GuardAnswer *answer, GuardRecorder record,
            void *record_data)
{
    Settling settling = {.call = call,
                         .question = question,
                         .answer = answer,
                         .record = record,
                         .record_data = record_data};
    const Decision *decision = &answer->decision;

    question->uuid = call->domain_uuid;
    question->run = call->run;
    decide_again(&settling);
    if (decision->verdict == VERDICT_DENY && decision->cause != CAUSE_WORK && call->grants)
        decide_by_grants(&settling);
    if (decision->verdict != VERDICT_DENY)
        take_limits(&settling);
    take_grants(&settling);
}
