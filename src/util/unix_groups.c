/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unix_groups.h"

#include "cleanup.h"
#include "entry_buffer.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#define GROUPS_MAX 1024

/*
 * Finds the name of a group. Returns 1, 0 when it has none, -1 when the name service
 * does not answer. Caller frees.
 */
static int find_group_name(gid_t gid, char **ret_name)
{
    CLEANUP(mem) char *buffer = NULL;
    struct group entry;
    struct group *found = NULL;
    size_t size = 0;
    int error = ERANGE;

    while (error == ERANGE && entry_buffer_grow(&buffer, &size))
        error = getgrgid_r(gid, &entry, buffer, size, &found);
    if (error != 0)
        return -1;
    *ret_name = found ? strdup(found->gr_name) : NULL;
    return !found ? 0 : *ret_name ? 1 : -1;
}

/* The group that the user has in the user database: 0, or -1 when there is no answer. */
static int find_primary_group(const char *user, gid_t *ret_gid)
{
    CLEANUP(mem) char *buffer = NULL;
    struct passwd entry;
    struct passwd *found = NULL;
    size_t size = 0;
    int error = ERANGE;

    while (error == ERANGE && entry_buffer_grow(&buffer, &size))
        error = getpwnam_r(user, &entry, buffer, size, &found);
    if (error != 0 || !found)
        return -1;
    *ret_gid = entry.pw_gid;
    return 0;
}

/* getgrouplist(3) hides errors; that the primary group has a name shows that it answered. */
static int add_names(UnixGroups *groups, const gid_t *gids, int count, gid_t primary)
{
    for (int i = 0; i < count; i++) {
        char *name = NULL;
        int found = find_group_name(gids[i], &name);

        if (found < 0 || (found == 0 && gids[i] == primary))
            return -1;
        if (found == 1)
            groups->names[groups->n_names++] = name;
    }
    return 0;
}

int unix_groups_read(const char *user, gid_t gid, UnixGroups *ret)
{
    CLEANUP(mem) gid_t *gids = calloc(GROUPS_MAX + 1, sizeof(*gids));
    UnixGroups groups = {0};
    int count = GROUPS_MAX;
    gid_t primary;

    /* sg(1) and newgrp(1) change the group that a user connects with, not who it is. */
    if (!gids || find_primary_group(user, &primary) < 0 ||
        getgrouplist(user, primary, gids, &count) < 0)
        return -1;
    if (gid != (gid_t)-1)
        gids[count++] = gid;
    groups.names = calloc((size_t)count, sizeof(*groups.names));
    if (!groups.names || add_names(&groups, gids, count, primary) < 0) {
        unix_groups_clear(&groups);
        return -1;
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
