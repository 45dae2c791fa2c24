/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The records of what becomes of a grant, beside its use, which the decision's record has. */
#ifndef QG_AUDIT_GRANT_H
#define QG_AUDIT_GRANT_H

#include "audit/audit.h"
#include "grant/grant.h"

typedef enum GrantStep {
    STEP_GIVEN = 0,
    STEP_CONFIRMED,
    STEP_REVOKED,
    STEP_EXPIRED,
    STEP_ENDED, /* with its domain's run */
    STEP_FAILED, /* it was recorded as given, and could not be */
    GRANT_STEP_COUNT,
} GrantStep;

/* What is to be recorded. Everything is borrowed. */
typedef struct GrantEvent {
    GrantStep step;
    const Grant *grant;
    const char *by; /* who did it; NULL: nobody, it came by itself */
    int64_t now; /* of grant_clock() */
} GrantEvent;

/*
 * Puts @event into words: a line, and a JSON object for the trail. The record is always
 * released with audit_record_clear().
 */
void audit_grant_make(const GrantEvent *event, AuditRecord *ret);

/* `user:alice`, `anybody`: for whom it is. A new string, or NULL when out of memory. */
char *audit_grant_for(const Grant *grant);

#endif
