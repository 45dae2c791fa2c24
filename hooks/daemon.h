/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon that called the hook: is the guard live in it? */
#ifndef QG_DAEMON_H
#define QG_DAEMON_H

#include "util/live_mark.h"
#include "util/reason.h"

#include <stdbool.h>

typedef struct CallingDaemon {
    LiveMarks marks;
    Reason why; /* when it is not guarded */
} CallingDaemon;

/*
 * Looks among this process's ancestors for libvirtd or virtqemud, and in its memory map for
 * the marks that the plugin leaves when it is active (src/util/live_mark.h). Returns whether
 * it is guarded: false also when that cannot be told.
 */
bool daemon_look(CallingDaemon *ret);

#endif
