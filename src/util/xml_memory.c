/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml_memory.h"

#include <libxml/xmlversion.h>

/* Newer versions of libxml2 have a const here. */
#if LIBXML_VERSION < 21200
typedef xmlErrorPtr ErrorArgument;
#else
typedef const xmlError *ErrorArgument;
#endif

/* Of a thread's errors the last is not always the one that led to the others. */
static void note_memory(void *data, ErrorArgument error)
{
    XmlWatch *watch = data;

    if (error->code == XML_ERR_NO_MEMORY)
        watch->lacks_memory = true;
}

void xml_watch_begin(XmlWatch *watch)
{
    *watch = (XmlWatch){.others = xmlStructuredError, .others_data = xmlStructuredErrorContext};
    xmlSetStructuredErrorFunc(watch, note_memory);
}

bool xml_watch_end(XmlWatch *watch)
{
    xmlSetStructuredErrorFunc(watch->others_data, watch->others);
    return watch->lacks_memory;
}

xmlChar *xml_attribute_text(const xmlAttr *attribute)
{
    if (!attribute || !attribute->children)
        return xmlStrdup((const xmlChar *)"");
    return xmlNodeListGetString(attribute->doc, attribute->children, 1);
}

xmlChar *xml_attribute_named(const xmlNode *node, const char *name)
{
    return xml_attribute_text(xmlHasNsProp((xmlNode *)node, (const xmlChar *)name, NULL));
}
