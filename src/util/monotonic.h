/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time as it passes, whatever the clock on the wall is set to. */
#ifndef QG_MONOTONIC_H
#define QG_MONOTONIC_H

#include <stdint.h>

/* Milliseconds since some moment before the process began. */
int64_t monotonic_ms(void);

#endif
