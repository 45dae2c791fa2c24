/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file_facts.h"

#include "util/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* @path has no links in it. A directory that cannot be looked at lets us through no more. */
static bool lets_others_pass(char *path)
{
    struct stat info;

    for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
        *slash = '\0';
        if (stat(*path ? path : "/", &info) < 0 || !(info.st_mode & S_IXOTH))
            return false;
    }
    return true;
}

void file_look(const char *path, FileFacts *ret)
{
    CLEANUP(mem) char *resolved = realpath(path, NULL);
    struct stat info;

    *ret = (FileFacts){0};
    if (!resolved || stat(resolved, &info) < 0) {
        ret->knowledge = errno == ENOENT || errno == ENOTDIR ? NOT_THERE : NOT_KNOWN;
        reason_set(&ret->why, "cannot look at %s: %s", path, strerror(errno));
        return;
    }
    ret->knowledge = KNOWN;
    ret->uid = info.st_uid;
    ret->gid = info.st_gid;
    ret->mode = info.st_mode;
    ret->size = info.st_size;
    ret->others_pass = lets_others_pass(resolved);
}
