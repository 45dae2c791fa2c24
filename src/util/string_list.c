/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "string_list.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SPACE 8

/* There is room for the next power of two of items, and no need to note it. */
static int make_room(StringList *list)
{
    size_t count = list->count;
    char **grown;

    if (count != 0 && (count < FIRST_SPACE || (count & (count - 1)) != 0))
        return 0;
    grown = realloc(list->items, (count ? 2 * count : FIRST_SPACE) * sizeof(*grown));
    if (!grown)
        return -1;
    list->items = grown;
    return 0;
}

int string_list_add(StringList *list, const char *text)
{
    char *copy;

    if (make_room(list) < 0)
        return -1;
    copy = strdup(text);
    if (!copy)
        return -1;
    list->items[list->count++] = copy;
    return 0;
}

void string_list_clear(StringList *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (StringList){0};
}
