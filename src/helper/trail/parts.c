/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parts.h"

#include "util/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

/* A part that was found, and where it stands. */
typedef struct Found {
    int64_t age; /* the higher the older; the file itself: 0 */
    bool is_gzip;
    char name[NAME_MAX + 1];
} Found;

/* `.7`, `.7.gz`, or `-20261121` as logrotate's dateext has it. False: something else. */
static bool read_suffix(const char *suffix, Found *ret)
{
    char *end;
    long long number;

    ret->is_gzip = false;
    ret->age = 0;
    if (*suffix == '\0')
        return true;
    if ((*suffix != '.' && *suffix != '-') || suffix[1] < '0' || suffix[1] > '9')
        return false;
    errno = 0;
    number = strtoll(suffix + 1, &end, 10);
    ret->is_gzip = strcmp(end, ".gz") == 0;
    if (errno || number <= 0 || number >= INT64_MAX / 2 || (*end && !ret->is_gzip))
        return false;
    /* The later a date, the younger; and older than any number, should there be both. */
    ret->age = *suffix == '.' ? number : INT64_MAX - number;
    return true;
}

/* Oldest first. Of a part that is being compressed, the whole file comes first. */
static int by_age(const void *left, const void *right)
{
    const Found *a = left;
    const Found *b = right;

    if (a->age != b->age)
        return a->age > b->age ? -1 : 1;
    return (int)a->is_gzip - (int)b->is_gzip;
}

/* The parts in the directory, unopened. Caller frees. */
static Found *find(DIR *directory, const char *name, size_t *ret_count)
{
    CLEANUP(mem) Found *found = NULL;
    const struct dirent *entry;
    size_t count = 0;

    while ((entry = readdir(directory))) {
        size_t length = strlen(name);
        Found *grown;
        Found one;

        if (strncmp(entry->d_name, name, length) != 0 || !read_suffix(entry->d_name + length, &one))
            continue;
        strcpy(one.name, entry->d_name);
        grown = realloc(found, (count + 1) * sizeof(*grown));
        if (!grown)
            return NULL;
        found = grown;
        found[count++] = one;
    }
    if (count > 0)
        qsort(found, count, sizeof(*found), by_age);
    *ret_count = count;
    return steal_pointer(&found);
}

static bool is_open_already(const AuditParts *parts, int fd)
{
    struct stat info;
    struct stat other;

    if (fstat(fd, &info) < 0)
        return false;
    for (size_t i = 0; i < parts->count; i++) {
        if (fstat(parts->parts[i].fd, &other) == 0 && other.st_ino == info.st_ino &&
            other.st_dev == info.st_dev)
            return true;
    }
    return false;
}

/* Adds a part at the front. Returns -1 with the reason. */
static int open_part(AuditParts *parts, const char *directory, const char *name, Reason *why)
{
    CLEANUP(mem) char *path = NULL;
    int fd;

    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return reason_set(why, "out of memory");
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return reason_set(why, "cannot read %s: %s", path, strerror(errno));
    if (is_open_already(parts, fd)) {
        close(fd);
        return 0;
    }
    memmove(parts->parts + 1, parts->parts, parts->count * sizeof(*parts->parts));
    parts->parts[0] = (AuditPart){steal_pointer(&path), fd};
    parts->count++;
    return 0;
}

/*
 * From the youngest to the oldest: what a rotation moves meanwhile is found again under its
 * next name, and known by its inode.
 */
static int open_all(const char *directory, const Found *found, size_t count, AuditParts *ret,
                    Reason *why)
{
    ret->parts = calloc(count, sizeof(*ret->parts));
    if (!ret->parts)
        return reason_set(why, "out of memory");
    for (size_t i = count; i-- > 0;) {
        bool is_whole_too = i > 0 && found[i].is_gzip && found[i - 1].age == found[i].age;

        if (!is_whole_too && open_part(ret, directory, found[i].name, why) < 0)
            return -1;
    }
    return 0;
}

int audit_parts_open(const char *path, AuditParts *ret, Reason *why)
{
    const char *slash = strrchr(path, '/');
    CLEANUP(mem) char *directory = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    CLEANUP(mem) Found *found = NULL;
    size_t count = 0;
    DIR *opened;
    int result = 0;

    *ret = (AuditParts){0};
    if (!directory)
        return reason_set(why, "out of memory");
    opened = opendir(directory);
    if (!opened && errno != ENOENT)
        return reason_set(why, "cannot read %s: %s%s", directory, strerror(errno),
                          errno == EACCES ? ": run this as root" : "");
    if (opened) {
        found = find(opened, slash ? slash + 1 : path, &count);
        closedir(opened);
    }
    if (count > 0)
        result = open_all(directory, found, count, ret, why);
    if (result == 0 && ret->count == 0)
        result = reason_set(why, "there is no %s yet: no guarded daemon has written a record",
                            path);
    if (result < 0)
        audit_parts_clear(ret);
    return result;
}

void audit_parts_clear(AuditParts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->parts[i].fd >= 0)
            close(parts->parts[i].fd);
        free(parts->parts[i].path);
    }
    free(parts->parts);
    *parts = (AuditParts){0};
}
