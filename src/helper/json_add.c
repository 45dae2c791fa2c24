/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json_add.h"

#include "util/cleanup.h"
#include "util/json_text.h"
#include "util/utf8.h"

#include <string.h>

/*
 * Of anything at all. A value has no place for a mark of its own: json-c 0.19 ends the program when
 * a container that has userdata is put.
 */
static bool has_lost;

void json_add(json_object *object, const char *name, json_object *value)
{
    if (json_add_member(object, name, value) < 0)
        has_lost = true;
}

void json_append(json_object *array, json_object *value)
{
    if (json_add_element(array, value) < 0)
        has_lost = true;
}

/* Caller frees. */
static char *without_bad_bytes(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t length = strlen(text);
    char *valid = malloc((sizeof(replacement) - 1) * length + 1);
    char *end = valid;

    if (!valid)
        return NULL;
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t size = utf8_read(text + at, length - at, &character);

        end = size ? mempcpy(end, text + at, size) : stpcpy(end, replacement);
        at += size ? size : 1;
    }
    *end = '\0';
    return valid;
}

void json_add_text(json_object *object, const char *name, const char *text)
{
    CLEANUP(mem) char *valid = text ? without_bad_bytes(text) : NULL;

    json_add(object, name, valid ? json_object_new_string(valid) : NULL);
}

void json_add_null(json_object *object, const char *name)
{
    if (!object || json_object_object_add(object, name, NULL) != 0)
        has_lost = true;
}

bool json_is_whole(const json_object *value)
{
    return value && !has_lost;
}

char *json_whole_text(json_object *value)
{
    return json_is_whole(value) ? json_canonical_text(value) : NULL;
}
