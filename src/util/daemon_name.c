/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon_name.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const daemons[] = {"libvirtd", "virtqemud"};

bool is_daemon_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++) {
        if (strcmp(name, daemons[i]) == 0)
            return true;
    }
    return false;
}

bool is_daemon_process(pid_t pid)
{
    static const char deleted[] = " (deleted)";
    char link[64];
    char path[PATH_MAX];
    ssize_t length;

    snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
    errno = 0;
    length = readlink(link, path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    /* An upgrade replaces the file of a daemon that runs. */
    if (length > (ssize_t)strlen(deleted) && strcmp(path + length - strlen(deleted), deleted) == 0)
        path[length - (ssize_t)strlen(deleted)] = '\0';
    return is_daemon_name(path);
}
