/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settle.h"

#include "audit/grant.h"
#include "catalog/catalog_data.h"
#include "settle_limit.h"
#include "util/cleanup.h"

#include <string.h>

/* Each try fails only because somebody else took or changed something meanwhile. */
#define TAKE_TRIES 16

typedef struct Settling {
    const GuardCall *call;
    Question *question;
    GuardAnswer *answer;
    GuardRecorder record;
    void *record_data;
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
    /* A dry run counts nothing. */
    if (decision->verdict != VERDICT_DENY && record)
        settle_limits(call, question, answer);
    take_grants(&settling);
}
