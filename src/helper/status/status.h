/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef QG_STATUS_H
#define QG_STATUS_H

#include "helper.h"

int status_run(HelperContext *context, int argc, char **argv);

/* What --help says of its options. */
extern const char status_help[];

#endif
