/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller_groups.h"

#include "util/monotonic.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JUST_READ_MS 2000
#define GOOD_MS 60000
#define USED_MS 300000

/*
 * libvirt opens a connection with a lock of the client's held, and its event loop wants
 * that lock when the client hangs up: a dead name service must not stop the daemon.
 */
#define RENEW_WAIT_SECONDS 5

/* Room for what name service modules do; they are written for ordinary threads. */
#define LOOKUP_STACK_BYTES ((size_t)512 * 1024)

#define SLOTS 256

typedef struct Slot {
    GroupList *list;
    bool is_asking; /* a thread of ours is at it */
} Slot;

/* What a thread of ours is given. */
typedef struct Lookup {
    char *user;
    uid_t uid;
    gid_t gid;
} Lookup;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered; /* some slot's is_asking became false */
static Slot slots[SLOTS]; /* guarded by lock; by uid */

GroupListState group_list_state(int64_t age_ms)
{
    static const struct {
        int64_t below;
        GroupListState state;
    } ages[] = {
        {JUST_READ_MS, GROUPS_JUST_READ},
        {GOOD_MS, GROUPS_GOOD},
        {USED_MS, GROUPS_AGEING},
    };

    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        if (age_ms < ages[i].below)
            return ages[i].state;
    }
    return GROUPS_TOO_OLD;
}

void group_list_unref(GroupList *list)
{
    if (!list || atomic_fetch_sub(&list->references, 1) > 1)
        return;
    unix_groups_clear(&list->groups);
    free(list->user);
    free(list);
}

static Slot *slot_of(uid_t uid)
{
    return &slots[uid % SLOTS];
}

static bool is_owned_by(const GroupList *list, const GroupsOwner *owner)
{
    return strcmp(list->user, owner->user) == 0 && list->gid == owner->gid;
}

/* Called with the lock held. */
static GroupListState state_of(const Slot *slot, const GroupsOwner *owner)
{
    return slot->list && is_owned_by(slot->list, owner)
               ? group_list_state(monotonic_ms() - slot->list->asked)
               : GROUPS_TOO_OLD;
}

/* Asks the name service: never with the lock held. */
static GroupList *ask(const GroupsOwner *owner)
{
    GroupList *list = calloc(1, sizeof(*list));

    if (!list)
        return NULL;
    atomic_init(&list->references, 1);
    list->user = strdup(owner->user);
    list->gid = owner->gid;
    list->asked = monotonic_ms();
    if (!list->user || unix_groups_read(owner->user, owner->gid, &list->groups) < 0) {
        group_list_unref(list);
        return NULL;
    }
    return list;
}

/* Called with the lock held. Returns what is to be released without it. */
static GroupList *put_into(Slot *slot, GroupList *list, const GroupsOwner *owner)
{
    GroupList *old = slot->list;

    /* Of two who asked, the slower one may know less. */
    if (old && is_owned_by(old, owner) && old->asked > list->asked)
        return list;
    slot->list = list;
    return old;
}

static void *run_lookup(void *opaque)
{
    Lookup *lookup = opaque;
    const GroupsOwner owner = {.user = lookup->user, .uid = lookup->uid, .gid = lookup->gid};
    Slot *slot = slot_of(lookup->uid);
    GroupList *list = ask(&owner);
    GroupList *released = NULL;

    pthread_mutex_lock(&lock);
    if (list)
        released = put_into(slot, list, &owner);
    slot->is_asking = false;
    pthread_cond_broadcast(&answered);
    pthread_mutex_unlock(&lock);

    group_list_unref(released);
    free(lookup->user);
    free(lookup);
    return NULL;
}

/* Returns 0, or -1 when no thread can be had. The daemon's signals are its own threads'. */
static int start_thread(Lookup *lookup)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int error = pthread_attr_init(&attributes);

    if (error)
        return -1;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, LOOKUP_STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread, &attributes, run_lookup, lookup);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error ? -1 : 0;
}

/* The day's clock may be set, and would make a wait longer. */
static void make_condition(void)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&answered, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* Called with the lock held, for a slot that no thread of ours asks for. */
static void start_lookup(Slot *slot, const GroupsOwner *owner)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    Lookup *lookup = malloc(sizeof(*lookup));

    pthread_once(&once, make_condition);
    if (!lookup)
        return;
    *lookup = (Lookup){.user = strdup(owner->user), .uid = owner->uid, .gid = owner->gid};
    slot->is_asking = lookup->user && start_thread(lookup) == 0;
    if (!slot->is_asking) {
        free(lookup->user);
        free(lookup);
    }
}

/* What is kept, when it may be used; a command never waits for what is asked meanwhile. */
static GroupList *find(const GroupsOwner *owner)
{
    Slot *slot = slot_of(owner->uid);
    GroupList *list = NULL;
    GroupListState state;

    pthread_mutex_lock(&lock);
    state = state_of(slot, owner);
    if (state != GROUPS_TOO_OLD) {
        list = slot->list;
        atomic_fetch_add(&list->references, 1);
    }
    if (state == GROUPS_AGEING && !slot->is_asking)
        start_lookup(slot, owner);
    pthread_mutex_unlock(&lock);
    return list;
}

GroupList *caller_groups_get(const GroupsOwner *owner)
{
    GroupList *list = find(owner);
    GroupList *released;

    if (list)
        return list;
    list = ask(owner);
    if (!list)
        return NULL;
    atomic_fetch_add(&list->references, 1);
    pthread_mutex_lock(&lock);
    released = put_into(slot_of(owner->uid), list, owner);
    pthread_mutex_unlock(&lock);
    group_list_unref(released);
    return list;
}

/* Called with the lock held. Returns false when it is still asked for at @deadline. */
static bool wait_for_answer(const Slot *slot, const struct timespec *deadline)
{
    while (slot->is_asking) {
        if (pthread_cond_timedwait(&answered, &lock, deadline) == ETIMEDOUT)
            return !slot->is_asking;
    }
    return true;
}

void caller_groups_renew(const GroupsOwner *owner)
{
    Slot *slot = slot_of(owner->uid);
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += RENEW_WAIT_SECONDS;

    pthread_mutex_lock(&lock);
    /* What was asked before this client connected may miss what changed since. */
    if (wait_for_answer(slot, &deadline) && state_of(slot, owner) != GROUPS_JUST_READ) {
        start_lookup(slot, owner);
        (void)wait_for_answer(slot, &deadline);
    }
    pthread_mutex_unlock(&lock);
}
