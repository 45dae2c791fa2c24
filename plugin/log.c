/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include "libvirt_private.h"
#include "util/cleanup.h"

#include <stdarg.h>
#include <stdio.h>

/* libvirt sets the priority itself, from its filters, when it first sees the source. */
static LogSource log_source = {.name = "qmpguard", .priority = AUDIT_ERROR};

int log_record(void *data, const AuditRecord *record)
{
    LogMetadata fields[] = {
        {"MESSAGE_ID", record->message_id, 0},    {"QMPGUARD_DOMAIN", record->domain, 0},
        {"QMPGUARD_COMMAND", record->command, 0}, {"QMPGUARD_VERDICT", record->verdict, 0},
        {"QMPGUARD_USER", record->user, 0},       {NULL, NULL, 0},
    };

    (void)data;
    if (!libvirt.log_message)
        return -1;
    libvirt.log_message(&log_source, (int)record->priority, "qmp-guard", 0, NULL, fields, "%s",
                        record->line);
    return 0;
}

void log_line(AuditPriority priority, const char *format, ...)
{
    CLEANUP(mem) char *line = NULL;
    va_list args;
    int length;

    va_start(args, format);
    length = vasprintf(&line, format, args);
    va_end(args);
    if (length < 0) {
        line = NULL;
        return;
    }
    if (libvirt.log_message)
        libvirt.log_message(&log_source, (int)priority, "qmp-guard", 0, NULL, NULL, "%s", line);
}
