/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One digest for all spellings of a policy: libvirt takes the namespace off, indents and
 * reorders when it hands a domain's metadata out, and a hook sees what an API does not. So
 * what is digested is the tree: elements by local name, attributes by name, nothing else.
 */
#include "policy_internal.h"

#include "util/cleanup.h"
#include "util/xml_memory.h"

#include <string.h>

static int compare_names(const void *a, const void *b)
{
    const xmlAttrPtr *first = a;
    const xmlAttrPtr *second = b;

    return strcmp((const char *)(*first)->name, (const char *)(*second)->name);
}

static int add_attributes(Digest *digest, xmlNodePtr node)
{
    CLEANUP(mem) xmlAttrPtr *sorted = NULL;
    size_t count = 0;

    for (xmlAttrPtr attribute = node->properties; attribute; attribute = attribute->next)
        count++;
    if (count == 0)
        return 0;
    sorted = calloc(count, sizeof(xmlAttrPtr));
    if (!sorted)
        return -1;
    count = 0;
    for (xmlAttrPtr attribute = node->properties; attribute; attribute = attribute->next)
        sorted[count++] = attribute;
    qsort(sorted, count, sizeof(xmlAttrPtr), compare_names);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(xmlstr) xmlChar *value = xml_attribute_text(sorted[i]);

        if (!value)
            return -1;
        digest_add_text(digest, "@");
        digest_add_text(digest, (const char *)sorted[i]->name);
        digest_add_text(digest, (const char *)value);
    }
    return 0;
}

/* A valid policy is at most three elements deep. */
static int add_element(Digest *digest, xmlNodePtr node)
{
    digest_add_text(digest, "<");
    digest_add_text(digest, (const char *)node->name);
    if (add_attributes(digest, node) < 0)
        return -1;
    for (xmlNodePtr child = node->children; child; child = child->next) {
        if (child->type == XML_ELEMENT_NODE && add_element(digest, child) < 0)
            return -1;
    }
    digest_add_text(digest, ">");
    return 0;
}

int policy_digest(PolicyReader *reader, xmlNodePtr root)
{
    Digest digest;

    digest_start(&digest);
    if (add_element(&digest, root) < 0)
        return policy_fail_memory(reader);
    digest_finish(&digest, reader->policy->digest);
    return 0;
}
