/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the daemon's records go: libvirt's log and the durable trail. */
#ifndef QG_RECORDER_H
#define QG_RECORDER_H

#include "audit/audit.h"

#include "policy/policy.h"

/*
 * A GuardRecorder: 0, 1 when the trail could not be written (the log says why), 2 when it was
 * counted as a repetition, -1 when nothing could be done. @data is the host's Policy, or NULL.
 */
int recorder_write(void *data, const AuditRecord *record);

/* Writes to the trail alone. Returns 0 or -1; the log says why. */
int recorder_append(const char *json);

#endif
