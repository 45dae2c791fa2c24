/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The decision: a request, a caller and the policies in, a verdict and the rule
 * that gave it out. Pure: no file, clock, log, lock or libvirt in here.
 */
#ifndef QG_DECIDE_H
#define QG_DECIDE_H

#include "grant/grant.h"
#include "policy/policy.h"
#include "request/caller.h"
#include "request/request.h"

/* Why it is denied, beside the rule. */
typedef enum DecisionCause {
    CAUSE_RULE = 0, /* the rule says so, or the default */
    CAUSE_WORK, /* the policy's patterns took too much work */
    CAUSE_NATIVE, /* the rule lets pass only what libvirt itself would */
    CAUSE_LIMIT, /* the rule is a limit, and its count is used up */
    CAUSE_NO_COUNT, /* the rule is a limit, and there is no room to count */
} DecisionCause;

/* More different grants than that are not taken for one text. */
#define GRANT_TAKES_MAX 8

typedef struct Decision {
    Verdict verdict;
    DecisionCause cause;
    const Operation *operation; /* the operation that gave the verdict */
    const Rule *rule; /* NULL when no rule matched */
    const Policy *policy; /* the policy that decided: where the rule stands */
    NativeSet native_asked; /* not decided before Question says which of these there are */
    GrantTake takes[GRANT_TAKES_MAX]; /* what it passes by; they must be taken before it does */
    size_t n_takes;
} Decision;

/* Told of each rule that is tried, in order; @matched is what came of it. */
typedef void (*DecideObserver)(void *data, const Operation *operation, const Policy *policy,
                               const Rule *rule, bool matched);

typedef struct Question {
    const Request *request;
    const Caller *caller;
    const Policy *host;
    const Policy *domain; /* NULL: the domain has no policy */
    const Policy *domain_profile; /* for a domain's policy that names no full profile;
                                     NULL: baseline, as for the host's */
    DecideObserver observer; /* NULL: nobody listens */
    void *observer_data;
    NativeSet native_known; /* libvirt's permissions that were asked for ... */
    NativeSet native_granted; /* ... and those of them that the caller has */
    const Grant *grants; /* for this domain; what they do not say is denied as without them */
    size_t n_grants;
    const GrantText *text; /* with grants: of the request; */
    const char *uuid; /* the domain's; */
    const Run *run; /* its run; */
    int64_t now; /* of grant_clock() */
    bool ignores_index; /* tries every rule, to be compared with what the index leads to */
} Question;

/*
 * Judges every operation of the request; the strictest verdict is the request's. What would be
 * denied passes with VERDICT_GRANT when a grant names it.
 * The host's rules are read first: a <delegate> that is reached hands the operation
 * to the domain's policy, if there is one. Elsewhere the stricter of the two wins.
 */
Decision decide(const Question *question);

/*
 * How many of the request's operations @limit counts, and the first of them. @work, at first 0, is
 * what all the limits of a request took: it has an end as that of a decision.
 */
unsigned decide_amount(const Question *question, const Limit *limit, size_t *work,
                       const Operation **ret_first);

/*
 * Of the grants that name the operation which @decision denies, the one that came nearest to
 * letting it pass, and in @ret why it does not count. NULL: there is none.
 */
const Grant *decide_refused_grant(const Question *question, const Decision *decision,
                                  GrantObstacle *ret);

/* How records name what decided: the rule's id, or `baseline:default`. */
const char *decision_rule_id(const Decision *decision, char *buffer, size_t size);

#endif
