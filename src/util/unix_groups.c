/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unix_groups.h"

#include "cleanup.h"

#include <errno.h>
#include <grp.h>
#include <string.h>

#define GROUPS_MAX 1024
#define ENTRY_BYTES_MAX ((size_t)1048576)

/* The name of a group; NULL when it has none or memory is short. Caller frees. */
static char *group_name(gid_t gid)
{
    CLEANUP(mem) char *buffer = NULL;
    struct group entry;
    struct group *found = NULL;

    for (size_t size = 1024; size <= ENTRY_BYTES_MAX; size *= 2) {
        char *grown = realloc(buffer, size);
        int error;

        if (!grown)
            return NULL;
        buffer = grown;
        error = getgrgid_r(gid, &entry, buffer, size, &found);
        if (error != ERANGE)
            return error == 0 && found ? strdup(found->gr_name) : NULL;
    }
    return NULL;
}

int unix_groups_read(const char *user, gid_t gid, UnixGroups *ret)
{
    CLEANUP(mem) gid_t *gids = calloc(GROUPS_MAX, sizeof(*gids));
    UnixGroups groups = {0};
    int count = GROUPS_MAX;

    if (!gids || getgrouplist(user, gid, gids, &count) < 0)
        return -1;
    groups.names = calloc((size_t)count + 1, sizeof(*groups.names));
    if (!groups.names)
        return -1;
    for (int i = 0; i < count; i++) {
        char *name = group_name(gids[i]);

        if (name)
            groups.names[groups.n_names++] = name;
    }
    *ret = groups;
    return 0;
}

void unix_groups_clear(UnixGroups *groups)
{
    for (size_t i = 0; i < groups->n_names; i++)
        free(groups->names[i]);
    free(groups->names);
    *groups = (UnixGroups){0};
}
