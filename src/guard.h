/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guard: parse -> decide -> settle -> record, in that order, for one text of one client.
 * The caller of guard_judge() then acts: it refuses, or forwards the answer's text.
 */
#ifndef QG_GUARD_H
#define QG_GUARD_H

#include "audit/audit.h"
#include "decide.h"
#include "grant/grant_store.h"
#include "limit/limit_counter.h"
#include "policy/policy.h"
#include "request/request.h"

/* How records name refusals that no rule gave, where more than one place says so. */
extern const char rule_host_invalid[]; /* `host:invalid` */
extern const char rule_domain_invalid[]; /* `domain:invalid` */

/* Which of @asked libvirt itself would give the caller on the domain. */
typedef NativeSet (*NativeAsker)(void *data, NativeSet asked);

/* Everything that is known when a client's text arrives. All of it is borrowed. */
typedef struct GuardCall {
    Channel channel; /* CHANNEL_HMP: a bare HMP line */
    const char *text;
    size_t length;
    unsigned n_fds; /* file descriptors that came with the text */
    const char *domain_name;
    const char *domain_uuid; /* NULL: not known */
    const char *id; /* of this command, for its outcome to be linked to; NULL: none */
    const Caller *caller;
    const Policy *host;
    const Policy *domain; /* NULL: it has no policy */
    bool is_confidential; /* the domain has <launchSecurity> */
    const char *failed_rule; /* not NULL: the call is refused under this name ... */
    const char *failure; /* ... for this reason; host and domain may be NULL then */
    const Run *run; /* the domain's; NULL: not known, so no grant counts */
    GrantStore *grants; /* NULL: none are looked for */
    LimitCounters *limits; /* NULL: what comes under a limit is denied */
    NativeAsker native; /* NULL: nobody knows, so nothing is permitted */
    void *native_data;
    DecideObserver observer; /* as in Question */
    void *observer_data;
} GuardCall;

/* Where a decision's record is. Zero is nowhere: then nothing may pass. */
typedef enum GuardRecorded {
    RECORDED_NOWHERE = 0,
    RECORDED_IN_LOG, /* and not in the trail: the host policy says what still passes */
    RECORDED_WHOLE, /* or as whole as it can be: a user's own daemon has no trail */
    RECORDED_AS_COUNT, /* it repeats one that is recorded, and was counted */
} GuardRecorded;

/* Records one decision, or what became of a grant. */
typedef GuardRecorded (*GuardRecorder)(void *data, const AuditRecord *record);

typedef struct GuardAnswer {
    bool passes; /* zero is closed: only a complete judgement sets it */
    Request *request; /* NULL when the text could not be read */
    Decision decision; /* meaningful only with a request and without a failure */
    Grant *grants; /* what the decision's grants point into */
    GrantText granted_text;
    const Grant *refused_grant; /* denied: a grant that names it and does not count; NULL: none */
    GrantObstacle obstacle; /* why it does not */
    bool is_repeated; /* a limit denies, and that is on record already */
    char *message; /* refused: what the client is told */
    char *rule; /* what decided: `baseline:@dangerous`, `request:unreadable`, ... */
    char *record; /* the audit line */
    bool is_counted; /* as a repetition: an outcome without trouble has no record */
    char *outcome; /* of a call with an id: what the record of its outcome starts with */
} GuardAnswer;

/* The domain's policy as records have it: its digest, or `none`, `invalid`, `unknown`. */
const char *guard_policy_word(const GuardCall *call);

/*
 * Judges one text. @record is called once for the decision before this returns (before that,
 * for each grant that is found to have run out); NULL for a dry run. The answer is always released
 * with guard_answer_clear().
 */
void guard_judge(const GuardCall *call, GuardRecorder record, void *record_data, GuardAnswer *ret);
void guard_answer_clear(GuardAnswer *answer);

#endif
