/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "printable.h"

#include "memory_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void write_printable(FILE *out, const char *text, const char *also, size_t most)
{
    size_t count = 0;

    if (!text) {
        fputc('-', out);
        return;
    }
    for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
        if (count++ == most) {
            fputs("...", out);
            return;
        }
        if (*byte < 0x20 || *byte > 0x7e || *byte == '\\' || strchr(also, *byte))
            fprintf(out, "\\x%02x", *byte);
        else
            fputc(*byte, out);
    }
}

char *printable_cut(const char *text, const char *also, size_t most)
{
    MemoryText copy;
    FILE *out = memory_text_open(&copy);

    if (!out)
        return NULL;
    write_printable(out, text, also, most);
    return memory_text_close(&copy);
}

char *printable(const char *text, const char *also)
{
    return printable_cut(text, also, SIZE_MAX);
}
