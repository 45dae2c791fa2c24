/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json_walk.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct Walk {
    const char *at;
    const char *end;
} Walk;

static bool is_value(Walk *walk, json_object *value);

static void skip_space(Walk *walk)
{
    while (walk->at < walk->end && memchr(" \t\r\n", *walk->at, 4))
        walk->at++;
}

static bool take(Walk *walk, char byte)
{
    skip_space(walk);
    if (walk->at == walk->end || *walk->at != byte)
        return false;
    walk->at++;
    return true;
}

static bool take_word(Walk *walk, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(walk->end - walk->at) < length || memcmp(walk->at, word, length) != 0)
        return false;
    walk->at += length;
    return true;
}

static unsigned hex4(const char *digits)
{
    char copy[5] = {digits[0], digits[1], digits[2], digits[3]};

    return (unsigned)strtoul(copy, NULL, 16);
}

static char *put_utf8(char *out, uint32_t character)
{
    if (character < 0x80) {
        *out++ = (char)character;
    } else if (character < 0x800) {
        *out++ = (char)(0xc0 | character >> 6);
        *out++ = (char)(0x80 | (character & 0x3f));
    } else if (character < 0x10000) {
        *out++ = (char)(0xe0 | character >> 12);
        *out++ = (char)(0x80 | (character >> 6 & 0x3f));
        *out++ = (char)(0x80 | (character & 0x3f));
    } else {
        *out++ = (char)(0xf0 | character >> 18);
        *out++ = (char)(0x80 | (character >> 12 & 0x3f));
        *out++ = (char)(0x80 | (character >> 6 & 0x3f));
        *out++ = (char)(0x80 | (character & 0x3f));
    }
    return out;
}

/* Behind the `u` of an escape. */
static char *put_escape(Walk *walk, char *out)
{
    uint32_t unit;

    if (walk->end - walk->at < 4)
        return NULL;
    unit = hex4(walk->at);
    walk->at += 4;
    if (unit >= 0xd800 && unit < 0xdc00 && take_word(walk, "\\u") && walk->end - walk->at >= 4) {
        unit = 0x10000 + ((unit - 0xd800) << 10) + (hex4(walk->at) - 0xdc00);
        walk->at += 4;
    }
    return unit == 0 ? NULL : put_utf8(out, unit);
}

/* A new string with what the text behind the opening quote says; NULL when it says none. */
static char *read_text(Walk *walk)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    /* Nothing gets longer: six bytes of an escape are at most three of UTF-8. */
    char *text = malloc((size_t)(walk->end - walk->at) + 1);
    char *out = text;

    while (out && walk->at < walk->end) {
        char byte = *walk->at++;
        const char *letter;

        if (byte == '"') {
            *out = '\0';
            return text;
        }
        if (byte != '\\') {
            *out++ = byte;
            continue;
        }
        if (walk->at == walk->end)
            break;
        byte = *walk->at++;
        letter = memchr(letters, byte, sizeof(letters) - 1);
        if (letter)
            *out++ = meant[letter - letters];
        else
            out = byte == 'u' ? put_escape(walk, out) : NULL;
    }
    free(text);
    return NULL;
}

static bool is_text(Walk *walk, json_object *value)
{
    char *text = read_text(walk);
    bool is_same = text && json_object_is_type(value, json_type_string) &&
                   strlen(text) == (size_t)json_object_get_string_len(value) &&
                   strcmp(text, json_object_get_string(value)) == 0;

    free(text);
    return is_same;
}

static bool is_number(Walk *walk, json_object *value)
{
    char text[512];
    size_t length = 0;

    while (walk->at < walk->end && length < sizeof(text) - 1 &&
           memchr("+-.eE0123456789", *walk->at, 15))
        text[length++] = *walk->at++;
    text[length] = '\0';
    /* A longer one is a number, too; json-c holds all of it. */
    while (walk->at < walk->end && memchr("+-.eE0123456789", *walk->at, 15))
        walk->at++;
    if (length == 0)
        return false;
    if (length == sizeof(text) - 1)
        return json_object_is_type(value, json_type_double);
    if (strpbrk(text, ".eE"))
        return json_object_is_type(value, json_type_double) &&
               strtod(text, NULL) == json_object_get_double(value);
    errno = 0;
    return json_object_is_type(value, json_type_int) &&
           (*text == '-' ? strtoll(text, NULL, 10) == json_object_get_int64(value)
                         : strtoull(text, NULL, 10) == json_object_get_uint64(value)) &&
           errno == 0;
}

/* As many members as @value has, each of them one of its own: then none is there twice. */
static bool is_object(Walk *walk, json_object *value)
{
    int count = 0;

    if (!json_object_is_type(value, json_type_object))
        return false;
    if (take(walk, '}'))
        return json_object_object_length(value) == 0;
    do {
        char *name = take(walk, '"') ? read_text(walk) : NULL;
        json_object *member = NULL;
        bool is_same = name && take(walk, ':') && json_object_object_get_ex(value, name, &member) &&
                       is_value(walk, member);

        free(name);
        if (!is_same)
            return false;
        count++;
    } while (take(walk, ','));
    return take(walk, '}') && count == json_object_object_length(value);
}

static bool is_list(Walk *walk, json_object *value)
{
    size_t count = 0;

    if (!json_object_is_type(value, json_type_array))
        return false;
    if (take(walk, ']'))
        return json_object_array_length(value) == 0;
    do {
        if (count >= json_object_array_length(value) ||
            !is_value(walk, json_object_array_get_idx(value, count)))
            return false;
        count++;
    } while (take(walk, ','));
    return take(walk, ']') && count == json_object_array_length(value);
}

static bool is_value(Walk *walk, json_object *value)
{
    if (take(walk, '{'))
        return is_object(walk, value);
    if (take(walk, '['))
        return is_list(walk, value);
    if (take(walk, '"'))
        return is_text(walk, value);
    if (take_word(walk, "null"))
        return value == NULL;
    if (take_word(walk, "true"))
        return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
    if (take_word(walk, "false"))
        return json_object_is_type(value, json_type_boolean) && !json_object_get_boolean(value);
    return is_number(walk, value);
}

bool json_walk_says(const char *text, size_t length, json_object *value)
{
    Walk walk = {text, text + length};

    if (!is_value(&walk, value))
        return false;
    skip_space(&walk);
    return walk.at == walk.end;
}
