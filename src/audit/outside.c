/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "outside.h"

#include <syslog.h>

static int syslog_priority(AuditPriority priority)
{
    switch (priority) {
    case AUDIT_ERROR:
        return LOG_ERR;
    case AUDIT_WARNING:
        return LOG_WARNING;
    case AUDIT_INFO:
        break;
    }
    return LOG_INFO;
}

void outside_open(void)
{
    openlog(SYSLOG_NAME, LOG_PID, LOG_AUTHPRIV);
}

int outside_record(Trail *trail, const AuditRecord *record, Reason *why)
{
    if (!record->line)
        return reason_set(why, "out of memory");
    syslog(LOG_AUTHPRIV | syslog_priority(record->priority), "%s", record->line);
    if (trail_append(trail, record->json, why) == 0)
        return 0;
    syslog(LOG_AUTHPRIV | LOG_ERR, "cannot record: %s", why->text);
    return -1;
}
