/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the library share: the public names, and how a call fails. */
#ifndef QG_LIB_FAILURE_H
#define QG_LIB_FAILURE_H

/* The rest of what is linked in is hidden. */
#pragma GCC visibility push(default)
#include "qmpguard.h"
#pragma GCC visibility pop

/* Sets @error, which may be NULL, and returns @code. */
int failure_set(QmpguardError *error, QmpguardCode code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Nothing failed yet. @error may be NULL. */
void failure_clear(QmpguardError *error);

#endif
