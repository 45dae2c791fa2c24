/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory_text.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM ((size_t)128)

static bool make_room(MemoryText *text, size_t needed)
{
    size_t room = text->room ? text->room : FIRST_ROOM;
    char *grown;

    if (needed <= text->room)
        return true;
    while (room < needed)
        room *= 2;
    grown = realloc(text->bytes, room);
    if (!grown)
        return false;
    text->bytes = grown;
    text->room = room;
    return true;
}

/* What follows a loss is lost as well: there is no text with a hole in it. */
static ssize_t write_bytes(void *cookie, const char *bytes, size_t size)
{
    MemoryText *text = cookie;

    if (text->has_failed || !make_room(text, text->length + size + 1)) {
        text->has_failed = true;
        return 0;
    }
    memcpy(text->bytes + text->length, bytes, size);
    text->length += size;
    text->bytes[text->length] = '\0';
    return (ssize_t)size;
}

FILE *memory_text_open(MemoryText *text)
{
    *text = (MemoryText){0};
    text->out = fopencookie(text, "w", (cookie_io_functions_t){.write = write_bytes});
    return text->out;
}

char *memory_text_close(MemoryText *text)
{
    bool has_failed = ferror(text->out) || !make_room(text, text->length + 1);

    has_failed = fclose(text->out) != 0 || has_failed || text->has_failed;
    if (has_failed) {
        free(text->bytes);
        return NULL;
    }
    text->bytes[text->length] = '\0';
    return text->bytes;
}
