/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json_text.h"

#include "cleanup.h"
#include "utf8.h"

#include <inttypes.h>
#include <string.h>

int json_add_member(json_object *object, const char *name, json_object *value)
{
    if (object && value && json_object_object_add(object, name, value) == 0)
        return 0;
    json_object_put(value);
    return -1;
}

int json_add_element(json_object *array, json_object *value)
{
    if (array && value && json_object_array_add(array, value) == 0)
        return 0;
    json_object_put(value);
    return -1;
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

static bool is_plain(char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

size_t json_plain_bytes(const char *text, size_t length)
{
    enum { BLOCK = 16 };
    size_t at = 0;

    /* In a text full of escapes a whole block would be looked at for each. */
    if (length == 0 || !is_plain(*text))
        return 0;
    /* Nothing in the loop inside depends on the byte before, so that the compiler takes all at
     * once. */
    while (length - at >= BLOCK) {
        bool is_whole = true;

        for (size_t i = 0; i < BLOCK; i++)
            is_whole &= is_plain(text[at + i]);
        if (!is_whole)
            break;
        at += BLOCK;
    }
    while (at < length && is_plain(text[at]))
        at++;
    return at;
}

static void write_text(MemoryText *out, const char *text)
{
    memory_text_add(out, text, strlen(text));
}

static void write_unit(MemoryText *out, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = "\\u";

    for (size_t i = sizeof(text) - 1; i > 1; i--, unit >>= 4)
        text[i] = digits[unit & 0xf];
    memory_text_add(out, text, sizeof(text));
}

void json_text_add_escaped(MemoryText *out, uint32_t character)
{
    static const char special[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = character > 0 && character < 0x7f ? strchr(special, (int)character) : NULL;

    if (found) {
        memory_text_add(out, (char[]){'\\', letters[found - special]}, 2);
    } else if (character < 0x10000) {
        write_unit(out, character);
    } else {
        write_unit(out, 0xd800 + ((character - 0x10000) >> 10));
        write_unit(out, 0xdc00 + ((character - 0x10000) & 0x3ff));
    }
}

static int write_string(MemoryText *out, const char *text, size_t length)
{
    size_t at = 0;

    write_text(out, "\"");
    while (at < length) {
        size_t plain = json_plain_bytes(text + at, length - at);
        uint32_t character;
        size_t size;

        memory_text_add(out, text + at, plain);
        at += plain;
        if (at == length)
            break;
        size = utf8_read(text + at, length - at, &character);
        if (size == 0)
            return -1;
        json_text_add_escaped(out, character);
        at += size;
    }
    write_text(out, "\"");
    return 0;
}

int json_text_add(MemoryText *out, const char *text)
{
    return write_string(out, text, strlen(text));
}

static int write_object(MemoryText *out, json_object *object)
{
    const char *comma = "";

    write_text(out, "{");
    json_object_object_foreach (object, name, member) {
        write_text(out, comma);
        if (json_text_add(out, name) < 0)
            return -1;
        write_text(out, ":");
        if (json_text_add_value(out, member) < 0)
            return -1;
        comma = ",";
    }
    write_text(out, "}");
    return 0;
}

static int write_array(MemoryText *out, json_object *array)
{
    write_text(out, "[");
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        if (i > 0)
            write_text(out, ",");
        if (json_text_add_value(out, json_object_array_get_idx(array, i)) < 0)
            return -1;
    }
    write_text(out, "]");
    return 0;
}

int json_text_add_value(MemoryText *out, json_object *value)
{
    json_type type = json_object_get_type(value);
    char buffer[JSON_SCALAR_SIZE];
    const char *text;

    if (type == json_type_string)
        return write_string(out, json_object_get_string(value),
                            (size_t)json_object_get_string_len(value));
    if (type != json_type_object && type != json_type_array) {
        text = json_scalar(value, buffer);
        if (!text)
            return -1;
        write_text(out, text);
        return 0;
    }
    return type == json_type_object ? write_object(out, value) : write_array(out, value);
}

char *json_canonical_text(json_object *value)
{
    MemoryText text = {0};
    int result = value ? json_text_add_value(&text, value) : -1;
    char *whole = memory_text_close(&text);

    if (result == 0)
        return whole;
    free(whole);
    return NULL;
}
