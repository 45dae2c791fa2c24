/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libvirt_try.h"

#include "libvirt_private.h"

#include <string.h>

/* A getter that speaks before it is told, or then says something else, is not the one we know. */
static bool says_text(Identity *identity, const char *told, int (*set)(Identity *, const char *),
                      int (*get)(Identity *, const char **))
{
    const char *said = NULL;

    return get(identity, &said) == 0 && !said && set(identity, told) == 0 &&
           get(identity, &said) == 1 && said && strcmp(said, told) == 0;
}

#define SAYS_NUMBER(what, type, told)                                                              \
    static bool says_##what(Identity *identity)                                                    \
    {                                                                                              \
        type said = 0;                                                                             \
                                                                                                   \
        return libvirt.identity_get_##what(identity, &said) == 0 &&                                \
               libvirt.identity_set_##what(identity, told) == 0 &&                                 \
               libvirt.identity_get_##what(identity, &said) == 1 && said == (told);                \
    }

/* Of each kind another: one that reads a number of another size does not find it. */
SAYS_NUMBER(uid, uid_t, 0x01020304)
SAYS_NUMBER(gid, gid_t, 0x05060708)
SAYS_NUMBER(pid, pid_t, 0x090a0b0c)
SAYS_NUMBER(started, unsigned long long, 0x1112131415161718ULL)

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
    if (!says_started(identity))
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
