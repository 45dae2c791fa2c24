/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records written outside of the daemon, by the hook and the helper. libvirt's log is the
 * daemon's own, so there are two places: the trail, and the system log (facility
 * authpriv) for the line that people read.
 */
#ifndef QG_OUTSIDE_H
#define QG_OUTSIDE_H

#include "audit/audit.h"
#include "audit/trail.h"

/* Says who writes to the system log: before the first record. */
void outside_open(void);

/*
 * Writes @record to both. Returns 0, or -1 with the reason when the trail could not be written,
 * which the system log is told as well.
 */
int outside_record(Trail *trail, const AuditRecord *record, Reason *why);

#endif
