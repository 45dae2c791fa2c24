/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy_command.h"

#include "util/cleanup.h"

#include <libxml/parser.h>
#include <string.h>

/* The node behind @node in the order of the document, inside @root. */
static xmlNodePtr next_node(xmlNodePtr root, xmlNodePtr node)
{
    if (node->type == XML_ELEMENT_NODE && node->children)
        return node->children;
    while (node != root && !node->next)
        node = node->parent;
    return node == root ? NULL : node->next;
}

static bool is_policy_namespace(const xmlNs *namespace)
{
    return namespace && strcmp((const char *)namespace->href, POLICY_NAMESPACE) == 0;
}

/* What still points to a declaration must not outlive it: so this comes first, for all. */
static void leave_namespace(xmlNodePtr node)
{
    if (is_policy_namespace(node->ns))
        node->ns = NULL;
}

static void drop_declarations(xmlNodePtr node)
{
    xmlNsPtr *slot = &node->nsDef;

    while (*slot) {
        xmlNsPtr declared = *slot;

        if (is_policy_namespace(declared)) {
            *slot = declared->next;
            xmlFreeNs(declared);
        } else {
            slot = &declared->next;
        }
    }
}

static void for_each_element(xmlNodePtr root, void (*act)(xmlNodePtr))
{
    for (xmlNodePtr node = root; node; node = next_node(root, node)) {
        if (node->type == XML_ELEMENT_NODE)
            act(node);
    }
}

char *policy_without_namespace(const char *xml, size_t length)
{
    CLEANUP(xmldoc)
    xmlDocPtr doc = xmlReadMemory(xml, (int)length, NULL, "UTF-8",
                                  XML_PARSE_NONET | XML_PARSE_NOERROR);
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;
    xmlBufferPtr buffer = xmlBufferCreate();
    char *text = NULL;

    for_each_element(root, leave_namespace);
    for_each_element(root, drop_declarations);
    if (root && buffer && xmlNodeDump(buffer, doc, root, 0, 0) >= 0)
        text = strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}
