/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is calling, as libvirt's daemon knows it: the identity it gave to this thread
 * when the client connected, not what the client says of itself.
 */
#ifndef QG_CALLER_H
#define QG_CALLER_H

#include "caller_groups.h"
#include "claims.h"
#include "decide.h"
#include "libvirt_private.h"

typedef struct LiveCaller {
    Caller caller; /* label is NULL when nothing is known */
    char *label;
    char claimed[CLAIM_SIZE]; /* what caller.claimed points to */
    Identity *identity; /* keeps what caller.user points to */
    GroupList *groups; /* a reference, see caller_resolve_groups() */
} LiveCaller;

/* Reads the current thread's identity. Always released with caller_clear(). */
void caller_read(LiveCaller *ret);

/*
 * Fills in the names of the caller's UNIX groups, as kept since the client connected or
 * not long ago, else from the name service. Called only when a policy in force names one.
 * Returns 0, or -1 when there is no answer: then nothing may be decided.
 */
int caller_resolve_groups(LiveCaller *caller);

/*
 * A client has connected, in this thread: its user's groups are asked for before it needs them,
 * and what its process is.
 */
void caller_connected(void);

void caller_clear(LiveCaller *caller);

/*
 * A client asks to be taken for somebody else (virConnectSetIdentity). Honoured for a
 * peer that is root only (virtproxyd); anybody else's claim is recorded and ignored.
 */
void caller_claim(void *client, Identity *identity);

#endif
