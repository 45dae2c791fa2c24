/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who asked to be taken for somebody else, and was not: their later records say so. */
#ifndef QG_CLAIMS_H
#define QG_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CLAIM_SIZE 256

/*
 * Process @pid, started at @started (jiffies since boot), claimed to be @name. True when that
 * is to be recorded: it is not when it is said again, or was too often something else.
 */
bool claims_note(pid_t pid, unsigned long long started, const char *name);

/* Whom that process claimed to be, in @ret; the empty string: nobody. */
void claims_find(pid_t pid, unsigned long long started, char ret[CLAIM_SIZE]);

#endif
