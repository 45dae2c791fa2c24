/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Judges again what a record tells of. Records hold no argument's value and no HMP line, so
 * the answer is every verdict that there may be; not each of them need be possible. Taken for
 * granted is that users are in the groups they are in now, and that a domain has launchSecurity
 * where, and only where, its record names a profile.
 */
#ifndef QG_REJUDGE_H
#define QG_REJUDGE_H

#include "recorded.h"
#include "unsure.h"
#include "util/unix_groups.h"

/* A user who is asked for again and again. */
typedef struct KnownUser {
    char *name;
    UnixGroups groups;
    bool is_known; /* to this host's name service */
} KnownUser;

/* Under what is judged. */
typedef struct Rejudging {
    const Policy *host;
    const Policy *domain; /* NULL: each domain has the policy it had, which nobody knows */
    KnownUser *users; /* released with rejudging_clear() */
    size_t n_users;
} Rejudging;

typedef struct Rejudged {
    unsigned verdicts; /* 1 << Verdict: each that there may be; one bit: that is certain */
    unsigned depends; /* DEPENDS_ON_..., when it is not certain */
    json_object *rules; /* the ids of what may decide */
} Rejudged;

/* Returns 0, or -1 when out of memory. The answer is always released. */
int rejudge(Rejudging *rejudging, const Recorded *recorded, Rejudged *ret);

void rejudged_clear(Rejudged *rejudged);
void rejudging_clear(Rejudging *rejudging);

/* The laxest verdict there may be. */
Verdict rejudged_verdict(const Rejudged *rejudged);

#endif
