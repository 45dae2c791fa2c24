/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* What is still to come before something fails; 0: nothing will. */
typedef struct Countdown {
    unsigned left;
    bool stays;
    bool has_failed;
} Countdown;

static Countdown allocations;
static Countdown files;
static FileFault file_fault;

static bool fails(Countdown *countdown)
{
    if (countdown->left == 0 || --countdown->left > 0)
        return false;
    countdown->left = countdown->stays ? 1 : 0;
    countdown->has_failed = true;
    return true;
}

void faults_allocation(unsigned nth, bool stays)
{
    allocations = (Countdown){.left = nth, .stays = stays};
}

void faults_file(FileFault fault, unsigned nth, bool stays)
{
    file_fault = fault;
    files = (Countdown){.left = nth, .stays = stays};
}

bool faults_end(void)
{
    bool has_failed = allocations.has_failed || files.has_failed;

    allocations = files = (Countdown){0};
    return has_failed;
}

/*
 * libc's own, and AddressSanitizer's in their place when it is there. Not asked of dlsym(3), which
 * allocates.
 */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__interceptor_malloc(size_t size) __attribute__((weak));
void *__interceptor_calloc(size_t count, size_t size) __attribute__((weak));
void *__interceptor_realloc(void *old, size_t size) __attribute__((weak));

static bool no_memory(void)
{
    if (!fails(&allocations))
        return false;
    errno = ENOMEM;
    return true;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    if (no_memory())
        return NULL;
    return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
    if (no_memory())
        return NULL;
    return __interceptor_calloc ? __interceptor_calloc(count, size) : __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    if (no_memory())
        return NULL;
    return __interceptor_realloc ? __interceptor_realloc(old, size) : __libc_realloc(old, size);
}
