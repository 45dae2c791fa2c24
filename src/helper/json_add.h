/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON of many parts that is told as a whole or not at all: who adds to it need not look whether
 * there was memory for each part, but who tells it asks json_is_whole().
 */
#ifndef QG_HELPER_JSON_ADD_H
#define QG_HELPER_JSON_ADD_H

#include <json-c/json.h>
#include <stdbool.h>

/*
 * Add @value, which is taken over, as a member or an element. When it is NULL, or cannot be added,
 * nothing is whole any more.
 */
void json_add(json_object *object, const char *name, json_object *value);
void json_append(json_object *array, json_object *value);

/* The same of a text, of which what is no UTF-8 becomes U+FFFD, and of a null. */
void json_add_text(json_object *object, const char *name, const char *text);
void json_add_null(json_object *object, const char *name);

/* False for NULL, and for everything once the memory for a part of anything was lacking. */
bool json_is_whole(const json_object *value);

/* As json_canonical_text(), of what is whole (caller frees); NULL when it is not. */
char *json_whole_text(json_object *value);

#endif
