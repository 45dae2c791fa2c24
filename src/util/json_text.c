/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json_text.h"

#include "cleanup.h"
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

/* Caller frees. */
static char *without_bad_bytes(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t length = strlen(text);
    char *valid = malloc((sizeof(replacement) - 1) * length + 1);
    char *end = valid;

    if (!valid)
        return NULL;
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t size = utf8_read(text + at, length - at, &character);

        end = size ? mempcpy(end, text + at, size) : stpcpy(end, replacement);
        at += size ? size : 1;
    }
    *end = '\0';
    return valid;
}

void json_add_text(json_object *object, const char *name, const char *text)
{
    CLEANUP(mem) char *valid = text ? without_bad_bytes(text) : NULL;

    json_add(object, name, valid ? json_object_new_string(valid) : NULL);
}

void json_add_null(json_object *object, const char *name)
{
    if (!object || json_object_object_add(object, name, NULL) != 0)
        mark_incomplete(object);
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
    if (json_object_get_userdata(value) == &incomplete)
        return -1;
    return type == json_type_object ? write_object(out, value) : write_array(out, value);
}

bool json_is_whole(json_object *value)
{
    if (!value || json_object_get_userdata(value) == &incomplete)
        return false;
    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach (value, name, member) {
            (void)name;
            if (member && !json_is_whole(member)) /* a null is one */
                return false;
        }
    }
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            if (!json_is_whole(json_object_array_get_idx(value, i)))
                return false;
        }
    }
    return true;
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
