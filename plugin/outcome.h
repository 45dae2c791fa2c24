/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What became of a command that passed: the second of its two records. */
#ifndef QG_OUTCOME_H
#define QG_OUTCOME_H

#include "guard.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* A name for one command, in this and all other runs of the daemon. */
#define COMMAND_ID_SIZE 40
void command_id_make(char ret[COMMAND_ID_SIZE]);

/* Taken just before the real call. */
struct timespec outcome_clock(void);

/*
 * Records what the real call returned. @reply: QEMU's or the agent's answer, NULL when the
 * call failed and libvirt's last error says why. Leaves that error as it is.
 */
void outcome_record(const GuardAnswer *answer, struct timespec started, const char *reply);

#endif
