/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was found wrong with a domain that is about to start. */
#ifndef QG_FINDING_H
#define QG_FINDING_H

#include "policy/finding_kind.h"
#include "policy/start_rule.h"

#include <stdbool.h>
#include <stddef.h>

/* One thing that was found. */
typedef struct Finding {
    FindingKind kind;
    char *value; /* for rules only, as it may hold secrets; "": none */
    char *reason; /* one sentence, of which some bytes are the domain's own */
    StartAction action; /* what the rules make of it */
    const char *rule; /* the id of the rule that says so */
} Finding;

/* A domain with more is not looked at any further, and refused. */
#define FINDINGS_MAX 256

typedef struct FindingList {
    Finding items[FINDINGS_MAX];
    size_t count;
    bool failed; /* out of memory, or more than FINDINGS_MAX: nothing may start */
} FindingList;

/* Adds one; a failure is noted in the list. @value may be NULL. */
void finding_add(FindingList *list, FindingKind kind, const char *value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Takes back all but the first @count. */
void finding_list_cut(FindingList *list, size_t count);

void finding_list_clear(FindingList *list);

#endif
