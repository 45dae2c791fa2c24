/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `90s`, `15m`, `2h`, `7d`. */
#ifndef QG_DURATION_H
#define QG_DURATION_H

#include <stdint.h>

/* Reads a whole number with its unit as seconds. Returns 0, or -1 for what is none. */
int duration_parse(const char *text, int64_t *ret_seconds);

#endif
