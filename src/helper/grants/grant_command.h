/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* grant, grants, confirm and revoke: the operator's side of grants. */
#ifndef QG_GRANT_COMMAND_H
#define QG_GRANT_COMMAND_H

#include "helper.h"

int grant_run(HelperContext *context, int argc, char **argv);
int grants_run(HelperContext *context, int argc, char **argv);
int confirm_run(HelperContext *context, int argc, char **argv);
int revoke_run(HelperContext *context, int argc, char **argv);

#endif
