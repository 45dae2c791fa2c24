/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json_text.h"

#include "memory_text.h"
#include "utf8.h"

#include <inttypes.h>
#include <string.h>

/* Its address is the mark. json-c keeps a text of its own there for numbers only. */
static char incomplete;

static void mark_incomplete(json_object *container)
{
    if (container)
        json_object_set_userdata(container, &incomplete, NULL);
}

void json_add(json_object *object, const char *name, json_object *value)
{
    if (object && value && json_object_object_add(object, name, value) == 0)
        return;
    json_object_put(value);
    mark_incomplete(object);
}

void json_append(json_object *array, json_object *value)
{
    if (array && value && json_object_array_add(array, value) == 0)
        return;
    json_object_put(value);
    mark_incomplete(array);
}

const char *json_scalar(json_object *value, char buffer[JSON_SCALAR_SIZE])
{
    int64_t number;

    switch (json_object_get_type(value)) {
    case json_type_null:
        return "null";
    case json_type_boolean:
        return json_object_get_boolean(value) ? "true" : "false";
    case json_type_string:
        return json_object_get_string(value);
    case json_type_int:
        number = json_object_get_int64(value);
        if (number == INT64_MAX) /* or more */
            snprintf(buffer, JSON_SCALAR_SIZE, "%" PRIu64, json_object_get_uint64(value));
        else
            snprintf(buffer, JSON_SCALAR_SIZE, "%" PRId64, number);
        return buffer;
    case json_type_double:
        /* As the client spelled it: that is what json-c keeps of a number that it has read. */
        if (json_object_get_userdata(value))
            return json_object_get_userdata(value);
        snprintf(buffer, JSON_SCALAR_SIZE, "%.17g", json_object_get_double(value));
        return buffer;
    case json_type_object:
    case json_type_array:
        break;
    }
    return NULL;
}

static void write_escaped(FILE *out, uint32_t character)
{
    static const char special[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = character > 0 && character < 0x7f ? strchr(special, (int)character) : NULL;

    if (found)
        fprintf(out, "\\%c", letters[found - special]);
    else if (character < 0x10000)
        fprintf(out, "\\u%04x", character);
    else
        fprintf(out, "\\u%04x\\u%04x", 0xd800 + ((character - 0x10000) >> 10),
                0xdc00 + ((character - 0x10000) & 0x3ff));
}

static int write_string(FILE *out, const char *text, size_t length)
{
    size_t at = 0;

    putc('"', out);
    while (at < length) {
        size_t plain = at;
        uint32_t character;
        size_t size;

        while (plain < length && text[plain] >= 0x20 && text[plain] < 0x7f && text[plain] != '"' &&
               text[plain] != '\\')
            plain++;
        fwrite(text + at, 1, plain - at, out);
        at = plain;
        if (at == length)
            break;
        size = utf8_read(text + at, length - at, &character);
        if (size == 0)
            return -1;
        write_escaped(out, character);
        at += size;
    }
    putc('"', out);
    return 0;
}

static int write_value(FILE *out, json_object *value);

static int write_object(FILE *out, json_object *object)
{
    const char *comma = "";

    putc('{', out);
    json_object_object_foreach (object, name, member) {
        fputs(comma, out);
        if (write_string(out, name, strlen(name)) < 0)
            return -1;
        putc(':', out);
        if (write_value(out, member) < 0)
            return -1;
        comma = ",";
    }
    putc('}', out);
    return 0;
}

static int write_array(FILE *out, json_object *array)
{
    putc('[', out);
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        if (i > 0)
            putc(',', out);
        if (write_value(out, json_object_array_get_idx(array, i)) < 0)
            return -1;
    }
    putc(']', out);
    return 0;
}

static int write_value(FILE *out, json_object *value)
{
    json_type type = json_object_get_type(value);
    char buffer[JSON_SCALAR_SIZE];

    if (type == json_type_string)
        return write_string(out, json_object_get_string(value),
                            (size_t)json_object_get_string_len(value));
    if (type != json_type_object && type != json_type_array) {
        const char *text = json_scalar(value, buffer);

        return text && fputs(text, out) >= 0 ? 0 : -1;
    }
    if (json_object_get_userdata(value) == &incomplete)
        return -1;
    return type == json_type_object ? write_object(out, value) : write_array(out, value);
}

char *json_canonical_text(json_object *value)
{
    MemoryText text;
    FILE *out = value ? memory_text_open(&text) : NULL;
    char *whole;
    int result;

    if (!out)
        return NULL;
    result = write_value(out, value);
    whole = memory_text_close(&text);
    if (result == 0)
        return whole;
    free(whole);
    return NULL;
}
