/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/reply.h"

#include "request/json_strict.h"
#include "util/cleanup.h"

#include <string.h>

#define UNKNOWN "unknown"

static const char *class_of(json_object *error, char ret[REPLY_CLASS_SIZE])
{
    json_object *class = NULL;

    if (!json_object_is_type(error, json_type_object) ||
        !json_object_object_get_ex(error, "class", &class) ||
        !json_object_is_type(class, json_type_string) ||
        json_object_get_string_len(class) >= REPLY_CLASS_SIZE)
        return UNKNOWN;
    memcpy(ret, json_object_get_string(class), (size_t)json_object_get_string_len(class));
    ret[json_object_get_string_len(class)] = '\0';
    return ret;
}

/*
 * An answer may be large, and begins like one: it is not parsed. What HMP prints is no JSON; what
 * begins like an object and cannot be read, for want of memory for example, is no success.
 */
const char *reply_error_class(const char *reply, char ret[REPLY_CLASS_SIZE])
{
    static const char answer[] = "{\"return\"";
    CLEANUP(json) json_object *parsed = NULL;
    json_object *error = NULL;
    Reason why;

    if (strncmp(reply, answer, sizeof(answer) - 1) == 0 || !strstr(reply, "\"error\""))
        return NULL;
    parsed = json_strict_parse(reply, strlen(reply), &why);
    if (!parsed)
        return *reply == '{' ? UNKNOWN : NULL;
    if (!json_object_is_type(parsed, json_type_object) ||
        !json_object_object_get_ex(parsed, "error", &error))
        return NULL;
    return class_of(error, ret);
}
