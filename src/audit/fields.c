/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fields.h"

#include "audit/audit.h"
#include "util/printable.h"

#include <stdlib.h>
#include <string.h>

void audit_write_name(FILE *out, const char *name)
{
    write_printable(out, name, NOT_IN_NAMES, AUDIT_NAME_MAX);
}

void audit_write_labelled(FILE *out, const char *text)
{
    size_t length = text ? strcspn(text, ":") : 0;

    if (text && text[length] && length < 32 &&
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length) {
        fprintf(out, "%.*s:", (int)length, text);
        text += length + 1;
    }
    audit_write_name(out, text);
}

void audit_write_time(FILE *out, time_t when)
{
    char text[32] = "";
    struct tm local;

    if (localtime_r(&when, &local))
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &local);
    fprintf(out, " | timestamp=%s", text);
}

void audit_end_line(AuditRecord *ret, MemoryText *line, bool is_whole)
{
    ret->line = memory_text_close(line);
    if (is_whole)
        return;
    free(ret->line);
    ret->line = NULL;
}
