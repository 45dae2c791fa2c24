/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts judged end to end, with grants and limits, and what was recorded of them. */
#ifndef QG_TEST_JUDGING_H
#define QG_TEST_JUDGING_H

#include "guard.h"

typedef struct Judging {
    Policy *host;
    Policy *domain; /* NULL: none */
    Run run;
    GrantStore grants;
    LimitCounters *limits;
    GuardCall call; /* of the next text; its text is set by judging_try() */
    bool is_dry; /* nobody records */
    GuardRecorded recorded; /* what the recorder says: RECORDED_WHOLE */

    GuardAnswer answer; /* to the last text */
    unsigned decisions; /* recorded since the start */
    unsigned expired; /* grants that were recorded as expired */
    char line[4096]; /* the last decision's */
    char json[16384];
    AuditPriority priority;
} Judging;

/*
 * Starts without a grant or anything counted, for alice on the domain GRANTS_UUID. A policy is
 * given as its rules, behind attributes in parentheses if there are any: `(mode='audit')<deny/>`.
 */
void judging_start(Judging *judging, const char *host, const char *domain);
void judging_end(Judging *judging);

/* Judges one text; returns whether it passes. */
bool judging_try(Judging *judging, Channel channel, const char *text);

/* The same of QMP in the short form of request_of_short(). */
bool judging_try_qmp(Judging *judging, const char *text);

/* The member @name of the last decision's JSON must be @wanted, as JSON; NULL: not there. */
void judging_assert_json(const Judging *judging, const char *name, const char *wanted);

#endif
