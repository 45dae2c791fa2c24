/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json_writer.h"

#include "json_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

static void give_up(JsonWriter *writer)
{
    writer->text.has_failed = true;
}

/* Nothing stands before the first member, or element, but a bracket. */
static void write_comma(JsonWriter *writer)
{
    const MemoryText *text = &writer->text;

    if (text->length > 0 && !strchr("{[", text->bytes[text->length - 1]))
        memory_text_add(&writer->text, ",", 1);
}

static void write_name(JsonWriter *writer, const char *name)
{
    write_comma(writer);
    if (!name)
        return;
    json_text_add(&writer->text, name);
    memory_text_add(&writer->text, ":", 1);
}

void json_writer_open(JsonWriter *writer, const char *name, char bracket)
{
    write_name(writer, name);
    memory_text_add(&writer->text, &bracket, 1);
}

void json_writer_close(JsonWriter *writer, char bracket)
{
    memory_text_add(&writer->text, &bracket, 1);
}

void json_writer_text(JsonWriter *writer, const char *name, const char *value)
{
    write_name(writer, name);
    if (!value || json_text_add(&writer->text, value) < 0)
        give_up(writer);
}

void json_writer_number(JsonWriter *writer, const char *name, int64_t value)
{
    char digits[24];

    write_name(writer, name);
    snprintf(digits, sizeof(digits), "%" PRId64, value);
    memory_text_add(&writer->text, digits, strlen(digits));
}

void json_writer_value(JsonWriter *writer, const char *name, json_object *value)
{
    write_name(writer, name);
    if (!value || json_text_add_value(&writer->text, value) < 0)
        give_up(writer);
}

void json_writer_members(JsonWriter *writer, const char *members)
{
    write_comma(writer);
    memory_text_add(&writer->text, members, strlen(members));
}

char *json_writer_finish(JsonWriter *writer)
{
    char *text = memory_text_close(&writer->text);

    *writer = (JsonWriter){0};
    return text;
}
