/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One run of a domain: the QEMU process that it is now. */
#ifndef QG_RUN_H
#define QG_RUN_H

#include "util/reason.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A process by its number and by when it was started, so that a later one with the same number
 * is another run. libvirt's own id of a run may come again after the daemon restarts. All zero:
 * not known, and no run.
 */
typedef struct Run {
    int64_t pid;
    uint64_t started; /* clock ticks since boot, as in /proc/PID/stat */
} Run;

/*
 * The run of the domain called @name, from the file that libvirt keeps its QEMU's number in
 * (/run/libvirt/qemu/NAME.pid, root's only). Returns 0 and the run, or -1 with the reason.
 */
int run_read(const char *name, Run *ret, Reason *why);

/* Whether they are the same run; one that is not known is the same as none. */
bool run_is_same(const Run *a, const Run *b);

/* Whether its process is still there. */
bool run_is_alive(const Run *run);

#endif
