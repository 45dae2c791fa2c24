/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* One sentence for each way in which a file is not one to be trusted; NULL when it is. */
static const char *unsafe_because(const struct stat *info)
{
    if (!S_ISREG(info->st_mode))
        return "not a regular file";
    if (info->st_uid != 0 && info->st_uid != geteuid())
        return "not owned by root: run 'chown root'";
    if (info->st_mode & S_IWGRP)
        return "writable by its group: run 'chmod g-w'";
    if (info->st_mode & S_IWOTH)
        return "writable by everybody: run 'chmod o-w'";
    if (info->st_size > (off_t)POLICY_BYTES_MAX)
        return "larger than 1 MiB";
    return NULL;
}

static ssize_t read_all(int fd, char *buffer, size_t size)
{
    size_t length = 0;

    while (length < size) {
        ssize_t count = read(fd, buffer + length, size - length);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        length += (size_t)count;
    }
    return (ssize_t)length;
}

/* The system said no, for a reason in errno: it may say yes the next time. */
static int could_not(PolicyError *ret_error, const char *what)
{
    ret_error->is_transient = true;
    return reason_set(&ret_error->reason, "%s: %s", what, strerror(errno));
}

int policy_read_host_file(const char *path, Policy **ret_policy, PolicyError *ret_error)
{
    CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    CLEANUP(mem) char *text = NULL;
    const char *unsafe;
    struct stat info;
    ssize_t length;
    Policy *policy;

    *ret_error = (PolicyError){0};
    /* A link that leads nowhere is not "no file": somebody meant there to be one. */
    if (fd < 0 && errno == ENOENT && lstat(path, &info) < 0)
        return 0;
    if (fd < 0 || fstat(fd, &info) < 0)
        return could_not(ret_error, "cannot open it");
    unsafe = unsafe_because(&info);
    if (unsafe)
        return reason_set(&ret_error->reason, "%s", unsafe);

    text = malloc(POLICY_BYTES_MAX + 1);
    if (!text)
        return could_not(ret_error, "cannot read it");
    length = read_all(fd, text, POLICY_BYTES_MAX + 1);
    if (length < 0)
        return could_not(ret_error, "cannot read it");
    policy = policy_parse(text, (size_t)length, POLICY_HOST, ret_error);
    if (!policy)
        return -1;
    *ret_policy = policy;
    return 1;
}
