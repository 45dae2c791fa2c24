/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a process shows that the guard is active in it: a mapping with this name, which only
 * the plugin makes and which ends with the process. That the library is mapped would not
 * prove it, for in a program that is no daemon it is inert.
 */
#ifndef QG_LIVE_MARK_H
#define QG_LIVE_MARK_H

#include "util/reason.h"

#include <stdbool.h>
#include <sys/types.h>

/* The memfd's name; /proc/PID/maps has it behind `/memfd:`. */
#define LIVE_MARK "qmp-guard-active"

/* The same, once that process has had its host policy from a file. */
#define HOST_FILE_MARK "qmp-guard-host-policy"

/* The marks that a process has. */
typedef struct LiveMarks {
    bool is_guarded;
    bool had_host_file; /* the host policy that it had, or has, is a file's */
    bool is_outdated; /* the plugin in it is not what is installed: upgraded or removed since */
} LiveMarks;

/* Reads them in the memory map of @pid. Returns 0, or -1 with the reason: then none is set. */
int live_marks_read(pid_t pid, LiveMarks *ret, Reason *why);

#endif
