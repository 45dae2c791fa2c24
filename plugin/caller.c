/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller.h"

#include "log.h"
#include "plugin.h"
#include "recorder.h"
#include "root_process.h"
#include "util/cleanup.h"

#include <inttypes.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* False for a caller by SASL or certificate, and when libvirt does not say all of it. */
static bool read_unix_user(Identity *identity, GroupsOwner *ret)
{
    return libvirt.identity_get_user(identity, &ret->user) == 1 &&
           libvirt.identity_get_uid(identity, &ret->uid) == 1 &&
           libvirt.identity_get_gid(identity, &ret->gid) == 1;
}

int caller_resolve_groups(LiveCaller *caller)
{
    GroupsOwner owner;
    GroupList *list;

    if (!caller->caller.user) /* in no UNIX group */
        return 0;
    if (!read_unix_user(caller->identity, &owner))
        return -1;
    list = caller_groups_get(&owner);
    if (!list)
        return -1;
    caller->groups = list;
    caller->caller.unix_groups = (const char *const *)list->groups.names;
    caller->caller.n_unix_groups = list->groups.n_names;
    return 0;
}

/* Not for the daemon itself: it sends no passthrough, and opens connections as it starts. */
static void renew_groups(Identity *identity)
{
    GroupsOwner owner;
    pid_t pid;

    if (libvirt.identity_get_pid(identity, &pid) == 1 && pid == getpid())
        return;
    if (read_unix_user(identity, &owner))
        caller_groups_renew(&owner);
}

/* Root, but nobody knows for whom. */
static bool may_be_a_daemon(Identity *identity)
{
    unsigned long long started = 0;
    uid_t uid;
    pid_t pid;

    if (libvirt.identity_get_uid(identity, &uid) != 1 || uid != 0 ||
        libvirt.identity_get_pid(identity, &pid) != 1)
        return false;
    if (libvirt.identity_get_started(identity, &started) != 1)
        started = 0;
    return root_process_may_be_daemon(pid, started);
}

void caller_connected(void)
{
    Identity *identity = libvirt.identity_get_current();

    if (!identity)
        return;
    renew_groups(identity);
    (void)may_be_a_daemon(identity); /* while the process is there to be looked at */
    libvirt.object_unref(identity);
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

/* What the identity says of one thing; NULL when it says nothing, or when libvirt cannot tell. */
static const char *ask(Identity *identity, int (*get)(Identity *, const char **), bool *ret_failed)
{
    const char *text = NULL;
    int found = get(identity, &text);

    *ret_failed = *ret_failed || found < 0;
    return found == 1 ? text : NULL;
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
    bool has_failed = false;

    *ret = (LiveCaller){.caller = {.uid = -1, .gid = -1, .pid = -1}};
    ret->identity = libvirt.identity_get_current();
    if (!ret->identity)
        return;
    ret->caller.user = ask(ret->identity, libvirt.identity_get_user, &has_failed);
    ret->caller.sasl = ask(ret->identity, libvirt.identity_get_sasl, &has_failed);
    ret->caller.x509 = ask(ret->identity, libvirt.identity_get_x509, &has_failed);
    ret->caller.selinux = ask(ret->identity, libvirt.identity_get_selinux, &has_failed);
    read_numbers(ret->identity, &ret->caller);
    read_claim(ret);
    if (has_failed) /* or a <deny> for what was not told would not count */
        return;
    if (may_be_a_daemon(ret->identity))
        return;
    ret->label = make_label(&ret->caller);
    ret->caller.label = ret->label;
}

void caller_clear(LiveCaller *caller)
{
    if (caller->identity)
        libvirt.object_unref(caller->identity);
    free(caller->label);
    group_list_unref(caller->groups);
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
        if (identity)
            renew_groups(identity);
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
