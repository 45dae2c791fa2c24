/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trail.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The directory of @path; the one above it is libvirt's own and must be there. */
static int make_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    CLEANUP(mem) char *directory = slash ? strndup(path, (size_t)(slash - path)) : NULL;

    if (!directory)
        return -1;
    return mkdir(directory, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

static int open_trail(const char *path)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
                      O_NOCTTY;
    int fd = open(path, flags, 0600);

    if (fd < 0 && errno == ENOENT && make_directory(path) == 0)
        fd = open(path, flags, 0600);
    return fd;
}

int trail_append(const char *path, const char *json, Reason *why)
{
    CLEANUP(fd) int fd = open_trail(path);
    CLEANUP(mem) char *line = NULL;
    struct stat info;
    ssize_t written;
    int length;

    if (fd < 0 || fstat(fd, &info) < 0)
        return reason_set(why, "cannot open %s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return reason_set(why, "%s is not a regular file", path);
    length = asprintf(&line, "%s\n", json);
    if (length < 0) {
        line = NULL;
        return reason_set(why, "out of memory");
    }
    written = write(fd, line, (size_t)length);
    if (written < 0)
        return reason_set(why, "cannot write %s: %s", path, strerror(errno));
    if (written != length)
        return reason_set(why, "cannot write all of a record to %s: is the disk full?", path);
    return 0;
}
