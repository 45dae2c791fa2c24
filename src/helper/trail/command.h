/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef QG_AUDIT_COMMAND_H
#define QG_AUDIT_COMMAND_H

#include "helper.h"

/* `virt-qmp-guard audit`. */
int audit_run(HelperContext *context, int argc, char **argv);

/* What --help says: behind its name, in one line, and of each option. */
extern const char audit_usage[];
extern const char audit_summary[];
extern const char audit_help[];

#endif
