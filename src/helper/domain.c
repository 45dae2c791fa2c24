/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper's dealings with libvirt: a connection, a domain, what is in it. */
#include "helper.h"

#include "util/cleanup.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>

static void stay_silent(void *data, virErrorPtr error)
{
    (void)data;
    (void)error;
}

virConnectPtr helper_connect(const HelperContext *context, bool read_only)
{
    virConnectPtr connection;

    /* libvirt would print each error itself; we print one. */
    virSetErrorFunc(NULL, stay_silent);
    connection = read_only ? virConnectOpenReadOnly(context->uri) : virConnectOpen(context->uri);
    if (!connection)
        complain("no connection to %s: %s: is the daemon running, and may you use it?",
                 context->uri ? context->uri : "libvirt's default URI", virGetLastErrorMessage());
    return connection;
}

virDomainPtr helper_find_domain(virConnectPtr connection, const char *wanted)
{
    virDomainPtr domain = NULL;
    char *end;
    long id;

    errno = 0;
    id = strtol(wanted, &end, 10);
    if (!errno && *wanted && !*end && id >= 0 && id <= INT32_MAX)
        domain = virDomainLookupByID(connection, (int)id);
    if (!domain)
        domain = virDomainLookupByUUIDString(connection, wanted);
    if (!domain)
        domain = virDomainLookupByName(connection, wanted);
    if (!domain)
        complain("no domain '%s': %s", wanted, virGetLastErrorMessage());
    return domain;
}

int helper_domain_policy(virDomainPtr domain, char **ret_xml)
{
    const char *name = virDomainGetName(domain); /* before the call: it forgets the last error */
    char *xml = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, POLICY_NAMESPACE, 0);

    if (xml) {
        *ret_xml = xml;
        return 1;
    }
    if (virGetLastErrorCode() == VIR_ERR_NO_DOMAIN_METADATA)
        return 0;
    complain("cannot read the policy of '%s': %s", name, virGetLastErrorMessage());
    return -1;
}

int helper_read_domain(virDomainPtr domain, DomainXml *ret)
{
    const char *name = virDomainGetName(domain);
    CLEANUP(mem) char *xml = virDomainGetXMLDesc(domain, 0);
    Reason why;

    if (!xml)
        return complain("cannot read domain '%s': %s", name, virGetLastErrorMessage()), -1;
    if (domain_xml_read(xml, strlen(xml), ret, &why) < 0)
        return complain("domain '%s': %s", name, why.text), -1;
    return 0;
}

int helper_read_domain_file(const char *path, DomainXml *ret)
{
    size_t length;
    CLEANUP(mem) char *text = read_file(path, &length);
    Reason why;

    if (!text)
        return -1;
    if (domain_xml_read(text, length, ret, &why) < 0)
        return complain("%s: %s", path, why.text), -1;
    return 0;
}
