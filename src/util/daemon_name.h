/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which programs are the daemons that are guarded. */
#ifndef QG_DAEMON_NAME_H
#define QG_DAEMON_NAME_H

#include <stdbool.h>

/* True for the path, or name, of libvirtd or virtqemud. */
bool is_daemon_name(const char *path);

#endif
