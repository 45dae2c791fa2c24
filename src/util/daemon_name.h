/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which programs are the daemons that are guarded, and which are libvirt's at all. */
#ifndef QG_DAEMON_NAME_H
#define QG_DAEMON_NAME_H

#include <stdbool.h>
#include <sys/types.h>

/* True for the path, or name, of libvirtd or virtqemud. */
bool is_guarded_daemon_name(const char *path);

/* The same of the file that @pid runs. False, with errno, when that cannot be told. */
bool is_guarded_daemon_process(pid_t pid);

/* The same of any daemon of libvirt's that has clients, such as virtproxyd or virtnetworkd. */
bool is_libvirt_daemon_name(const char *path);

/* The same of root's process @pid. True when it is gone, or nothing can be told of it. */
bool may_be_libvirt_daemon_process(pid_t pid);

/* Whether @pid is root's, and runs a file of the name that @program ends with. */
bool is_roots_process(pid_t pid, const char *program);

#endif
