/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What belongs to one run of a domain: the directory RUN_DIRECTORY/UUID. */
#ifndef QG_RUN_H
#define QG_RUN_H

#include "util/reason.h"

/*
 * Ends the run of the domain @uuid: removes its directory and the files in it. Returns 0,
 * also when there is none; -1 with the reason.
 */
int run_end(const char *uuid, Reason *why);

#endif
