/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of malloc(3) and its like, by this program and by the libraries in it. */
#ifndef QG_BENCH_ALLOCATIONS_H
#define QG_BENCH_ALLOCATIONS_H

#include <stddef.h>

typedef struct Allocations {
    size_t count;
    size_t bytes;
} Allocations;

void allocations_start(void);
Allocations allocations_end(void);

#endif
