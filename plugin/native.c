/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "native.h"

#include "libvirt_private.h"

#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define QEMU_DRIVER "QEMU" /* what the driver calls itself when it asks */
#define ACCESS_ALLOWED 1
#define CONNECT_GETATTR 0 /* VIR_ACCESS_PERM_CONNECT_GETATTR */
#define POLKIT_AUTHORIZED 0

typedef enum AccessDriver {
    ACCESS_UNCLEAR = 0, /* also what is no longer or not yet known of: gives nothing */
    ACCESS_NONE, /* gives everybody everything */
    ACCESS_POLKIT,
} AccessDriver;

/* The process that polkit is asked about. */
typedef struct Subject {
    pid_t pid;
    uid_t uid;
    unsigned long long started;
} Subject;

static AccessDriver access_driver; /* written once */

/* Whether the daemon's access control lets a caller of whom nothing is known do something. */
static bool lets_nobody_in(void *manager)
{
    Identity *nobody = libvirt.identity_new();
    Identity *caller = libvirt.identity_get_current();
    bool result = false;

    /* polkit has nobody to ask about, so no message is sent: the answer is an error. */
    if (nobody && libvirt.identity_set_current(nobody) == 0) {
        result = libvirt.access_check_connect(manager, QEMU_DRIVER, CONNECT_GETATTR) ==
                 ACCESS_ALLOWED;
        if (libvirt.identity_set_current(caller) < 0)
            result = false;
    }
    if (nobody)
        libvirt.object_unref(nobody);
    if (caller)
        libvirt.object_unref(caller);
    return result;
}

/* A daemon's access drivers are configured before it serves anybody, and never change. */
static void find_driver(void)
{
    void *manager;

    if (!libvirt.access_get_default || !libvirt.access_check_connect || !libvirt.identity_new)
        return;
    manager = libvirt.access_get_default();
    if (!manager)
        return;
    if (lets_nobody_in(manager))
        access_driver = ACCESS_NONE;
    else if (libvirt.polkit_check_auth)
        access_driver = ACCESS_POLKIT;
    libvirt.object_unref(manager);
}

/* False for whoever is no process that this host can see: polkit knows nobody else. */
static bool find_subject(Subject *ret)
{
    Identity *identity = libvirt.identity_get_current();
    bool found;

    if (!identity)
        return false;
    found = libvirt.identity_get_pid(identity, &ret->pid) == 1 && ret->pid > 0 &&
            libvirt.identity_get_uid(identity, &ret->uid) == 1 &&
            libvirt.identity_get_started(identity, &ret->started) == 1 && ret->started > 0;
    libvirt.object_unref(identity);
    return found;
}

/* The question that libvirt's driver would ask, word for word: rules of polkit's go by it. */
static bool ask_polkit(const Subject *subject, const char *permission, const char **details)
{
    char action[64];
    int length = snprintf(action, sizeof(action), "org.libvirt.api.domain.%s", permission);

    if (length < 0 || (size_t)length >= sizeof(action))
        return false;
    for (char *at = strchr(action, '_'); at; at = strchr(at, '_'))
        *at = '-';
    return libvirt.polkit_check_auth(action, subject->pid, subject->started, subject->uid, details,
                                     false) == POLKIT_AUTHORIZED;
}

static NativeSet ask_for_each(const char *domain_name, const char *domain_uuid, NativeSet asked)
{
    const char *details[] = {"connect_driver", QEMU_DRIVER, "domain_name", domain_name,
                             "domain_uuid",    domain_uuid, NULL};
    NativeSet granted = 0;
    Subject subject;

    if (!find_subject(&subject))
        return 0;
    for (unsigned bit = 0; native_name(bit); bit++) {
        NativeSet permission = (NativeSet)1 << bit;

        if (asked & permission && ask_polkit(&subject, native_name(bit), details))
            granted |= permission;
    }
    return granted;
}

NativeSet native_granted(const char *domain_name, const char *domain_uuid, NativeSet asked)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    NativeSet granted = 0;

    if (!domain_name || !domain_uuid || !asked || pthread_once(&once, find_driver) != 0)
        return 0;
    if (access_driver == ACCESS_NONE)
        granted = asked;
    else if (access_driver == ACCESS_POLKIT)
        granted = ask_for_each(domain_name, domain_uuid, asked);
    virResetLastError();
    return granted;
}
