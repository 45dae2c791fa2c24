/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the memory or the files of a test program fail: malloc(3) and its like, and the calls of
 * the system that the guard's files are read and written with. They are defined here, in front of
 * libc's, so that json-c's, libxml2's and libc's own allocations fail as well.
 */
#ifndef QG_TEST_FAULTS_H
#define QG_TEST_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* The nth allocation from now on fails, counted from 1; and with @stays all that follow it. */
void faults_allocation(unsigned nth, bool stays);

/* Memory that is always to be had, for a library that is to be spared; free() takes it back. */
void *faults_spared_malloc(size_t size);
void *faults_spared_realloc(void *old, size_t size);
char *faults_spared_strdup(const char *text);

/* Does what is tested; returns NULL, or what is wrong about it. */
typedef const char *FaultsTried(const void *data);

/*
 * Tries it with each allocation failing in turn, alone and with all that follow it, in a process of
 * its own: libxml2 2.9 dies of some of its own, whoever calls it, and then nothing passes. Says in
 * the test's output what was wrong. Returns how many of the fewer came to an end, or -1 when
 * something was wrong.
 */
int faults_in_children(FaultsTried *tried, const void *data);

typedef enum FileFault {
    FAULT_EIO = 0,
    FAULT_ENOSPC,
    FAULT_EMFILE,
    FAULT_EACCES,
    FAULT_SHORT, /* reads and writes do half of it */
    FILE_FAULT_COUNT,
} FileFault;

/* The same of open, read, write, lock and whatever else is done to a file. */
void faults_file(FileFault fault, unsigned nth, bool stays);

/* Nothing fails any more. Returns whether anything did. */
bool faults_end(void);

#endif
