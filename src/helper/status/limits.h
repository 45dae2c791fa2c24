/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The control groups' limits that hold for a process. Source: cgroups(7). */
#ifndef QG_STATUS_LIMITS_H
#define QG_STATUS_LIMITS_H

#include "file_facts.h"

typedef struct LimitFacts {
    Knowledge knowledge; /* NOT_THERE: there is no limit */
    Reason why; /* not known: why */
    char text[128]; /* `memory 1073741824, pids 4096` */
} LimitFacts;

/* Where the control groups are mounted. */
#define CGROUP_MOUNT "/sys/fs/cgroup"

/* @directory is the process's in /proc. */
void limits_read(const char *directory, const char *mount, LimitFacts *ret);

#endif
