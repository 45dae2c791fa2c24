/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain_xml.h"

#include "policy/policy.h"
#include "util/cleanup.h"

#include <libxml/parser.h>
#include <limits.h>
#include <string.h>

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

static char *dump_element(xmlDocPtr doc, xmlNodePtr node)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    char *text = NULL;

    xmlReconciliateNs(doc, node);
    if (buffer && xmlNodeDump(buffer, doc, node, 0, 1) >= 0)
        text = strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

int domain_xml_read(const char *text, size_t length, DomainXml *ret, Reason *why)
{
    CLEANUP(xmldoc) xmlDocPtr doc = NULL;
    DomainXml domain = {0};
    xmlNodePtr root;
    xmlNodePtr policy;

    if (length > INT_MAX)
        return reason_set(why, "larger than 2 GiB");
    if (memmem(text, length, "<!DOCTYPE", strlen("<!DOCTYPE")))
        return reason_set(why, "a domain has no DOCTYPE");
    doc = xmlReadMemory(text, (int)length, NULL, "UTF-8",
                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                            XML_PARSE_BIG_LINES);
    root = doc ? xmlDocGetRootElement(doc) : NULL;
    if (!root || strcmp((const char *)root->name, "domain") != 0)
        return reason_set(why, "not the XML of a domain");
    domain.is_confidential = find_child(root, "launchSecurity", "") != NULL;
    policy = find_child(find_child(root, "metadata", ""), NULL, POLICY_NAMESPACE);
    if (policy && !(domain.policy_xml = dump_element(doc, policy)))
        return reason_set(why, "out of memory");
    *ret = domain;
    return 0;
}

void domain_xml_clear(DomainXml *domain)
{
    free(domain->policy_xml);
    *domain = (DomainXml){0};
}
