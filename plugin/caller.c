/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller.h"

#include "log.h"
#include "plugin.h"
#include "recorder.h"
#include "util/cleanup.h"
#include "util/unix_groups.h"

#include <inttypes.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GROUPS_KEPT_SECONDS 60
#define GROUP_SLOTS 64

/* The group names of one user. Never changes once it is made; shared by reference count. */
typedef struct GroupList {
    atomic_uint references;
    char *user;
    gid_t gid; /* the group that the user connected with */
    time_t made; /* monotonic seconds */
    UnixGroups groups;
} GroupList;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GroupList *slots[GROUP_SLOTS]; /* guarded by lock; by uid */

static void group_list_unref(GroupList *list)
{
    if (!list || atomic_fetch_sub(&list->references, 1) > 1)
        return;
    unix_groups_clear(&list->groups);
    free(list->user);
    free(list);
}

static time_t monotonic_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static GroupList *resolve(const char *user, gid_t gid)
{
    GroupList *list = calloc(1, sizeof(*list));

    if (!list)
        return NULL;
    atomic_init(&list->references, 1);
    list->user = strdup(user);
    list->gid = gid;
    list->made = monotonic_seconds();
    if (!list->user || unix_groups_read(user, gid, &list->groups) < 0) {
        group_list_unref(list);
        return NULL;
    }
    return list;
}

static GroupList *find_list(const char *user, gid_t gid, size_t slot)
{
    GroupList *list;

    pthread_mutex_lock(&lock);
    list = slots[slot];
    if (list && strcmp(list->user, user) == 0 && list->gid == gid &&
        monotonic_seconds() - list->made < GROUPS_KEPT_SECONDS)
        atomic_fetch_add(&list->references, 1);
    else
        list = NULL;
    pthread_mutex_unlock(&lock);
    return list;
}

static void keep_list(GroupList *list, size_t slot)
{
    GroupList *old;

    atomic_fetch_add(&list->references, 1);
    pthread_mutex_lock(&lock);
    old = slots[slot];
    slots[slot] = list;
    pthread_mutex_unlock(&lock);
    group_list_unref(old);
}

int caller_resolve_groups(LiveCaller *caller)
{
    uid_t uid;
    gid_t gid;
    GroupList *list;

    if (!caller->caller.user) /* a caller by SASL or certificate is in no UNIX group */
        return 0;
    if (libvirt.identity_get_uid(caller->identity, &uid) != 1 ||
        libvirt.identity_get_gid(caller->identity, &gid) != 1)
        return -1;
    list = find_list(caller->caller.user, gid, uid % GROUP_SLOTS);
    if (!list) {
        /* No lock is held here: a name service may take its time. */
        list = resolve(caller->caller.user, gid);
        if (!list)
            return -1;
        keep_list(list, uid % GROUP_SLOTS);
    }
    caller->groups = list;
    caller->caller.unix_groups = (const char *const *)list->groups.names;
    caller->caller.n_unix_groups = list->groups.n_names;
    return 0;
}

/* What people are shown: never something that looks like a UNIX user and is none. */
static char *make_label(const Caller *caller)
{
    char *label = NULL;
    int length = -1;

    if (caller->user)
        return strdup(caller->user);
    if (caller->sasl)
        length = asprintf(&label, "sasl:%s", caller->sasl);
    else if (caller->x509)
        length = asprintf(&label, "x509:%s", caller->x509);
    else if (caller->uid >= 0)
        length = asprintf(&label, "uid:%" PRId64, caller->uid);
    return length < 0 ? NULL : label;
}

/* What the identity says of one thing; NULL when it says nothing. */
static const char *ask(Identity *identity, int (*get)(Identity *, const char **))
{
    const char *text = NULL;

    return get(identity, &text) == 1 ? text : NULL;
}

/* For the record; the label may be made of uid. */
static void read_numbers(Identity *identity, Caller *caller)
{
    uid_t uid;
    gid_t gid;
    pid_t pid;

    caller->uid = libvirt.identity_get_uid(identity, &uid) == 1 ? (int64_t)uid : -1;
    caller->gid = libvirt.identity_get_gid(identity, &gid) == 1 ? (int64_t)gid : -1;
    caller->pid = libvirt.identity_get_pid(identity, &pid) == 1 ? (int64_t)pid : -1;
}

static void read_claim(LiveCaller *caller)
{
    unsigned long long started;

    if (caller->caller.pid > 0 && libvirt.identity_get_started(caller->identity, &started) == 1) {
        claims_find((pid_t)caller->caller.pid, started, caller->claimed);
        caller->caller.claimed = *caller->claimed ? caller->claimed : NULL;
    }
}

void caller_read(LiveCaller *ret)
{
    *ret = (LiveCaller){.caller = {.uid = -1, .gid = -1, .pid = -1}};
    ret->identity = libvirt.identity_get_current();
    if (!ret->identity)
        return;
    ret->caller.user = ask(ret->identity, libvirt.identity_get_user);
    ret->caller.sasl = ask(ret->identity, libvirt.identity_get_sasl);
    ret->caller.x509 = ask(ret->identity, libvirt.identity_get_x509);
    ret->caller.selinux = ask(ret->identity, libvirt.identity_get_selinux);
    read_numbers(ret->identity, &ret->caller);
    read_claim(ret);
    ret->label = make_label(&ret->caller);
    ret->caller.label = ret->label;
}

void caller_clear(LiveCaller *caller)
{
    if (caller->identity)
        libvirt.object_unref(caller->identity);
    free(caller->label);
    group_list_unref((GroupList *)caller->groups);
    *caller = (LiveCaller){0};
}

/* Into the trail, beside the log's line. */
static void record_claim(uid_t uid, pid_t pid, const char *claimed)
{
    const Caller caller = {.uid = (int64_t)uid, .gid = -1, .pid = (int64_t)pid, .claimed = claimed};
    CLEANUP(mem) char *json = audit_identity_json(&caller);

    if (json)
        (void)recorder_append(json);
}

void caller_claim(void *client, Identity *identity)
{
    unsigned long long started;
    const char *claimed = NULL;
    CLEANUP(mem) char *encoded = NULL;
    uid_t uid;
    gid_t gid;
    pid_t pid;

    if (!plugin_is_active()) {
        libvirt.client_set_identity(client, identity);
        return;
    }
    if (plugin_failure())
        return;
    /* On TCP the kernel knows of no peer, and says so with -1. */
    if (libvirt.client_get_unix_identity(client, &uid, &gid, &pid, &started) < 0 ||
        uid == (uid_t)-1) {
        virResetLastError();
        log_line(LOG_IDENTITY_REFUSED,
                 "QMP identity refused: - | only a UNIX socket's peer that is "
                 "root may speak for another");
        return;
    }
    if (uid == 0) {
        libvirt.client_set_identity(client, identity);
        return;
    }
    if (identity && libvirt.identity_get_user(identity, &claimed) != 1)
        claimed = NULL;
    if (!claims_note(pid, started, claimed ? claimed : "?"))
        return;
    record_claim(uid, pid, claimed);
    encoded = audit_name(claimed);
    log_line(LOG_IDENTITY_REFUSED, "QMP identity refused: uid:%u | claimed=%s", uid,
             encoded ? encoded : "?");
}
