/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can be found wrong with a domain that is about to start. The table of kinds is
 * the only place that names them: the policy language, the records and the documents
 * use these names.
 */
#ifndef QG_FINDING_H
#define QG_FINDING_H

#include "policy/start_rule.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum FindingKind {
    FINDING_POLICY_INVALID = 0,
    FINDING_UNGUARDED_DAEMON,
    FINDING_UNGUARDED_DEFAULT,
    FINDING_GUARD_PATH,
    FINDING_NETWORK_MONITOR,
    FINDING_TLS_MONITOR,
    FINDING_UNIX_MONITOR,
    FINDING_OTHER_MONITOR,
    FINDING_HOST_EXEC,
    FINDING_OPAQUE_OPTION,
    FINDING_CONFINEMENT,
    FINDING_ARGUMENT,
    FINDING_CODE_ENVIRONMENT,
    FINDING_ENVIRONMENT,
    FINDING_OVERRIDE,
    FINDING_EMULATOR,
    FINDING_KIND_COUNT,
} FindingKind;

typedef struct FindingInfo {
    const char *name; /* `network-monitor` */
    const char *value; /* what a rule's match and prefix look at; NULL: nothing */
    const char *help; /* one line */
    const char *remedy; /* what to do about it */
} FindingInfo;

/* What is known of a kind; never NULL. */
const FindingInfo *finding_info(FindingKind kind);

/* The kind of that name, or -1. */
int finding_kind_from_name(const char *name);

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

void finding_list_clear(FindingList *list);

#endif
