/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds out that libxml2 lacked memory: it may hand out a part of what it was asked for as all. */
#ifndef QG_XML_MEMORY_H
#define QG_XML_MEMORY_H

#include <libxml/tree.h>
#include <libxml/xmlerror.h>
#include <stdbool.h>

/* What else takes this thread's errors; libxml2 asks for that of only one. */
typedef struct XmlWatch {
    xmlStructuredErrorFunc others;
    void *others_data;
    bool lacks_memory;
} XmlWatch;

/* From here to the end, in one thread; @watch stays where it is. */
void xml_watch_begin(XmlWatch *watch);

/* Returns whether libxml2 said that it lacked memory. Its functions on trees do not from 2.13 on.
 */
bool xml_watch_end(XmlWatch *watch);

/*
 * The value of an attribute, empty where it has none or is NULL (caller frees with xmlFree());
 * NULL: out of memory.
 */
xmlChar *xml_attribute_text(const xmlAttr *attribute);

/* The same of the attribute of @node that is called @name and is in no namespace. */
xmlChar *xml_attribute_named(const xmlNode *node, const char *name);

#endif
