/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The decision: a request, a caller and the policies in, a verdict and the rule
 * that gave it out. Pure: no file, clock, log, lock or libvirt in here.
 */
#ifndef QG_DECIDE_H
#define QG_DECIDE_H

#include "policy/policy.h"
#include "request/request.h"

/* Who asks. What is not known is NULL. */
typedef struct Caller {
    const char
        *label; /* for people: the user, or sasl:NAME, x509:DN, uid:N; NULL: unknown caller */
    const char *user; /* UNIX user name: the only thing that a rule's user matches */
    const char *sasl; /* SASL user name */
    const char *x509; /* distinguished name of a certificate */
    const char *selinux; /* SELinux context */
    const char *claimed; /* whom it asked to be taken for, and was not */
    int64_t uid; /* UNIX user, group and process; -1: not known */
    int64_t gid;
    int64_t pid;
    const char *const *unix_groups; /* names; filled only when a policy asks for them */
    size_t n_unix_groups;
} Caller;

typedef struct Decision {
    Verdict verdict;
    const Operation *operation; /* the operation that gave the verdict */
    const Rule *rule; /* NULL when no rule matched */
    const Policy *policy; /* the policy that decided: where the rule stands */
    bool gave_up; /* the policy's patterns took too much work */
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
    bool ignores_index; /* tries every rule, to be compared with what the index leads to */
} Question;

/*
 * Judges every operation of the request; the strictest verdict is the request's.
 * The host's rules are read first: a <delegate> that is reached hands the operation
 * to the domain's policy, if there is one. Elsewhere the stricter of the two wins.
 */
Decision decide(const Question *question);

/* How records name what decided: the rule's id, or `baseline:default`. */
const char *decision_rule_id(const Decision *decision, char *buffer, size_t size);

#endif
