/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The subcommands `check` and `explain`. */
#ifndef QG_CHECK_H
#define QG_CHECK_H

#include "helper.h"

int check_run(HelperContext *context, int argc, char **argv);
int explain_run(HelperContext *context, int argc, char **argv);

#endif
