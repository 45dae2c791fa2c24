/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the plugin's files share: whether it is on, and how it speaks. */
#ifndef QG_PLUGIN_H
#define QG_PLUGIN_H

#include "audit.h"

#include <stdbool.h>

/* False outside libvirtd and virtqemud: then every entry point only passes on. */
bool plugin_is_active(void);

/* NULL, or why every command is refused: a symbol that this libvirt lacks. */
const char *plugin_failure(void);

/* A GuardRecorder: writes one record through libvirt's logging. @data is not used. */
int plugin_record(void *data, const AuditRecord *record);

/* Writes a line about the guard itself through libvirt's logging; encodes nothing. */
void plugin_log(AuditPriority priority, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
