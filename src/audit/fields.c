/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fields.h"

#include "audit/audit.h"
#include "util/cleanup.h"
#include "util/printable.h"

#include <stdlib.h>
#include <string.h>

const char *audit_command(const AuditEvent *event)
{
    if (event->request)
        return request_command(event->request);
    return event->command ? event->command : "(unreadable)";
}

const char *audit_purpose(const Decision *decision)
{
    return decision->rule && decision->rule->purpose ? decision->rule->purpose : "testing";
}

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

void audit_add_text(JsonWriter *out, const char *name, const char *value)
{
    CLEANUP(mem) char *encoded = NULL;

    if (!value)
        return;
    encoded = printable_cut(value, "", JSON_TEXT_MAX);
    json_writer_text(out, name, encoded);
}

static void add_time(JsonWriter *out)
{
    struct timespec now;
    struct tm utc;
    char text[40] = "";
    size_t length = 0;

    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc))
        length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, sizeof(text) - length, ".%06ldZ", now.tv_nsec / 1000);
    json_writer_text(out, "time", text);
}

void audit_begin_json(JsonWriter *out, const char *event)
{
    json_writer_open(out, NULL, '{');
    add_time(out);
    json_writer_text(out, "event", event);
}

char *audit_end_json(JsonWriter *out)
{
    json_writer_close(out, '}');
    return json_writer_finish(out);
}
