/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "printable.h"

#include "memory_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool is_plain(char byte, const char *also)
{
    if (byte < 0x20 || byte > 0x7e || byte == '\\')
        return false;
    while (*also && *also != byte)
        also++;
    return !*also;
}

/* How many bytes @text begins with, of @most, that are written as they are. */
static size_t plain_length(const char *text, const char *also, size_t most)
{
    size_t length = 0;

    while (length < most && is_plain(text[length], also))
        length++;
    return length;
}

void write_printable(FILE *out, const char *text, const char *also, size_t most)
{
    if (!text) {
        fputc('-', out);
        return;
    }
    while (*text) {
        size_t plain = plain_length(text, also, most);

        fwrite(text, 1, plain, out);
        text += plain;
        most -= plain;
        if (!*text)
            return;
        if (most == 0) {
            fputs("...", out);
            return;
        }
        fprintf(out, "\\x%02x", (unsigned char)*text);
        text++;
        most--;
    }
}

char *printable_cut(const char *text, const char *also, size_t most)
{
    MemoryText copy;
    FILE *out;

    /* Nearly every name is. */
    if (text && text[plain_length(text, also, most)] == '\0')
        return strdup(text);
    out = memory_text_open(&copy);
    if (!out)
        return NULL;
    write_printable(out, text, also, most);
    return memory_text_close(&copy);
}

char *printable(const char *text, const char *also)
{
    return printable_cut(text, also, SIZE_MAX);
}
