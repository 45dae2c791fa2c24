/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reason: one sentence for a human that says what failed, on which object, and
 * why. A fixed buffer, so that saying why something failed can itself not fail.
 */
#ifndef QG_REASON_H
#define QG_REASON_H

#include <stdarg.h>

typedef struct Reason {
    char text[512];
} Reason;

/*
 * Sets the sentence; a longer one is cut. @why may be NULL. Returns -1 always,
 * so that a parser can say `return reason_set(why, ...)`.
 */
int reason_set(Reason *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
int reason_setv(Reason *why, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

#endif
