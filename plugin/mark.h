/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the libvirt hook, another process, is to know of this one: see src/util/live_mark.h. */
#ifndef QG_MARK_H
#define QG_MARK_H

/*
 * Makes a mapping called @name, which stays until the process ends. Without it nothing is
 * less guarded; but the hook takes the daemon for an unguarded one.
 */
void mark_leave(const char *name);

#endif
