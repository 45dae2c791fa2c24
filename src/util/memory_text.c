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
void memory_text_add(MemoryText *text, const void *bytes, size_t size)
{
    if (text->has_failed || !make_room(text, text->length + size + 1)) {
        text->has_failed = true;
        return;
    }
    memcpy(text->bytes + text->length, bytes, size);
    text->length += size;
}

static ssize_t write_bytes(void *cookie, const char *bytes, size_t size)
{
    MemoryText *text = cookie;

    memory_text_add(text, bytes, size);
    return text->has_failed ? 0 : (ssize_t)size;
}

FILE *memory_text_open(MemoryText *text)
{
    *text = (MemoryText){0};
    text->out = fopencookie(text, "w", (cookie_io_functions_t){.write = write_bytes});
    return text->out;
}

char *memory_text_close(MemoryText *text)
{
    if (text->out) {
        text->has_failed |= ferror(text->out) != 0;
        text->has_failed |= fclose(text->out) != 0;
    }
    if (text->has_failed || !make_room(text, text->length + 1)) {
        free(text->bytes);
        return NULL;
    }
    text->bytes[text->length] = '\0';
    return text->bytes;
}
