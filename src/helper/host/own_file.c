/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "own_file.h"

#include "helper.h"
#include "util/cleanup.h"
#include "util/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MARK "written by 'virt-qmp-guard enable', for 'disable' to take away; sha256 of the above: "

char *own_file_text(const OwnFile *file, const char *body)
{
    char sum[DIGEST_TEXT_SIZE];
    char *text = NULL;
    Digest digest;

    digest_start(&digest);
    digest_add(&digest, body, strlen(body));
    digest_finish(&digest, sum);
    if (asprintf(&text, "%s%s" MARK "%s%s", body, file->opening, sum, file->closing) < 0)
        return NULL;
    return text;
}

OwnState own_file_look(const OwnFile *file)
{
    size_t tail = strlen(file->opening) + strlen(MARK) + DIGEST_TEXT_SIZE - 1;
    CLEANUP(mem) char *text = NULL;
    CLEANUP(mem) char *body = NULL;
    CLEANUP(mem) char *ours = NULL;
    struct stat info;
    size_t length;

    if (lstat(file->path, &info) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return OWN_ABSENT;
        return complain("cannot look at %s: %s", file->path, strerror(errno)), OWN_UNREADABLE;
    }
    if (!S_ISREG(info.st_mode))
        return OWN_CHANGED;
    text = read_file(file->path, &length);
    if (!text)
        return OWN_UNREADABLE;
    tail += strlen(file->closing);
    if (length < tail)
        return OWN_CHANGED;
    body = strndup(text, length - tail);
    ours = body ? own_file_text(file, body) : NULL;
    if (!ours)
        return complain("out of memory"), OWN_UNREADABLE;
    return strcmp(ours, text) == 0 ? OWN_OURS : OWN_CHANGED;
}

/* @path with all above it, as far as it is not there. */
static int make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        int made;

        *slash = '\0';
        made = mkdir(path, 0755);
        *slash = '/';
        if (made < 0 && errno != EEXIST)
            return -1;
    }
    return mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
}

static int write_all(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t count = write(fd, text, left);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        text += count;
        left -= (size_t)count;
    }
    return fchmod(fd, 0644) < 0 || fsync(fd) < 0 ? -1 : 0;
}

/* After a power cut there is the old file or the new one, and no half of it. */
static int replace(const char *directory, const char *path, const char *text)
{
    CLEANUP(fd) int parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(mem) char *temporary = NULL;
    CLEANUP(fd) int fd = -1;
    int error;

    if (parent < 0)
        return -1;
    if (asprintf(&temporary, "%s/.qmp-guard.XXXXXX", directory) < 0) {
        temporary = NULL;
        return -1;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (write_all(fd, text) == 0 && rename(temporary, path) == 0)
        return fsync(parent);
    error = errno;
    unlink(temporary);
    errno = error;
    return -1;
}

int own_file_write(const OwnFile *file, const char *text)
{
    CLEANUP(mem) char *directory = strdup(file->path);

    if (!directory)
        return complain("out of memory"), -1;
    *strrchr(directory, '/') = '\0';
    if (make_directories(directory) < 0 || replace(directory, file->path, text) < 0)
        return complain("cannot write %s: %s", file->path, strerror(errno)), -1;
    return 0;
}

int own_file_remove(const OwnFile *file)
{
    char *directory;

    if (unlink(file->path) < 0)
        return complain("cannot remove %s: %s", file->path, strerror(errno)), -1;
    directory = strdup(file->path);
    if (directory) {
        *strrchr(directory, '/') = '\0';
        rmdir(directory);
        free(directory);
    }
    return 0;
}
