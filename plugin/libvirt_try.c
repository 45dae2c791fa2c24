/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt_try.h"

#include "libvirt_private.h"

#include <string.h>

/* Of each kind another: one that reads a number of another size does not find it. */
#define TRIED_UID ((uid_t)0x01020304)
#define TRIED_GID ((gid_t)0x05060708)
#define TRIED_PID ((pid_t)0x090a0b0c)
#define TRIED_TIME 0x1112131415161718ULL

/* A getter that speaks before it is told, or then says something else, is not the one we know. */
static bool says_text(Identity *identity, const char *told, int (*set)(Identity *, const char *),
                      int (*get)(Identity *, const char **))
{
    const char *said = NULL;

    return get(identity, &said) == 0 && !said && set(identity, told) == 0 &&
           get(identity, &said) == 1 && said && strcmp(said, told) == 0;
}

static bool says_uid(Identity *identity)
{
    uid_t said = 0;

    return libvirt.identity_get_uid(identity, &said) == 0 &&
           libvirt.identity_set_uid(identity, TRIED_UID) == 0 &&
           libvirt.identity_get_uid(identity, &said) == 1 && said == TRIED_UID;
}

static bool says_gid(Identity *identity)
{
    gid_t said = 0;

    return libvirt.identity_get_gid(identity, &said) == 0 &&
           libvirt.identity_set_gid(identity, TRIED_GID) == 0 &&
           libvirt.identity_get_gid(identity, &said) == 1 && said == TRIED_GID;
}

static bool says_pid(Identity *identity)
{
    pid_t said = 0;

    return libvirt.identity_get_pid(identity, &said) == 0 &&
           libvirt.identity_set_pid(identity, TRIED_PID) == 0 &&
           libvirt.identity_get_pid(identity, &said) == 1 && said == TRIED_PID;
}

static bool says_time(Identity *identity)
{
    unsigned long long said = 0;

    return libvirt.identity_get_started(identity, &said) == 0 &&
           libvirt.identity_set_started(identity, TRIED_TIME) == 0 &&
           libvirt.identity_get_started(identity, &said) == 1 && said == TRIED_TIME;
}

static const char *try_identity(Identity *identity)
{
    if (!says_text(identity, "user", libvirt.identity_set_user, libvirt.identity_get_user))
        return "virIdentityGetUserName";
    if (!says_text(identity, "sasl", libvirt.identity_set_sasl, libvirt.identity_get_sasl))
        return "virIdentityGetSASLUserName";
    if (!says_text(identity, "x509", libvirt.identity_set_x509, libvirt.identity_get_x509))
        return "virIdentityGetX509DName";
    if (!says_text(identity, "selinux", libvirt.identity_set_selinux, libvirt.identity_get_selinux))
        return "virIdentityGetSELinuxContext";
    if (!says_uid(identity))
        return "virIdentityGetUNIXUserID";
    if (!says_gid(identity))
        return "virIdentityGetUNIXGroupID";
    if (!says_pid(identity))
        return "virIdentityGetProcessID";
    if (!says_time(identity))
        return "virIdentityGetProcessTime";
    return NULL;
}

const char *libvirt_try(void)
{
    Identity *identity;
    const char *wrong;

    /* Its getters write the thread's error. The daemon's main() does the same first of all. */
    if (virInitialize() < 0)
        return "virInitialize";
    identity = libvirt.identity_new();
    if (!identity)
        return "virIdentityNew";
    wrong = try_identity(identity);
    libvirt.object_unref(identity);
    return wrong;
}
