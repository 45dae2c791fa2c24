/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The subcommand `catalog`. */
#ifndef QG_HELPER_CATALOG_H
#define QG_HELPER_CATALOG_H

#include "helper.h"

int catalog_run(HelperContext *context, int argc, char **argv);

#endif
