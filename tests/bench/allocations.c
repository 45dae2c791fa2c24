/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "allocations.h"

#include <stdlib.h>

/* libc's own, which the names below are put in front of. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static Allocations counted;

static void note(size_t bytes)
{
    counted.count++;
    counted.bytes += bytes;
}

void allocations_start(void)
{
    counted = (Allocations){0};
}

Allocations allocations_end(void)
{
    return counted;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    note(size);
    return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
    note(count * size);
    return __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    note(size);
    return __libc_realloc(old, size);
}
