/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon.h"

#include "util/cleanup.h"
#include "util/daemon_name.h"
#include "util/live_mark.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
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

static bool is_daemon(pid_t pid)
{
    static const char deleted[] = " (deleted)";
    char link[64];
    char path[PATH_MAX];
    ssize_t length;

    snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
    length = readlink(link, path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    /* An upgrade replaces the file of a daemon that runs. */
    if (length > (ssize_t)strlen(deleted) && strcmp(path + length - strlen(deleted), deleted) == 0)
        path[length - (ssize_t)strlen(deleted)] = '\0';
    return is_daemon_name(path);
}

static pid_t find_daemon(void)
{
    pid_t pid = getppid();

    for (int i = 0; i < ANCESTORS_MAX && pid > 0; i++) {
        if (is_daemon(pid))
            return pid;
        pid = parent_of(pid);
    }
    return 0;
}

/* `ADDRESS PERMISSIONS OFFSET DEVICE INODE PATH`: is PATH the memfd of that name? */
static bool is_mark(const char *line, const char *name)
{
    static const char front[] = "/memfd:";
    int at = 0;

    (void)sscanf(line, "%*s %*s %*s %*s %*s %n", &at);
    line += at;
    return at > 0 && strncmp(line, front, sizeof(front) - 1) == 0 &&
           strncmp(line + sizeof(front) - 1, name, strlen(name)) == 0 &&
           strcmp(line + sizeof(front) - 1 + strlen(name), " (deleted)\n") == 0;
}

bool daemon_look(CallingDaemon *ret)
{
    pid_t daemon = find_daemon();
    CLEANUP(file) FILE *maps = NULL;
    CLEANUP(mem) char *line = NULL;
    size_t space = 0;
    char path[64];

    *ret = (CallingDaemon){0};
    if (daemon == 0) {
        reason_set(&ret->why, "no libvirtd or virtqemud called this hook");
        return false;
    }
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)daemon);
    maps = fopen(path, "re");
    if (!maps) {
        reason_set(&ret->why, "cannot read %s: %s", path, strerror(errno));
        return false;
    }
    while (getline(&line, &space, maps) >= 0) {
        ret->is_guarded = ret->is_guarded || is_mark(line, LIVE_MARK);
        ret->had_host_file = ret->had_host_file || is_mark(line, HOST_FILE_MARK);
    }
    if (!ret->is_guarded)
        reason_set(&ret->why, "the guard is not active in process %d", (int)daemon);
    return ret->is_guarded;
}
