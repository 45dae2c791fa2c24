/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kinds of what can be found wrong with a domain that is about to start. The table behind
 * this is the only place that names them: the policy language, the records and the documents
 * use these names.
 */
#ifndef QG_FINDING_KIND_H
#define QG_FINDING_KIND_H

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

#endif
