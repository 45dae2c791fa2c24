/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths that a domain must not name: libvirt opens, removes and gives away what its devices
 * name, as root; so it would do with the guard's own files and with the sockets of monitors.
 */
#ifndef QG_GUARD_PATH_H
#define QG_GUARD_PATH_H

#include <stdbool.h>

/*
 * Is @path, or what it leads to now by way of links, one of libvirt's or the guard's own?
 * True also when there is no memory to tell.
 */
bool is_guard_path(const char *path);

#endif
