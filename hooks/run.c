/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run.h"

#include "util/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#define UUID_LENGTH 36

/* It becomes a part of a path. */
static bool is_uuid(const char *text)
{
    return strlen(text) == UUID_LENGTH && strspn(text, "0123456789abcdef-") == UUID_LENGTH;
}

static int remove_files(DIR *directory)
{
    const struct dirent *entry;
    int result = 0;

    while ((entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(directory), entry->d_name, 0) < 0)
            result = -1;
    }
    return result;
}

int run_end(const char *uuid, Reason *why)
{
    CLEANUP(fd) int runs = -1;
    DIR *directory;
    int fd;
    int result;

    if (!is_uuid(uuid))
        return reason_set(why, "'%.64s' is not a UUID", uuid);
    runs = open(RUN_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (runs < 0)
        return errno == ENOENT ? 0 : reason_set(why, "%s: %s", RUN_DIRECTORY, strerror(errno));
    fd = openat(runs, uuid, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0
                               : reason_set(why, "%s/%s: %s", RUN_DIRECTORY, uuid, strerror(errno));
    directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return reason_set(why, "out of memory");
    }
    result = remove_files(directory);
    closedir(directory);
    if (result < 0 || unlinkat(runs, uuid, AT_REMOVEDIR) < 0)
        return reason_set(why, "cannot remove %s/%s: %s", RUN_DIRECTORY, uuid, strerror(errno));
    return 0;
}
