/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Giving a grant and taking it back, as everything outside of the daemon does it. A grant is on
 * record before it counts; what is taken back counts no more before that is on record.
 */
#ifndef QG_GRANT_GIVE_H
#define QG_GRANT_GIVE_H

#include "audit/grant.h"
#include "audit/trail.h"
#include "grant_store.h"

/* Where grants are kept, and who is told of them. */
typedef struct GrantDesk {
    GrantStore *store;
    Trail *trail;
    bool tells_syslog; /* beside the trail; a library leaves its program's system log alone */
} GrantDesk;

/*
 * Makes @grant one of @request's text alone: its channel, command, groups and text. Returns 0, or
 * -1 when out of memory.
 */
int grant_set_text(Grant *grant, const Request *request);

/*
 * Gives @grant for @seconds from now on. The caller has filled in whom, what and how often
 * (`uses`), why and by whom; the rest is set here. Returns 0, or -1 with the reason: then there
 * is no such grant, and the trail says so if it said otherwise.
 */
int grant_give(const GrantDesk *desk, Grant *grant, int64_t seconds, Reason *why);

/*
 * Takes the grant @id back for @by if anything of it is left. Returns 1, or 0 when nothing is, or
 * -1 with the reason: it may be revoked by then, without a record.
 */
int grant_revoke(const GrantDesk *desk, const char *id, const char *by, Reason *why);

/* Records what became of @grant; @by may be NULL. Returns 0 or -1 with the reason. */
int grant_record(const GrantDesk *desk, GrantStep step, const Grant *grant, const char *by,
                 Reason *why);

#endif
