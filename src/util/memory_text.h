/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stream that is written into memory. open_memstream(3) does not say when there was no memory
 * for some of it, and goes on behind the hole.
 */
#ifndef QG_MEMORY_TEXT_H
#define QG_MEMORY_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/* Stays where it is from memory_text_open() to memory_text_close(). */
typedef struct MemoryText {
    FILE *out;
    char *bytes;
    size_t length;
    size_t room;
    bool has_failed;
} MemoryText;

/* Returns what to write to, or NULL when out of memory. */
FILE *memory_text_open(MemoryText *text);

/*
 * Adds @size bytes at @bytes without a stream, to a text that starts as zeros and not with
 * memory_text_open(): for what is written in many small pieces.
 */
void memory_text_add(MemoryText *text, const void *bytes, size_t size);

/* All that was written (caller frees), or NULL when any of it was lost. */
char *memory_text_close(MemoryText *text);

#endif
