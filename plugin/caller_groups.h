/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names of callers' UNIX groups, kept. A name service may take its time, so it is
 * asked when a client connects and, later, beside the commands; a command asks itself
 * only when nothing fit for use is kept. No lock is held while the service is asked.
 */
#ifndef QG_CALLER_GROUPS_H
#define QG_CALLER_GROUPS_H

#include "util/unix_groups.h"

#include <stdatomic.h>
#include <stdint.h>

/* A UNIX user as it connected. */
typedef struct GroupsOwner {
    const char *user;
    uid_t uid;
    gid_t gid; /* the group that the user connected with */
} GroupsOwner;

/* Never changes once it is made; shared by reference count. */
typedef struct GroupList {
    atomic_uint references;
    char *user;
    gid_t gid;
    int64_t asked; /* monotonic milliseconds: what it says was true then, or later */
    UnixGroups groups;
} GroupList;

typedef enum GroupListState {
    GROUPS_TOO_OLD = 0, /* of no use */
    GROUPS_AGEING, /* used, and asked for anew meanwhile */
    GROUPS_GOOD,
    GROUPS_JUST_READ, /* a client that connects does not ask again */
} GroupListState;

/* What may be done with a list that is @age_ms milliseconds old. */
GroupListState group_list_state(int64_t age_ms);

/*
 * The groups, for a command. Returns a reference, or NULL when there is no answer: then
 * nobody knows what the user is not in. Released with group_list_unref().
 */
GroupList *caller_groups_get(const GroupsOwner *owner);

/*
 * Asks for the groups of a user who connects, unless that was done just now. Returns when
 * the answer is there, after some seconds at the latest: it comes all the same, and what
 * was kept stays in use until then.
 */
void caller_groups_renew(const GroupsOwner *owner);

void group_list_unref(GroupList *list);

#endif
