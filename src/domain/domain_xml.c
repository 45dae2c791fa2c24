/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/domain_xml.h"

#include "domain/domain_channels.h"
#include "domain/domain_devices.h"
#include "policy/policy.h"
#include "util/cleanup.h"
#include "util/crowded_tag.h"
#include "util/xml_memory.h"

#include <libxml/parser.h>
#include <string.h>

/* Far more than a tag of libvirt's has, and room for base64 in somebody's metadata. */
#define TAG_EQUALS_MAX ((size_t)10000)

/* Source: libvirt, docs/drvqemu.rst. */
#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

/* The first child element of that name (NULL: any) in that namespace ("": none). */
static xmlNodePtr find_child(xmlNodePtr parent, const char *name, const char *namespace)
{
    for (xmlNodePtr node = parent ? parent->children : NULL; node; node = node->next) {
        const char *href = node->ns ? (const char *)node->ns->href : "";

        if (node->type == XML_ELEMENT_NODE && strcmp(href, namespace) == 0 &&
            (!name || strcmp((const char *)node->name, name) == 0))
            return node;
    }
    return NULL;
}

static char *dump_element(xmlNodePtr node)
{
    CLEANUP(xmldoc) xmlDocPtr own = xmlNewDoc((const xmlChar *)"1.0");
    xmlNodePtr copy = own ? xmlDocCopyNode(node, own, 1) : NULL;
    xmlBufferPtr buffer = xmlBufferCreate();
    char *text = NULL;

    /* Prefixes that were declared outside are declared again. */
    if (copy)
        xmlDocSetRootElement(own, copy);
    if (buffer && copy && xmlReconciliateNs(own, copy) >= 0 &&
        xmlNodeDump(buffer, own, copy, 0, 0) >= 0)
        text = strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

/* A copy of an element's text, NULL when there is none. */
static int copy_content(xmlNodePtr node, char **ret)
{
    CLEANUP(xmlstr) xmlChar *text = node ? xmlNodeGetContent(node) : NULL;

    *ret = text ? strdup((const char *)text) : NULL;
    return node && !*ret ? -1 : 0;
}

static int add_attribute(StringList *list, xmlNodePtr node, const char *name)
{
    CLEANUP(xmlstr) xmlChar *value = xml_attribute_named(node, name);

    return value ? string_list_add(list, (const char *)value) : -1;
}

static bool is_in(xmlNodePtr node, const char *namespace)
{
    return node->type == XML_ELEMENT_NODE && node->ns &&
           strcmp((const char *)node->ns->href, namespace) == 0;
}

/* <qemu:arg value=''> and <qemu:env name=''>: libvirt reads no others in there. */
static int read_command_line(xmlNodePtr line, DomainXml *domain)
{
    for (xmlNodePtr node = line->children; node; node = node->next) {
        if (!is_in(node, QEMU_NAMESPACE))
            continue;
        if (strcmp((const char *)node->name, "arg") == 0 &&
            add_attribute(&domain->arguments, node, "value") < 0)
            return -1;
        if (strcmp((const char *)node->name, "env") == 0 &&
            add_attribute(&domain->environment, node, "name") < 0)
            return -1;
    }
    return 0;
}

/* Whatever the domain tells QEMU past libvirt. */
static int read_qemu(xmlNodePtr root, DomainXml *domain)
{
    for (xmlNodePtr node = root->children; node; node = node->next) {
        bool is_line = is_in(node, QEMU_NAMESPACE) &&
                       strcmp((const char *)node->name, "commandline") == 0;

        if (is_line && read_command_line(node, domain) < 0)
            return -1;
        if (is_in(node, QEMU_NAMESPACE) && !is_line &&
            string_list_add(&domain->changes, (const char *)node->name) < 0)
            return -1;
    }
    return 0;
}

/* libvirt takes the first, in whichever <devices> it stands. */
static xmlNodePtr find_emulator(xmlNodePtr root)
{
    xmlNodePtr emulator = NULL;

    for (xmlNodePtr node = root->children; node && !emulator; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && !node->ns &&
            strcmp((const char *)node->name, "devices") == 0)
            emulator = find_child(node, "emulator", "");
    }
    return emulator;
}

static int read_root(xmlNodePtr root, DomainXml *domain)
{
    xmlNodePtr policy = find_child(find_child(root, "metadata", ""), NULL, POLICY_NAMESPACE);

    domain->is_confidential = find_child(root, "launchSecurity", "") != NULL;
    if (copy_content(find_child(root, "name", ""), &domain->name) < 0 ||
        copy_content(find_child(root, "uuid", ""), &domain->uuid) < 0 ||
        copy_content(find_emulator(root), &domain->emulator) < 0 || read_qemu(root, domain) < 0 ||
        domain_devices_read(root, domain) < 0 || domain_channels_read(root, domain) < 0)
        return -1;
    if (policy)
        domain->policy_xml = dump_element(policy);
    return policy && !domain->policy_xml ? -1 : 0;
}

/* Ends the parsing before anything that a DOCTYPE declares is looked at. */
static void refuse_doctype(void *data, const xmlChar *name, const xmlChar *external,
                           const xmlChar *system)
{
    xmlParserCtxtPtr context = data;
    bool *is_refused = context->_private;

    *is_refused = true;
    xmlStopParser(context);
}

/* Parses without DTD, entities, network or a word on stderr. */
static xmlDocPtr parse_xml(const char *text, size_t length, Reason *why)
{
    xmlParserCtxtPtr context = xmlNewParserCtxt();
    bool has_doctype = false;
    xmlDocPtr doc;

    if (!context) {
        reason_set(why, "out of memory");
        return NULL;
    }
    context->_private = &has_doctype;
    context->sax->internalSubset = refuse_doctype;
    /* The encoding is given, so that no declaration can hide a DOCTYPE in UTF-16. */
    doc = xmlCtxtReadMemory(context, text, (int)length, NULL, "UTF-8",
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                XML_PARSE_BIG_LINES);
    if (has_doctype) {
        xmlFreeDoc(doc);
        doc = NULL;
        reason_set(why, "a domain has no DOCTYPE");
    } else if (!doc) {
        const xmlError *last = xmlCtxtGetLastError(context);
        const char *message = last && last->message ? last->message : "not XML\n";

        reason_set(why, "not well-formed XML: line %d: %.*s", last ? last->line : 0,
                   (int)strcspn(message, "\n"), message);
    }
    xmlFreeParserCtxt(context);
    return doc;
}

static int read_document(xmlDocPtr doc, DomainXml *domain, Reason *why)
{
    xmlNodePtr root = xmlDocGetRootElement(doc);

    if (!root || root->ns || strcmp((const char *)root->name, "domain") != 0)
        return reason_set(why, "not the XML of a domain");
    if (read_root(root, domain) < 0)
        return reason_set(why, "out of memory");
    return 0;
}

int domain_xml_read(const char *text, size_t length, DomainXml *ret, Reason *why)
{
    CLEANUP(xmldoc) xmlDocPtr doc = NULL;
    DomainXml domain = {0};
    XmlWatch watch;
    int result;

    if (length == 0)
        return reason_set(why, "it is empty");
    if (length > DOMAIN_XML_BYTES_MAX)
        return reason_set(why, "larger than %zu bytes", DOMAIN_XML_BYTES_MAX);
    if (memchr(text, '\0', length))
        return reason_set(why, "there is a NUL byte in it");
    if (has_crowded_tag(text, length, TAG_EQUALS_MAX))
        return reason_set(why, "a tag, comment or text with more than %zu equals signs",
                          TAG_EQUALS_MAX);
    xml_watch_begin(&watch);
    doc = parse_xml(text, length, why);
    result = doc ? read_document(doc, &domain, why) : -1;
    if (xml_watch_end(&watch))
        result = reason_set(why, "out of memory");
    if (result < 0)
        domain_xml_clear(&domain);
    else
        *ret = domain;
    return result;
}

void domain_xml_clear(DomainXml *domain)
{
    free(domain->name);
    free(domain->uuid);
    free(domain->policy_xml);
    free(domain->emulator);
    string_list_clear(&domain->arguments);
    string_list_clear(&domain->environment);
    string_list_clear(&domain->paths);
    string_list_clear(&domain->programs);
    string_list_clear(&domain->labels);
    string_list_clear(&domain->agent_channels);
    string_list_clear(&domain->changes);
    *domain = (DomainXml){0};
}
