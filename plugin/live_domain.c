/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live_domain.h"

#include "libvirt_private.h"
#include "policy/policy.h"

#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdlib.h>

static Identity *system_identity;

/* Made once: libvirt reads files to make it, and it never changes. */
static void make_system_identity(void)
{
    system_identity = libvirt.identity_get_system();
}

static int libvirt_failed(Reason *why, const char *what)
{
    const char *message = virGetLastErrorMessage();

    return reason_set(why, "%s: %s", what, message ? message : "unknown error");
}

static int read_as_system(virDomainPtr handle, LiveDomain *ret, Reason *why)
{
    unsigned char uuid[VIR_UUID_BUFLEN];

    if (virDomainGetUUID(handle, uuid) < 0)
        return libvirt_failed(why, "the domain has no UUID");
    ret->domain = virDomainLookupByUUID(virDomainGetConnect(handle), uuid);
    if (!ret->domain)
        return libvirt_failed(why, "no such domain");
    ret->name = virDomainGetName(ret->domain);
    ret->policy_xml = virDomainGetMetadata(ret->domain, VIR_DOMAIN_METADATA_ELEMENT,
                                           POLICY_NAMESPACE, 0);
    if (!ret->policy_xml && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN_METADATA)
        return libvirt_failed(why, "cannot read the domain's policy");
    return 0;
}

int live_domain_read(virDomainPtr handle, LiveDomain *ret, Reason *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    Identity *caller = libvirt.identity_get_current();
    int result;

    *ret = (LiveDomain){.name = virDomainGetName(handle)};
    pthread_once(&once, make_system_identity);
    if (!system_identity || libvirt.identity_set_current(system_identity) < 0) {
        result = reason_set(why, "cannot take the daemon's own identity");
    } else {
        result = read_as_system(handle, ret, why);
        if (libvirt.identity_set_current(caller) < 0)
            result = reason_set(why, "cannot take the caller's identity again");
    }
    if (caller)
        libvirt.object_unref(caller);
    return result;
}

void live_domain_clear(LiveDomain *domain)
{
    if (domain->domain)
        virDomainFree(domain->domain);
    free(domain->policy_xml);
    *domain = (LiveDomain){0};
}
