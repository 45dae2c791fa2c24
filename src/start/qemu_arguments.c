/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu_arguments.h"

#include "util/cleanup.h"

#include <string.h>

/* Where the name starts; NULL for what is no option. */
static const char *name_start(const char *argument)
{
    if (argument[0] != '-' || !argument[1])
        return NULL;
    return argument[1] == '-' ? argument + 2 : argument + 1;
}

char *qemu_option_name(const char *argument)
{
    const char *name = name_start(argument);

    return name ? strndup(name, strcspn(name, "= ")) : NULL;
}

const char *qemu_option_value(const StringList *arguments, size_t index)
{
    const char *argument = arguments->items[index];
    const char *joined = argument + strcspn(argument, "= ");

    if (*joined)
        return joined + 1;
    return index + 1 < arguments->count ? arguments->items[index + 1] : "";
}

/* Copies one element up to its comma into @out; `,,` is a comma of its own. */
static const char *next_element(const char *text, char *out)
{
    while (*text && !(*text == ',' && text[1] != ',')) {
        if (*text == ',')
            text++;
        *out++ = *text++;
    }
    *out = '\0';
    return *text ? text + 1 : text;
}

char *qemu_suboption(const char *text, const char *key, bool implied)
{
    CLEANUP(mem) char *element = malloc(strlen(text) + 1);
    char *found = NULL;
    size_t length = strlen(key);

    if (!element)
        return NULL;
    for (bool is_first = true; *text; is_first = false) {
        const char *value = NULL;

        text = next_element(text, element);
        if (is_first && implied && !strchr(element, '='))
            value = element;
        else if (strncmp(element, key, length) == 0 && element[length] == '=')
            value = element + length + 1;
        else if (strcmp(element, key) == 0)
            value = "on";
        if (value) {
            free(found);
            found = strdup(value);
        }
    }
    return found;
}

bool qemu_option_any(const StringList *arguments, const char *name, QemuOptionVisitor visit,
                     void *data)
{
    for (size_t i = 0; i < arguments->count; i++) {
        CLEANUP(mem) char *option = qemu_option_name(arguments->items[i]);

        if (option && strcmp(option, name) == 0 && visit(data, qemu_option_value(arguments, i)))
            return true;
    }
    return false;
}
