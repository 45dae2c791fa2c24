/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the daemon's records go: libvirt's log and the trail. */
#ifndef QG_RECORDER_H
#define QG_RECORDER_H

#include "guard.h"

/* A GuardRecorder. @data is the host's Policy, or NULL. */
GuardRecorded recorder_write(void *data, const AuditRecord *record);

/* Writes to the trail alone. Returns 0 or -1; the log says why. */
int recorder_append(const char *json);

#endif
