/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times: as records have them, and as people give them. */
#ifndef QG_AUDIT_WHEN_H
#define QG_AUDIT_WHEN_H

#include "util/reason.h"

#include <stddef.h>
#include <time.h>

/* `2026-11-21T12:34:56.123456Z` and a NUL. */
#define WHEN_TEXT_SIZE 40

/* Which zone a time without one is in. */
typedef enum WhenZone {
    WHEN_UTC,
    WHEN_LOCAL,
} WhenZone;

/*
 * Reads `2026-11-21`, `T` or a blank, `12:34:56`, then perhaps `.123`, then perhaps `Z`,
 * `+0100` or `+01:00`, at the start of @text. Returns how many bytes it is; 0: it is none.
 */
size_t when_read(const char *text, size_t length, WhenZone zone, struct timespec *ret);

/* Writes @when as the trail has it. */
void when_write(struct timespec when, char ret[WHEN_TEXT_SIZE]);

/* What --since and --until take. Returns 0, or -1 with the reason. */
int when_parse(const char *text, struct timespec now, struct timespec *ret, Reason *why);

#endif
