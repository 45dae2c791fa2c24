/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the process of a caller that is root may be. A client may have one of libvirt's daemons
 * connect to this one, and that is root. Only virtproxyd says for whom it speaks; when it was made
 * to connect to itself, it says that it speaks for itself.
 */
#ifndef QG_ROOT_PROCESS_H
#define QG_ROOT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether @pid may be a daemon of libvirt's, so that nobody knows for whom it asks. What a process
 * was that has ended cannot be told, unless it was looked at before: a client may end a daemon,
 * too. @started is its start, in the ticks of /proc/PID/stat; 0 when that is not known, and then
 * it is looked at each time. False where @pid is not above 0: it is of another namespace.
 */
bool root_process_may_be_daemon(pid_t pid, unsigned long long started);

#endif
