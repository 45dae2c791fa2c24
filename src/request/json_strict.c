/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json_strict.h"

#include "util/cleanup.h"
#include "util/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

typedef struct Lexer {
    const char *text;
    size_t length;
    size_t at;
    size_t tokens;
    size_t members; /* colons outside strings: one for each object member */
    size_t depth;
    Reason *why;
} Lexer;

static int refuse(Lexer *lexer, const char *what)
{
    return reason_set(lexer->why, "%s at byte %zu", what, lexer->at);
}

static int lex_hex4(Lexer *lexer, uint32_t *ret_unit)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++) {
        int digit = lexer->at < lexer->length ? (unsigned char)lexer->text[lexer->at] : 0;

        if (!isxdigit(digit))
            return refuse(lexer, "\\u without four hexadecimal digits");
        unit = unit << 4 | (uint32_t)(isdigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
        lexer->at++;
    }
    *ret_unit = unit;
    return 0;
}

/* A \u escape, `at` behind the u: two of them when they are a surrogate pair. */
static int lex_unicode_escape(Lexer *lexer)
{
    uint32_t character;
    uint32_t low;

    if (lex_hex4(lexer, &character) < 0)
        return -1;
    if (character >= 0xd800 && character <= 0xdbff) {
        if (lexer->length - lexer->at < 6 || strncmp(lexer->text + lexer->at, "\\u", 2) != 0)
            return refuse(lexer, "lone surrogate");
        lexer->at += 2;
        if (lex_hex4(lexer, &low) < 0)
            return -1;
        if (low < 0xdc00 || low > 0xdfff)
            return refuse(lexer, "lone surrogate");
        character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
    }
    if (!is_sendable_character(character))
        return refuse(lexer, "escape of U+0000, a lone surrogate or a noncharacter");
    return 0;
}

static int lex_string(Lexer *lexer)
{
    lexer->at++;
    while (lexer->at < lexer->length) {
        uint32_t character;
        size_t size = utf8_read(lexer->text + lexer->at, lexer->length - lexer->at, &character);

        if (size == 0 || character < 0x20 || character == 0x7f)
            return refuse(lexer, "control character, U+0000, noncharacter or invalid UTF-8");
        lexer->at += size;
        if (character == '"')
            return 0;
        if (character != '\\')
            continue;
        if (lexer->at < lexer->length && lexer->text[lexer->at] == 'u') {
            lexer->at++;
            if (lex_unicode_escape(lexer) < 0)
                return -1;
        } else if (lexer->at < lexer->length && strchr("\"\\/bfnrt", lexer->text[lexer->at]) &&
                   lexer->text[lexer->at]) {
            lexer->at++;
        } else {
            return refuse(lexer, "unknown escape");
        }
    }
    return refuse(lexer, "string without an end");
}

static size_t count_digits(const char *text, size_t length)
{
    size_t count = 0;

    while (count < length && isdigit((unsigned char)text[count]))
        count++;
    return count;
}

/* json-c makes the nearest 64-bit value of an integer that has no such value of its own. */
static bool fits_64_bits(const char *digits, size_t length)
{
    char copy[24];

    if (length >= sizeof(copy))
        return false;
    memcpy(copy, digits, length);
    copy[length] = '\0';
    errno = 0;
    if (*copy == '-')
        strtoll(copy, NULL, 10);
    else
        strtoull(copy, NULL, 10);
    return errno == 0;
}

/* RFC 8259 section 6, and not `0e1`, which QEMU's lexer reads as two tokens. */
static int lex_number(Lexer *lexer)
{
    const char *text = lexer->text + lexer->at;
    size_t length = lexer->length - lexer->at;
    size_t at = text[0] == '-' ? 1 : 0;
    size_t whole = count_digits(text + at, length - at);
    bool is_integer = true;
    size_t digits;

    if (whole == 0 || (whole > 1 && text[at] == '0'))
        return refuse(lexer, "not a JSON number");
    at += whole;
    if (at < length && text[at] == '.') {
        digits = count_digits(text + at + 1, length - at - 1);
        if (digits == 0)
            return refuse(lexer, "number without digits after its point");
        at += 1 + digits;
        is_integer = false;
    } else if (whole == 1 && text[at - 1] == '0' && at < length && (text[at] | 0x20) == 'e') {
        return refuse(lexer, "0 with an exponent, which QEMU cannot read,");
    }
    if (at < length && (text[at] | 0x20) == 'e') {
        at++;
        if (at < length && (text[at] == '+' || text[at] == '-'))
            at++;
        digits = count_digits(text + at, length - at);
        if (digits == 0)
            return refuse(lexer, "number without digits in its exponent");
        at += digits;
        is_integer = false;
    }
    if (is_integer && !fits_64_bits(text, at))
        return refuse(lexer, "integer that does not fit 64 bits");
    lexer->at += at;
    return 0;
}

static int lex_word(Lexer *lexer)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t length = strlen(words[i]);

        if (lexer->length - lexer->at >= length &&
            memcmp(lexer->text + lexer->at, words[i], length) == 0) {
            lexer->at += length;
            return 0;
        }
    }
    return refuse(lexer, "not JSON");
}

static int lex_bracket(Lexer *lexer, char bracket)
{
    if (bracket == '{' || bracket == '[') {
        if (++lexer->depth > REQUEST_DEPTH_MAX)
            return refuse(lexer, "nested deeper than 32 levels");
    } else if (lexer->depth-- == 0) {
        return refuse(lexer, "closing bracket without an opening one");
    }
    lexer->at++;
    return 0;
}

static int lex_token(Lexer *lexer)
{
    char first = lexer->text[lexer->at];

    if (++lexer->tokens > REQUEST_TOKENS_MAX)
        return refuse(lexer, "more than 65536 tokens");
    switch (first) {
    case '{':
    case '}':
    case '[':
    case ']':
        return lex_bracket(lexer, first);
    case ':':
        lexer->members++;
        lexer->at++;
        return 0;
    case ',':
        lexer->at++;
        return 0;
    case '"':
        return lex_string(lexer);
    default:
        if (first == '-' || isdigit((unsigned char)first))
            return lex_number(lexer);
        return lex_word(lexer);
    }
}

static int lex_all(Lexer *lexer)
{
    while (lexer->at < lexer->length) {
        if (lexer->text[lexer->at] != '\0' && strchr(" \t\r\n", lexer->text[lexer->at]))
            lexer->at++;
        else if (lex_token(lexer) < 0)
            return -1;
    }
    return 0;
}

/* Counts members and refuses numbers that a reader would round, clamp or make infinite. */
static int check_tree(json_object *value, size_t *members, Reason *why)
{
    const char *text;

    switch (json_object_get_type(value)) {
    case json_type_object: {
        json_object_object_foreach (value, key, member) {
            if (strlen(key) > JSON_KEY_MAX)
                return reason_set(why, "a member's name is longer than %zu bytes", JSON_KEY_MAX);
            ++*members;
            if (check_tree(member, members, why) < 0)
                return -1;
        }
        return 0;
    }
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            if (check_tree(json_object_array_get_idx(value, i), members, why) < 0)
                return -1;
        }
        return 0;
    case json_type_double:
        text = json_object_get_string(value);
        if (!text || !isfinite(json_object_get_double(value)) || !strpbrk(text, ".eE"))
            return reason_set(why, "a number is too large");
        return 0;
    case json_type_null:
    case json_type_boolean:
    case json_type_int:
    case json_type_string:
        return 0;
    }
    return reason_set(why, "unknown JSON type");
}

json_object *json_strict_parse(const char *text, size_t length, Reason *why)
{
    Lexer lexer = {.text = text, .length = length, .why = why};
    CLEANUP(tokener) json_tokener *tokener = NULL;
    CLEANUP(json) json_object *object = NULL;
    size_t members = 0;

    if (length == 0) {
        reason_set(why, "empty text");
        return NULL;
    }
    if (length > REQUEST_BYTES_MAX) {
        reason_set(why, "%zu bytes, more than %zu", length, REQUEST_BYTES_MAX);
        return NULL;
    }
    if (lex_all(&lexer) < 0)
        return NULL;

    tokener = json_tokener_new_ex(REQUEST_DEPTH_MAX + 1);
    if (!tokener) {
        reason_set(why, "out of memory");
        return NULL;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    object = json_tokener_parse_ex(tokener, text, (int)length);
    if (json_tokener_get_error(tokener) == json_tokener_continue) {
        reason_set(why, "the text ends in the middle of a value");
        return NULL;
    }
    if (!object) {
        reason_set(why, "%s at byte %zu", json_tokener_error_desc(json_tokener_get_error(tokener)),
                   json_tokener_get_parse_end(tokener));
        return NULL;
    }
    if (!json_object_is_type(object, json_type_object)) {
        reason_set(why, "not a JSON object");
        return NULL;
    }
    if (check_tree(object, &members, why) < 0)
        return NULL;
    if (members != lexer.members) {
        reason_set(why, "a key appears twice in one object");
        return NULL;
    }
    return steal_pointer(&object);
}

char *json_canonical_text(json_object *object)
{
    size_t length;
    const char *plain = json_object_to_json_string_length(
        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    char *ascii;
    char *out;
    size_t at = 0;

    if (!plain)
        return NULL;
    /* The worst case is a two-byte character that becomes six. */
    out = ascii = malloc(length * 6 + 1);
    if (!ascii)
        return NULL;
    while (at < length) {
        uint32_t character;
        size_t size = utf8_read(plain + at, length - at, &character);

        if (size == 0) {
            free(ascii);
            return NULL;
        }
        at += size;
        if (character < 0x7f) {
            *out++ = (char)character;
        } else if (character < 0x10000) {
            out += sprintf(out, "\\u%04x", character);
        } else {
            character -= 0x10000;
            out += sprintf(out, "\\u%04x\\u%04x", 0xd800 + (character >> 10),
                           0xdc00 + (character & 0x3ff));
        }
    }
    *out = '\0';
    return ascii;
}
