/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the guard speaks in the daemon: through libvirt's own logging, source `qmpguard`. */
#ifndef QG_LOG_H
#define QG_LOG_H

#include "audit/audit.h"

/* Writes one record. Returns 0, or -1 when there is no log to write to. */
int log_record(const AuditRecord *record);

/* What a line that is no decision tells of. Each has a level and a MESSAGE_ID of its own. */
typedef enum LogKind {
    LOG_IDENTITY_REFUSED = 0,
    LOG_REFUSED_BY_LIBVIRT,
    LOG_REPEATED,
    LOG_DOMAIN_POLICY,
    LOG_DOMAIN_POLICY_CHANGED,
    LOG_HOST_POLICY,
    LOG_HOST_POLICY_INVALID,
    LOG_TRAIL_BROKEN,
    LOG_TRAIL_WORKS,
    LOG_KIND_COUNT,
} LogKind;

/* Writes such a line; encodes nothing. */
void log_line(LogKind kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
