/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the guard speaks in the daemon: through libvirt's own logging, source `qmpguard`. */
#ifndef QG_LOG_H
#define QG_LOG_H

#include "audit/audit.h"

/* A GuardRecorder: writes one record. @data is not used. */
int log_record(void *data, const AuditRecord *record);

/* Writes a line about the guard itself; encodes nothing. */
void log_line(AuditPriority priority, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
