/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Opens a file of the process. NULL with the reason, and errno. */
static FILE *open_file(const char *directory, const char *name, Reason *why)
{
    CLEANUP(mem) char *path = NULL;
    FILE *file;

    if (asprintf(&path, "%s/%s", directory, name) < 0) {
        path = NULL;
        reason_set(why, "out of memory");
        errno = ENOMEM;
        return NULL;
    }
    file = fopen(path, "re");
    if (!file) {
        int error = errno;

        reason_set(why, "cannot read %s: %s", path, strerror(error));
        errno = error;
    }
    return file;
}

static bool has_root_group(const char *list)
{
    unsigned group;
    int length;

    while (sscanf(list, "%u%n", &group, &length) == 1) {
        if (group == 0)
            return true;
        list += length;
    }
    return false;
}

/* What a status must have: a bit for each. */
enum {
    SEEN_UIDS = 1,
    SEEN_GIDS = 2,
    SEEN_PERMITTED = 4,
    SEEN_EFFECTIVE = 8,
    SEEN_ALL = 15,
};

/* The capabilities that a process has, and those that it may turn on. */
static bool read_capabilities(const char *line, ProcessFacts *facts, unsigned *seen)
{
    static const struct CapabilityRow {
        const char *key;
        unsigned bit;
    } rows[] = {
        {"CapPrm:", SEEN_PERMITTED},
        {"CapEff:", SEEN_EFFECTIVE},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t length = strlen(rows[i].key);
        char *end = NULL;

        if (strncmp(line, rows[i].key, length) != 0)
            continue;
        facts->capabilities |= strtoull(line + length, &end, 16);
        *seen |= end > line + length ? rows[i].bit : 0;
        return true;
    }
    return false;
}

static void read_status_line(const char *line, ProcessFacts *facts, unsigned *seen)
{
    int number;

    if (read_capabilities(line, facts, seen))
        return;
    if (sscanf(line, "Uid: %u %u %u %u", &facts->uids[0], &facts->uids[1], &facts->uids[2],
               &facts->uids[3]) == 4)
        *seen |= SEEN_UIDS;
    else if (sscanf(line, "Gid: %u %u %u %u", &facts->gids[0], &facts->gids[1], &facts->gids[2],
                    &facts->gids[3]) == 4)
        *seen |= SEEN_GIDS;
    else if (strncmp(line, "Groups:", strlen("Groups:")) == 0)
        facts->in_root_group = has_root_group(line + strlen("Groups:"));
    else if (sscanf(line, "Seccomp: %d", &number) == 1)
        facts->seccomp = number;
    else if (sscanf(line, "NoNewPrivs: %d", &number) == 1)
        facts->no_new_privs = number;
}

void process_read(const char *directory, ProcessFacts *ret)
{
    CLEANUP(file) FILE *status = NULL;
    CLEANUP(mem) char *line = NULL;
    unsigned seen = 0;
    size_t space = 0;

    *ret = (ProcessFacts){.seccomp = -1, .no_new_privs = -1};
    status = open_file(directory, "status", &ret->why);
    if (!status)
        return;
    while (getline(&line, &space, status) >= 0)
        read_status_line(line, ret, &seen);
    if (seen == SEEN_ALL)
        ret->knowledge = KNOWN;
    else
        reason_set(&ret->why, "%s/status does not say who it is", directory);
}

/* Returns 0, or -1 with the reason. */
static int look_at_namespace(const char *directory, struct stat *ret, Reason *why)
{
    CLEANUP(mem) char *path = NULL;

    if (asprintf(&path, "%s/ns/mnt", directory) < 0) {
        path = NULL;
        return reason_set(why, "out of memory");
    }
    return stat(path, ret) < 0 ? reason_set(why, "cannot look at %s: %s", path, strerror(errno))
                               : 0;
}

void mount_namespace_read(const char *directory, const char *other, NamespaceFacts *ret)
{
    struct stat own = {0};
    struct stat others = {0};

    *ret = (NamespaceFacts){0};
    if (look_at_namespace(directory, &own, &ret->why) < 0 ||
        look_at_namespace(other, &others, &ret->why) < 0)
        return;
    ret->knowledge = KNOWN;
    ret->is_own = own.st_ino != others.st_ino || own.st_dev != others.st_dev;
}

void label_read(const char *directory, LabelFacts *ret)
{
    CLEANUP(file) FILE *file = NULL;
    size_t length;

    *ret = (LabelFacts){0};
    file = open_file(directory, "attr/current", &ret->why);
    errno = file ? 0 : errno;
    length = file ? fread(ret->text, 1, sizeof(ret->text) - 1, file) : 0;
    /* Without a module that labels processes the file is not there, or has nothing to read. */
    if (errno == ENOENT || errno == EINVAL) {
        ret->knowledge = NOT_THERE;
        return;
    }
    if (!file || ferror(file)) {
        reason_set(&ret->why, "cannot read %s/attr/current: %s", directory, strerror(errno));
        return;
    }
    ret->text[length] = '\0';
    ret->text[strcspn(ret->text, "\n")] = '\0';
    ret->knowledge = *ret->text ? KNOWN : NOT_THERE;
}

int command_line_read(const char *directory, StringList *ret, Reason *why)
{
    CLEANUP(file) FILE *file = NULL;
    CLEANUP(mem) char *argument = NULL;
    size_t space = 0;

    *ret = (StringList){0};
    file = open_file(directory, "cmdline", why);
    if (!file)
        return -1;
    while (getdelim(&argument, &space, '\0', file) >= 0) {
        if (string_list_add(ret, argument) < 0) {
            string_list_clear(ret);
            return reason_set(why, "out of memory");
        }
    }
    if (ferror(file) || ret->count == 0) {
        string_list_clear(ret);
        return reason_set(why, "%s/cmdline is empty", directory);
    }
    return 0;
}
