/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon that called the hook: is the guard live in it? */
#ifndef QG_DAEMON_H
#define QG_DAEMON_H

#include "util/reason.h"

#include <stdbool.h>

typedef struct CallingDaemon {
    bool is_guarded;
    bool had_host_file; /* the host policy that it had, or has, is a file's */
    Reason why; /* when it is not guarded */
} CallingDaemon;

/*
 * Looks among this process's ancestors for libvirtd or virtqemud, and in its memory map for
 * the marks that the plugin leaves when it is active (src/util/live_mark.h). Returns whether
 * it is guarded: false also when that cannot be told.
 */
bool daemon_look(CallingDaemon *ret);

#endif
