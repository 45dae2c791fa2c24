/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live_domain.h"

#include "domain/domain_xml.h"
#include "libvirt_private.h"
#include "policy/policy.h"
#include "util/cleanup.h"

#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/*
 * The daemon's own identity, borrowed; NULL when it cannot be had this time. Made once: it
 * never changes, and libvirt reads files and asks the name service to make it. Hence no lock
 * is held meanwhile, and two may make it of whom one does so in vain.
 */
static Identity *system_identity(void)
{
    static pthread_mutex_t keeping = PTHREAD_MUTEX_INITIALIZER;
    static Identity *kept;
    Identity *identity;
    Identity *made;

    pthread_mutex_lock(&keeping);
    identity = kept;
    pthread_mutex_unlock(&keeping);
    if (identity)
        return identity;

    made = libvirt.identity_get_system();
    pthread_mutex_lock(&keeping);
    if (!kept)
        kept = steal_pointer(&made);
    identity = kept;
    pthread_mutex_unlock(&keeping);
    if (made)
        libvirt.object_unref(made);
    return identity;
}

void live_domain_prepare(void)
{
    (void)system_identity();
}

static int libvirt_failed(Reason *why, const char *what)
{
    const char *message = virGetLastErrorMessage();

    return reason_set(why, "%s: %s", what, message ? message : "unknown error");
}

/*
 * Whether a domain is protected from its host, and which process it is, cannot change while
 * it runs; the XML that says the first is large, and a file says the second: both are read
 * once for each run. libvirt's id of a run is its own as long as the daemon lives.
 */
typedef struct KnownRun {
    unsigned char uuid[VIR_UUID_BUFLEN];
    int id; /* of the run; 0: free, since libvirt counts from 1 */
    bool is_confidential;
    Run run;
} KnownRun;

#define KNOWN_RUNS 1024

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static KnownRun known_runs[KNOWN_RUNS]; /* guarded by lock; by id */

static bool find_run(int id, LiveDomain *domain)
{
    const KnownRun *known = &known_runs[id % KNOWN_RUNS];
    bool found;

    pthread_mutex_lock(&lock);
    found = known->id == id && memcmp(known->uuid, domain->uuid, sizeof(known->uuid)) == 0;
    if (found) {
        domain->is_confidential = known->is_confidential;
        domain->run = known->run;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

static void remember_run(int id, const LiveDomain *domain)
{
    KnownRun *known = &known_runs[id % KNOWN_RUNS];

    pthread_mutex_lock(&lock);
    memcpy(known->uuid, domain->uuid, sizeof(known->uuid));
    known->id = id;
    known->is_confidential = domain->is_confidential;
    known->run = domain->run;
    pthread_mutex_unlock(&lock);
}

static int read_xml(virDomainPtr domain, DomainXml *ret, Reason *why)
{
    char *xml = virDomainGetXMLDesc(domain, 0);
    Reason what;
    int result;

    if (!xml)
        return libvirt_failed(why, "cannot read the domain's XML");
    result = domain_xml_read(xml, strlen(xml), ret, &what);
    free(xml);
    return result < 0 ? reason_set(why, "cannot read the domain's XML: %s", what.text) : 0;
}

static int read_run(virDomainPtr domain, LiveDomain *ret, Reason *why)
{
    int id = (int)virDomainGetID(domain);
    DomainXml found = {0};

    /* One that does not run yet (no id) may do so when the command gets its turn. */
    if (id > 0 && find_run(id, ret))
        return 0;
    if (read_xml(domain, &found, why) < 0)
        return -1;
    ret->is_confidential = found.is_confidential;
    domain_xml_clear(&found);
    /* A process that is not known is asked for again: without it no grant counts. */
    if (id > 0 && run_read(ret->name, &ret->run, NULL) == 0)
        remember_run(id, ret);
    return 0;
}

static int find_domain(virDomainPtr handle, LiveDomain *ret, Reason *why)
{
    if (virDomainGetUUID(handle, ret->uuid) < 0 ||
        virDomainGetUUIDString(handle, ret->uuid_text) < 0)
        return libvirt_failed(why, "the domain has no UUID");
    ret->domain = virDomainLookupByUUID(virDomainGetConnect(handle), ret->uuid);
    if (!ret->domain)
        return libvirt_failed(why, "no such domain");
    ret->name = virDomainGetName(ret->domain);
    return 0;
}

static int read_domain(virDomainPtr handle, LiveDomain *ret, Reason *why)
{
    if (find_domain(handle, ret, why) < 0)
        return -1;
    ret->policy_xml = virDomainGetMetadata(ret->domain, VIR_DOMAIN_METADATA_ELEMENT,
                                           POLICY_NAMESPACE, 0);
    if (!ret->policy_xml && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN_METADATA)
        return libvirt_failed(why, "cannot read the domain's policy");
    return read_run(ret->domain, ret, why);
}

static int find_agent(virDomainPtr handle, const char *channel, LiveDomain *ret, Reason *why)
{
    DomainXml found = {0};
    bool is_agents = false;

    if (find_domain(handle, ret, why) < 0 || read_xml(ret->domain, &found, why) < 0)
        return -1;
    for (size_t i = 0; i < found.agent_channels.count; i++)
        is_agents = is_agents || strcmp(found.agent_channels.items[i], channel) == 0;
    domain_xml_clear(&found);
    return is_agents;
}

/* Returns 0; or -1, and nothing has changed. */
static int take_systems_identity(Identity **ret_caller, Reason *why)
{
    Identity *system = system_identity();

    *ret_caller = libvirt.identity_get_current();
    if (system && libvirt.identity_set_current(system) == 0)
        return 0;
    if (*ret_caller)
        libvirt.object_unref(*ret_caller);
    return reason_set(why, "cannot take the daemon's own identity");
}

/* Returns @result, or -1. */
static int take_callers_identity(Identity *caller, int result, Reason *why)
{
    if (libvirt.identity_set_current(caller) < 0)
        result = reason_set(why, "cannot take the caller's identity again");
    if (caller)
        libvirt.object_unref(caller);
    return result;
}

int live_domain_read(virDomainPtr handle, LiveDomain *ret, Reason *why)
{
    Identity *caller;

    *ret = (LiveDomain){.name = virDomainGetName(handle)};
    if (take_systems_identity(&caller, why) < 0)
        return -1;
    return take_callers_identity(caller, read_domain(handle, ret, why), why);
}

int live_domain_finds_agent(virDomainPtr handle, const char *channel, LiveDomain *ret, Reason *why)
{
    Identity *caller;

    *ret = (LiveDomain){.name = virDomainGetName(handle)};
    if (take_systems_identity(&caller, why) < 0)
        return -1;
    return take_callers_identity(caller, find_agent(handle, channel ? channel : "", ret, why), why);
}

void live_domain_clear(LiveDomain *domain)
{
    if (domain->domain)
        virDomainFree(domain->domain);
    free(domain->policy_xml);
    *domain = (LiveDomain){0};
}
