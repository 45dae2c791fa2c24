/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "argument.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static GlobResult each_element(json_object *list, const char *path, const char *glob,
                               size_t *budget)
{
    GlobResult result = GLOB_NO;

    if (!json_object_is_type(list, json_type_array))
        return GLOB_NO;
    for (size_t i = 0; i < json_object_array_length(list) && result == GLOB_NO; i++)
        result = argument_matches(json_object_array_get_idx(list, i), path, glob, budget);
    return result;
}

GlobResult argument_matches(json_object *arguments, const char *path, const char *glob,
                            size_t *budget)
{
    char step[256];
    json_object *value;
    size_t length = strcspn(path, ".");
    const char *rest = path[length] ? path + length + 1 : path + length;
    bool is_list = length >= 2 && strncmp(path + length - 2, "[]", 2) == 0;

    if (*path == '\0') {
        if (!json_object_is_type(arguments, json_type_string))
            return GLOB_NO;
        return glob_match(glob, json_object_get_string(arguments), budget);
    }
    if (is_list)
        length -= 2;
    if (length >= sizeof(step) || !json_object_is_type(arguments, json_type_object))
        return GLOB_NO;
    snprintf(step, sizeof(step), "%.*s", (int)length, path);
    if (!json_object_object_get_ex(arguments, step, &value))
        return GLOB_NO;
    if (is_list)
        return each_element(value, rest, glob, budget);
    return argument_matches(value, rest, glob, budget);
}
