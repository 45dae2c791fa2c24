/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The UNIX groups of a user, by name, from the name service. */
#ifndef QG_UNIX_GROUPS_H
#define QG_UNIX_GROUPS_H

#include <stddef.h>
#include <sys/types.h>

typedef struct UnixGroups {
    char **names;
    size_t n_names;
} UnixGroups;

/*
 * Asks for all groups of @user, with @gid, the group it connected with, beside them; (gid_t)-1:
 * it did not. It may take as long as the name service takes. Returns 0, or -1 when there is no
 * full answer: then nobody knows what the user is not in. Released with unix_groups_clear().
 */
int unix_groups_read(const char *user, gid_t gid, UnixGroups *ret);
void unix_groups_clear(UnixGroups *groups);

#endif
