/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon.h"

#include "util/cleanup.h"
#include "util/daemon_name.h"

#include <sys/types.h>

/* Between the daemon and us there may be a script that runs several hooks. */
#define ANCESTORS_MAX 8

/* The parent of @pid, or 0. Source: proc(5), /proc/PID/status. */
static pid_t parent_of(pid_t pid)
{
    CLEANUP(file) FILE *status = NULL;
    char path[64];
    char line[256];
    int parent = 0;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    status = fopen(path, "re");
    while (status && fgets(line, sizeof(line), status)) {
        if (sscanf(line, "PPid: %d", &parent) == 1)
            return parent;
    }
    return 0;
}

static pid_t find_daemon(void)
{
    pid_t pid = getppid();

    for (int i = 0; i < ANCESTORS_MAX && pid > 0; i++) {
        if (is_guarded_daemon_process(pid))
            return pid;
        pid = parent_of(pid);
    }
    return 0;
}

bool daemon_look(CallingDaemon *ret)
{
    pid_t daemon = find_daemon();

    *ret = (CallingDaemon){0};
    if (daemon == 0) {
        reason_set(&ret->why, "no libvirtd or virtqemud called this hook");
        return false;
    }
    if (live_marks_read(daemon, &ret->marks, &ret->why) < 0)
        return false;
    if (!ret->marks.is_guarded)
        reason_set(&ret->why, "the guard is not active in process %d", (int)daemon);
    return ret->marks.is_guarded;
}
