/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper.h"

#include "util/cleanup.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <stdarg.h>
#include <string.h>

/* Larger than anything the daemon takes, so that it is refused for what it is. */
#define FILE_BYTES_MAX ((size_t)64 * 1024 * 1024)

int complain(const char *format, ...)
{
    va_list args;

    fputs("virt-qmp-guard: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EXIT_UNSURE;
}

static char *read_stream(FILE *stream, size_t *ret_length)
{
    CLEANUP(mem) char *text = NULL;
    size_t length = 0;
    size_t space = 0;

    do {
        if (length + 1 >= space) {
            char *grown;

            space = space ? 2 * space : 4096;
            if (space > FILE_BYTES_MAX) {
                errno = EFBIG;
                return NULL;
            }
            grown = realloc(text, space);
            if (!grown)
                return NULL;
            text = grown;
        }
        length += fread(text + length, 1, space - length - 1, stream);
    } while (!feof(stream) && !ferror(stream));
    if (ferror(stream))
        return NULL;
    text[length] = '\0';
    *ret_length = length;
    return steal_pointer(&text);
}

char *read_file(const char *path, size_t *ret_length)
{
    CLEANUP(file) FILE *opened = NULL;
    char *text;

    if (strcmp(path, "-") == 0) {
        text = read_stream(stdin, ret_length);
    } else {
        opened = fopen(path, "re");
        text = opened ? read_stream(opened, ret_length) : NULL;
    }
    if (!text)
        complain("cannot read %s: %s", path, strerror(errno));
    return text;
}

static void stay_silent(void *data, virErrorPtr error)
{
    (void)data;
    (void)error;
}

virConnectPtr helper_connect(const HelperContext *context, bool read_only)
{
    virConnectPtr connection;

    /* libvirt would print each error itself; we print one, with the remedy. */
    virSetErrorFunc(NULL, stay_silent);
    connection = read_only ? virConnectOpenReadOnly(context->uri) : virConnectOpen(context->uri);
    if (!connection)
        complain("no connection to %s: %s", context->uri ? context->uri : "libvirt",
                 virGetLastErrorMessage());
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
    char *xml = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, POLICY_NAMESPACE, 0);

    if (xml) {
        *ret_xml = xml;
        return 1;
    }
    if (virGetLastErrorCode() == VIR_ERR_NO_DOMAIN_METADATA)
        return 0;
    complain("cannot read the policy of '%s': %s", virDomainGetName(domain),
             virGetLastErrorMessage());
    return -1;
}

int helper_read_domain(virDomainPtr domain, DomainXml *ret)
{
    CLEANUP(mem) char *xml = virDomainGetXMLDesc(domain, 0);
    Reason why;

    if (!xml)
        return complain("cannot read domain '%s': %s", virDomainGetName(domain),
                        virGetLastErrorMessage()),
               -1;
    if (domain_xml_read(xml, strlen(xml), ret, &why) < 0)
        return complain("domain '%s': %s", virDomainGetName(domain), why.text), -1;
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

char *helper_policy_error(const char *where, const PolicyError *error)
{
    char *text = NULL;
    int length;

    if (error->line)
        length = asprintf(&text, "%s:%u: %s", where, error->line, error->reason.text);
    else
        length = asprintf(&text, "%s: %s", where, error->reason.text);
    return length < 0 ? NULL : text;
}
