/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may be done with the records that are wanted: each takes them one by one. */
#ifndef QG_AUDIT_PRINT_H
#define QG_AUDIT_PRINT_H

#include "row.h"
#include "util/reason.h"

#include <stdbool.h>
#include <stdint.h>

/* A way to show records. */
typedef struct AuditView {
    /* Returns 0, or -1: out of memory. */
    int (*take)(void *data, const AuditRow *row);
    /* At the end. The same. */
    int (*finish)(void *data);
    void *data;
} AuditView;

/* Each record as a row of a table, or as JSON in a line, as it stands in the trail. */
AuditView print_view(bool as_json);

/* How many there are by each of some keys: @keys is `vm,user`. NULL with the reason. */
typedef struct CountBy CountBy;
CountBy *count_by_new(const char *keys, bool as_json, Reason *why);
AuditView count_by_view(CountBy *count);
void count_by_free(CountBy *count);

/* Who sent at least N commands to a VM within some seconds: @text is `N/SECONDS`. */
typedef struct Bursts Bursts;
Bursts *bursts_new(const char *text, bool as_json, Reason *why);
AuditView bursts_view(Bursts *bursts);
void bursts_free(Bursts *bursts);

/* For each VM what was done by whom. NULL: out of memory. */
typedef struct Summary Summary;
Summary *summary_new(bool as_json);
AuditView summary_view(Summary *summary);
void summary_free(Summary *summary);

/* Local time, `2026-11-21 12:34:56`, or `-`. */
#define PRINT_TIME_SIZE 32
const char *print_time(struct timespec when, char buffer[PRINT_TIME_SIZE]);

#endif
