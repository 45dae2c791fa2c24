/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the hook's records go. libvirt's log is the daemon's own, so there are two places:
 * the durable trail, and the system log (facility authpriv) for the line that people read.
 */
#ifndef QG_RECORD_H
#define QG_RECORD_H

#include "audit/audit.h"

/* A StartRecorder. @data is not used. -1 when the trail could not be written. */
int record_write(void *data, const AuditRecord *record);

#endif
