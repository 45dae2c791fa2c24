/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include "libvirt_private.h"
#include "util/cleanup.h"

#include <stdarg.h>
#include <stdio.h>

/* libvirt sets the priority itself, from its filters, when it first sees the source. */
static LogSource log_source = {.name = LOG_SOURCE_NAME, .priority = AUDIT_ERROR};

int log_record(const AuditRecord *record)
{
    LogMetadata fields[] = {
        {"MESSAGE_ID", record->message_id, 0},    {"QMPGUARD_DOMAIN", record->domain, 0},
        {"QMPGUARD_COMMAND", record->command, 0}, {"QMPGUARD_VERDICT", record->verdict, 0},
        {"QMPGUARD_USER", record->user, 0},       {NULL, NULL, 0},
    };

    if (!libvirt.log_message)
        return -1;
    libvirt.log_message(&log_source, (int)record->priority, "qmp-guard", 0, NULL, fields, "%s",
                        record->line);
    return 0;
}

static const struct KindRow {
    AuditPriority priority;
    const char *message_id;
} kinds[LOG_KIND_COUNT] = {
    [LOG_IDENTITY_REFUSED] = {AUDIT_ERROR, "7bc11382422540c58a47602538bc6afb"},
    [LOG_REFUSED_BY_LIBVIRT] = {AUDIT_WARNING, "0aad0d68b4534062935bf13d647c8f00"},
    [LOG_REPEATED] = {AUDIT_INFO, "1051001869b74f07b5ae7ba6b84d0e7c"},
    [LOG_DOMAIN_POLICY] = {AUDIT_INFO, "98fcc62c49d44249aebb6a1ffa04f77f"},
    [LOG_DOMAIN_POLICY_CHANGED] = {AUDIT_WARNING, "acf95c71426145d7908aef6b1dc99af5"},
    [LOG_HOST_POLICY] = {AUDIT_WARNING, "560f021520f34d0998ab49ac2c93a8d1"},
    [LOG_HOST_POLICY_INVALID] = {AUDIT_ERROR, "8ab120e593704f6786a33c6b7fc921b8"},
    [LOG_TRAIL_BROKEN] = {AUDIT_ERROR, "fe494da76ef14be8908ce9dcfa8ba13d"},
    [LOG_TRAIL_WORKS] = {AUDIT_ERROR, "d17b5f9f5f5c4e6fb2a531de67d64e50"},
};

void log_line(LogKind kind, const char *format, ...)
{
    LogMetadata fields[] = {{"MESSAGE_ID", kinds[kind].message_id, 0}, {NULL, NULL, 0}};
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
        libvirt.log_message(&log_source, (int)kinds[kind].priority, "qmp-guard", 0, NULL, fields,
                            "%s", line);
}
