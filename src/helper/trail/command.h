/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef QG_AUDIT_COMMAND_H
#define QG_AUDIT_COMMAND_H

#include "helper.h"

/* `virt-qmp-guard audit`. */
int audit_run(const HelperContext *context, int argc, char **argv);

/* The lines of its --help. */
extern const char audit_help[];

#endif
