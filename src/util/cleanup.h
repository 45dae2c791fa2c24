/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scope-bound ownership: a variable that carries one of these attributes is
 * released when it goes out of scope. It starts as NULL (or -1 for an fd) and
 * is handed over with steal_pointer().
 */
#ifndef QG_CLEANUP_H
#define QG_CLEANUP_H

#include <json-c/json.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLEANUP(type) __attribute__((cleanup(cleanup_##type)))

/* Copies the pointer out: the variable is no void *, and may not be read as if it were one. */
static inline void cleanup_mem(const void *slot)
{
    void *value;

    memcpy(&value, slot, sizeof(value));
    free(value);
}

static inline void cleanup_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void cleanup_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

static inline void cleanup_json(json_object **object)
{
    json_object_put(*object);
}

static inline void cleanup_tokener(json_tokener **tokener)
{
    if (*tokener)
        json_tokener_free(*tokener);
}

static inline void cleanup_xmldoc(xmlDocPtr *doc)
{
    xmlFreeDoc(*doc);
}

static inline void cleanup_xmlstr(xmlChar **text)
{
    if (*text)
        xmlFree(*text);
}

static inline void *steal_pointer_impl(void *slot)
{
    void *const none = NULL;
    void *value;

    memcpy(&value, slot, sizeof(value));
    memcpy(slot, &none, sizeof(none));
    return value;
}

/* Hands over what @slot (the address of an owner variable) holds. */
#define steal_pointer(slot) ((__typeof__(*(slot)))steal_pointer_impl(slot))

#endif
