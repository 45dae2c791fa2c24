/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A growing list of strings of its own. All zero is an empty one. */
#ifndef QG_STRING_LIST_H
#define QG_STRING_LIST_H

#include <stddef.h>

typedef struct StringList {
    char **items;
    size_t count;
} StringList;

/* Appends a copy of @text. Returns 0, or -1 when out of memory. */
int string_list_add(StringList *list, const char *text);
void string_list_clear(StringList *list);

#endif
