/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "limits.h"

#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

/* What version 1 writes for no limit of memory is near the largest number. */
#define AS_GOOD_AS_NONE (1ULL << 62)

static const struct ControllerRow {
    const char *name;
    const char *file; /* version 2 */
    const char *old_file; /* version 1, where the controller has a tree of its own */
} controllers[] = {
    {"memory", "memory.max", "memory.limit_in_bytes"},
    {"pids", "pids.max", "pids.max"},
    {"cpu", "cpu.max", "cpu.cfs_quota_us"},
};

#define CONTROLLER_COUNT (sizeof(controllers) / sizeof(controllers[0]))

/* Which group the process is in: of each controller, and of version 2; NULL: in none. */
typedef struct Groups {
    char *old[CONTROLLER_COUNT];
    char *unified;
} Groups;

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (; *list; list += strspn(list, ",")) {
        size_t item = strcspn(list, ",");

        if (item == length && strncmp(list, word, length) == 0)
            return true;
        list += item;
    }
    return false;
}

/* `4:memory:/group`, `0::/group` */
static void read_group(char *line, Groups *groups)
{
    char *list = strchr(line, ':');
    char *path = list ? strchr(list + 1, ':') : NULL;

    if (!path)
        return;
    line[strcspn(line, "\n")] = '\0';
    *path++ = '\0';
    list++;
    if (!*list) {
        free(groups->unified);
        groups->unified = strdup(path);
    }
    for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
        if (!has_word(list, controllers[i].name))
            continue;
        free(groups->old[i]);
        groups->old[i] = strdup(path);
    }
}

/* The number that the file begins with. False: there is none, or it is no limit. */
static bool read_limit(const char *path, unsigned long long *ret)
{
    CLEANUP(file) FILE *file = fopen(path, "re");

    return file && fscanf(file, "%20llu", ret) == 1 && *ret < AS_GOOD_AS_NONE;
}

/* What holds is the smallest on the way from @group up to the root. */
static bool find_limit(const char *tree, const char *group, const char *name,
                       unsigned long long *ret)
{
    CLEANUP(mem) char *at = strdup(strcmp(group, "/") == 0 ? "" : group);
    bool is_limited = false;

    while (at) {
        CLEANUP(mem) char *path = NULL;
        unsigned long long limit;
        char *slash;

        if (asprintf(&path, "%s%s/%s", tree, at, name) < 0) {
            path = NULL;
            return false;
        }
        if (read_limit(path, &limit) && (!is_limited || limit < *ret)) {
            *ret = limit;
            is_limited = true;
        }
        slash = strrchr(at, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
    return is_limited;
}

static void add_limit(LimitFacts *facts, const char *name, unsigned long long limit)
{
    size_t length = strlen(facts->text);

    snprintf(facts->text + length, sizeof(facts->text) - length, "%s%s %llu", length ? ", " : "",
             name, limit);
}

/* A controller is in version 1 when the process has a group of it there. */
static void find_limits(const Groups *groups, const char *mount, LimitFacts *facts)
{
    for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
        const char *group = groups->old[i] ? groups->old[i] : groups->unified;
        const char *name = groups->old[i] ? controllers[i].old_file : controllers[i].file;
        CLEANUP(mem) char *tree = NULL;
        unsigned long long limit = 0;

        if (asprintf(&tree, "%s%s%s", mount, groups->old[i] ? "/" : "",
                     groups->old[i] ? controllers[i].name : "") < 0) {
            tree = NULL;
            continue;
        }
        if (group && find_limit(tree, group, name, &limit))
            add_limit(facts, controllers[i].name, limit);
    }
}

void limits_read(const char *directory, const char *mount, LimitFacts *ret)
{
    CLEANUP(file) FILE *file = NULL;
    CLEANUP(mem) char *path = NULL;
    CLEANUP(mem) char *line = NULL;
    Groups groups = {0};
    size_t space = 0;

    *ret = (LimitFacts){0};
    if (asprintf(&path, "%s/cgroup", directory) < 0) {
        path = NULL;
        reason_set(&ret->why, "out of memory");
        return;
    }
    file = fopen(path, "re");
    if (!file) {
        reason_set(&ret->why, "cannot read %s: %s", path, strerror(errno));
        return;
    }
    while (getline(&line, &space, file) >= 0)
        read_group(line, &groups);
    find_limits(&groups, mount, ret);
    ret->knowledge = *ret->text ? KNOWN : NOT_THERE;
    for (size_t i = 0; i < CONTROLLER_COUNT; i++)
        free(groups.old[i]);
    free(groups.unified);
}
