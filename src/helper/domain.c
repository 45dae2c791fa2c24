/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper's dealings with libvirt: a connection, a domain, what is in it. */
#include "domain.h"

#include "util/cleanup.h"
#include "util/local_uri.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <string.h>

static void stay_silent(void *data, virErrorPtr error)
{
    (void)data;
    (void)error;
}

/* What the user asked for; NULL: nothing, so that libvirt looks for what there is here. */
static const char *wanted_uri(const HelperContext *context)
{
    return context->uri ? context->uri : helper_variable("LIBVIRT_DEFAULT_URI");
}

bool helper_is_here(const HelperContext *context, const char *what)
{
    const char *uri = wanted_uri(context);

    if (!uri || uri_names_no_host(uri))
        return true;
    complain("%s this host's, and the connection is to %s: run this there, or with -c "
             "qemu:///system for this host",
             what, uri);
    return false;
}

/* By libvirt's code and, of a system call that failed, its errno. */
typedef struct Remedy {
    int code;
    int error; /* 0: any */
    const char *text;
} Remedy;

#define START ": is the daemon running? 'systemctl start libvirtd' (or virtqemud) starts it"
#define MEMBER ": may you use it? Members of the socket's group (often 'libvirt') may, and root"
#define LOGIN ": may you use it? polkit or SASL has to know you; or run this as root"
#define URI ": is the URI right? This host's libvirt is qemu:///system"
#define ENDED ": has the daemon ended? 'virsh uri' tells; a running domain outlives it"

static const Remedy connect_remedies[] = {
    {VIR_ERR_SYSTEM_ERROR, ENOENT, START},  {VIR_ERR_SYSTEM_ERROR, ECONNREFUSED, START},
    {VIR_ERR_SYSTEM_ERROR, EACCES, MEMBER}, {VIR_ERR_SYSTEM_ERROR, EPERM, MEMBER},
    {VIR_ERR_SYSTEM_ERROR, 0, ENDED},       {VIR_ERR_AUTH_FAILED, 0, LOGIN},
    {VIR_ERR_AUTH_CANCELLED, 0, LOGIN},     {VIR_ERR_AUTH_UNAVAILABLE, 0, LOGIN},
    {VIR_ERR_ACCESS_DENIED, 0, LOGIN},      {VIR_ERR_NO_CONNECT, 0, URI},
    {VIR_ERR_INVALID_ARG, 0, URI},          {VIR_ERR_INTERNAL_ERROR, 0, URI},
    {VIR_ERR_CONFIG_UNSUPPORTED, 0, URI},
};

static const Remedy call_remedies[] = {
    {VIR_ERR_ACCESS_DENIED, 0,
     ": libvirt's polkit rules have to allow it to you; or run this as root"},
    {VIR_ERR_AUTH_UNAVAILABLE, 0, LOGIN},
    {VIR_ERR_SYSTEM_ERROR, 0, ENDED},
    {VIR_ERR_RPC, 0, ENDED},
    {VIR_ERR_INTERNAL_ERROR, 0, ENDED},
};

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const char *remedy_in(const Remedy *table, size_t count)
{
    const virError *error = virGetLastError();

    for (size_t i = 0; error && i < count; i++) {
        if (table[i].code == error->code && (!table[i].error || table[i].error == error->int1))
            return table[i].text;
    }
    return "";
}

const char *helper_libvirt_remedy(void)
{
    return remedy_in(call_remedies, COUNT(call_remedies));
}

virConnectPtr helper_connect(const HelperContext *context, bool read_only)
{
    const char *uri = wanted_uri(context);
    virConnectPtr connection;

    if (context->read_only && !read_only) {
        complain("'%s' needs a read-write connection for this: leave out -r", context->command);
        return NULL;
    }
    /* libvirt would print each error itself; we print one. */
    virSetErrorFunc(NULL, stay_silent);
    connection = read_only ? virConnectOpenReadOnly(context->uri) : virConnectOpen(context->uri);
    if (!connection)
        complain("no connection to %s: %s%s", uri ? uri : "libvirt's default URI",
                 virGetLastErrorMessage(),
                 uri && !uri_names_no_host(uri)
                     ? ": is the URI right, is that host up, and may you log in there?"
                     : remedy_in(connect_remedies, COUNT(connect_remedies)));
    return connection;
}

/* A number and nothing else, as virsh takes it for an id. */
static virDomainPtr find_by_id(virConnectPtr connection, const char *wanted)
{
    char *end;
    long id;

    errno = 0;
    id = strtol(wanted, &end, 10);
    if (errno || end == wanted || *end || id < 0 || id > INT32_MAX)
        return NULL;
    return virDomainLookupByID(connection, (int)id);
}

virDomainPtr helper_find_domain(virConnectPtr connection, const char *wanted)
{
    virDomainPtr domain = find_by_id(connection, wanted);
    CLEANUP(mem) char *uri = NULL;

    if (!domain && strlen(wanted) == VIR_UUID_STRING_BUFLEN - 1)
        domain = virDomainLookupByUUIDString(connection, wanted);
    if (!domain)
        domain = virDomainLookupByName(connection, wanted);
    if (domain)
        return domain;
    if (virGetLastErrorCode() != VIR_ERR_NO_DOMAIN) {
        complain("cannot look for domain '%s': %s%s", wanted, virGetLastErrorMessage(),
                 helper_libvirt_remedy());
        return NULL;
    }
    uri = virConnectGetURI(connection);
    complain("there is no domain '%s' at %s: 'virsh -c %s list --all' shows those that there are",
             wanted, uri ? uri : "this libvirt", uri ? uri : "URI");
    return NULL;
}

char *helper_uuid_of_id(const HelperContext *context, const char *wanted)
{
    virConnectPtr connection = NULL;
    virDomainPtr domain = NULL;
    char uuid[VIR_UUID_STRING_BUFLEN];
    char *result = NULL;

    if (wanted[strspn(wanted, "0123456789")])
        return NULL;
    virSetErrorFunc(NULL, stay_silent);
    connection = virConnectOpenReadOnly(context->uri);
    domain = connection ? find_by_id(connection, wanted) : NULL;
    if (domain && virDomainGetUUIDString(domain, uuid) == 0)
        result = strdup(uuid);
    if (domain)
        virDomainFree(domain);
    if (connection)
        virConnectClose(connection);
    return result;
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
    complain("cannot read the policy of '%s': %s%s", name, virGetLastErrorMessage(),
             helper_libvirt_remedy());
    return -1;
}

int helper_read_domain(virDomainPtr domain, DomainXml *ret)
{
    const char *name = virDomainGetName(domain);
    CLEANUP(mem) char *xml = virDomainGetXMLDesc(domain, 0);
    Reason why;

    if (!xml)
        return complain("cannot read domain '%s': %s%s", name, virGetLastErrorMessage(),
                        helper_libvirt_remedy()),
               -1;
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
