/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon that called the hook: is the guard live in it? */
#ifndef QG_DAEMON_H
#define QG_DAEMON_H

#include "util/reason.h"

#include <stdbool.h>

/*
 * Looks among this process's ancestors for libvirtd or virtqemud, and in its memory map for
 * the mark that the plugin leaves when it is active (src/util/live_mark.h). False with the
 * reason when it is not there, or when that cannot be told.
 */
bool daemon_is_guarded(Reason *why);

#endif
