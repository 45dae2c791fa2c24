/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a domain's devices name on the host: paths, programs, security labels. */
#include "domain/domain_devices.h"

#include "util/cleanup.h"
#include "util/xml_memory.h"

#include <ctype.h>
#include <string.h>

/* Elements whose path is a program that libvirt runs, as root. */
static const char *const programs[] = {"script", "downscript", "binary"};

static bool is_program(xmlNodePtr node)
{
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (strcmp((const char *)node->name, programs[i]) == 0)
            return true;
    }
    return false;
}

static int add_program(DomainXml *domain, xmlNodePtr node, const char *path)
{
    CLEANUP(mem) char *text = NULL;

    if (asprintf(&text, "%s %s", (const char *)node->name, path) < 0) {
        text = NULL;
        return -1;
    }
    return string_list_add(&domain->programs, text);
}

static int add_attributes(DomainXml *domain, xmlNodePtr node)
{
    for (xmlAttrPtr attribute = node->properties; attribute; attribute = attribute->next) {
        CLEANUP(xmlstr) xmlChar *value = xml_attribute_text(attribute);
        const char *text = (const char *)value;

        if (!text)
            return -1;
        if (is_program(node) && strcmp((const char *)attribute->name, "path") == 0 &&
            add_program(domain, node, text) < 0)
            return -1;
        if (*text == '/' && string_list_add(&domain->paths, text) < 0)
            return -1;
    }
    return 0;
}

/* `<channel><source>/path</source>`: an element whose whole text is a path. */
static int add_text(DomainXml *domain, xmlNodePtr node)
{
    CLEANUP(xmlstr) xmlChar *content = NULL;
    char *text;
    size_t length;

    if (xmlFirstElementChild(node))
        return 0;
    content = xmlNodeGetContent(node);
    text = (char *)content;
    if (!text)
        return -1;
    text += strspn(text, " \t\r\n");
    length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return *text == '/' ? string_list_add(&domain->paths, text) : 0;
}

/* A label that is not libvirt's own choice: of a user for example, or none at all. */
static int add_label(DomainXml *domain, xmlNodePtr node)
{
    CLEANUP(xmlstr) xmlChar *type = xml_attribute_named(node, "type");
    CLEANUP(xmlstr) xmlChar *model = xml_attribute_named(node, "model");
    CLEANUP(mem) char *text = NULL;

    if (!type || !model)
        return -1;
    if (!*type || strcmp((const char *)type, "dynamic") == 0 ||
        strcmp((const char *)model, "none") == 0) /* the host has no security driver */
        return 0;
    if (asprintf(&text, "%s %s", *model ? (const char *)model : "any", (const char *)type) < 0) {
        text = NULL;
        return -1;
    }
    return string_list_add(&domain->labels, text);
}

static bool is_named(xmlNodePtr node, const char *name)
{
    return strcmp((const char *)node->name, name) == 0;
}

/* Metadata and descriptions are words; the rest is QEMU's and libvirt's business. */
static bool is_passed_over(xmlNodePtr node, xmlNodePtr root)
{
    return node->parent == root &&
           (is_named(node, "metadata") || is_named(node, "description") || is_named(node, "title"));
}

int domain_devices_read(xmlNodePtr root, DomainXml *domain)
{
    xmlNodePtr node = root;

    while (node) {
        bool enters = node->type == XML_ELEMENT_NODE && !is_passed_over(node, root);

        if (enters && (add_attributes(domain, node) < 0 || add_text(domain, node) < 0))
            return -1;
        if (enters && node->parent == root && is_named(node, "seclabel") &&
            add_label(domain, node) < 0)
            return -1;
        if (enters && node->children) {
            node = node->children;
            continue;
        }
        while (node != root && !node->next)
            node = node->parent;
        node = node == root ? NULL : node->next;
    }
    return 0;
}
