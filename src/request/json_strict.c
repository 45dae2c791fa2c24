/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json_strict.h"

#include "util/cleanup.h"
#include "util/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct Lexer {
    const char *text;
    size_t length;
    size_t at;
    size_t tokens;
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
static int lex_unicode_escape(Lexer *lexer, uint32_t *ret_character)
{
    uint32_t character = 0;
    uint32_t low = 0;

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
    *ret_character = character;
    return 0;
}

/* `at` behind the backslash. */
static int lex_escape(Lexer *lexer, uint32_t *ret_character)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *found = NULL;
    char letter = '\0';

    if (lexer->at < lexer->length)
        letter = lexer->text[lexer->at];
    if (letter)
        found = strchr(letters, letter);
    if (letter != 'u' && !found)
        return refuse(lexer, "unknown escape");
    lexer->at++;
    if (letter == 'u')
        return lex_unicode_escape(lexer, ret_character);
    *ret_character = (unsigned char)meanings[found - letters];
    return 0;
}

static int lex_string(Lexer *lexer)
{
    lexer->at++;
    for (;;) {
        uint32_t character;
        size_t size;

        lexer->at += json_plain_bytes(lexer->text + lexer->at, lexer->length - lexer->at);
        if (lexer->at == lexer->length)
            return refuse(lexer, "string without an end");
        size = utf8_read(lexer->text + lexer->at, lexer->length - lexer->at, &character);
        if (size == 0 || character < 0x20 || character == 0x7f)
            return refuse(lexer, "control character, U+0000, noncharacter or invalid UTF-8");
        lexer->at += size;
        if (character == '"')
            return 0;
        if (character == '\\' && lex_escape(lexer, &character) < 0)
            return -1;
    }
}

static size_t count_digits(const char *text, size_t length)
{
    size_t count = 0;

    while (count < length && isdigit((unsigned char)text[count]))
        count++;
    return count;
}

/*
 * RFC 8259 section 6, and not `0e1`, which QEMU's lexer reads as two tokens. Returns the number's
 * size in bytes and stays before it; 0 with the reason.
 */
static size_t lex_number(Lexer *lexer, bool *ret_is_integer)
{
    const char *text = lexer->text + lexer->at;
    size_t length = lexer->length - lexer->at;
    size_t at = text[0] == '-' ? 1 : 0;
    size_t whole = count_digits(text + at, length - at);
    size_t digits;

    *ret_is_integer = true;
    if (whole == 0 || (whole > 1 && text[at] == '0'))
        return refuse(lexer, "not a JSON number"), 0;
    at += whole;
    if (at < length && text[at] == '.') {
        digits = count_digits(text + at + 1, length - at - 1);
        if (digits == 0)
            return refuse(lexer, "number without digits after its point"), 0;
        at += 1 + digits;
        *ret_is_integer = false;
    } else if (whole == 1 && text[at - 1] == '0' && at < length && (text[at] | 0x20) == 'e') {
        return refuse(lexer, "0 with an exponent, which QEMU cannot read,"), 0;
    }
    if (at < length && (text[at] | 0x20) == 'e') {
        at++;
        if (at < length && (text[at] == '+' || text[at] == '-'))
            at++;
        digits = count_digits(text + at, length - at);
        if (digits == 0)
            return refuse(lexer, "number without digits in its exponent"), 0;
        at += digits;
        *ret_is_integer = false;
    }
    return at;
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

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The next byte that is no white space; '\0' at the end, as no token begins. */
static char peek(Lexer *lexer)
{
    while (lexer->at < lexer->length && is_space(lexer->text[lexer->at]))
        lexer->at++;
    if (lexer->at == lexer->length)
        return '\0';
    return lexer->text[lexer->at];
}

static int out_of_memory(Lexer *lexer)
{
    return reason_set(lexer->why, "out of memory");
}

static bool begins_token(char byte)
{
    return byte != '\0' && strchr("{}[]:,\"-0123456789tfn", byte);
}

static int refuse_token(Lexer *lexer, const char *what)
{
    if (lexer->at == lexer->length)
        return reason_set(lexer->why, "the text ends in the middle of a value");
    return refuse(lexer, begins_token(lexer->text[lexer->at]) ? what : "not JSON");
}

static int count_token(Lexer *lexer)
{
    return ++lexer->tokens > REQUEST_TOKENS_MAX ? refuse(lexer, "more than 65536 tokens") : 0;
}

static int take_mark(Lexer *lexer, char mark, const char *what)
{
    if (peek(lexer) != mark)
        return refuse_token(lexer, what);
    if (count_token(lexer) < 0)
        return -1;
    lexer->at++;
    return 0;
}

static char *put_utf8(char *out, uint32_t character)
{
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int size = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

    for (int i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    out[0] = (char)(character | (size > 1 ? marks[size] : 0));
    return out + size;
}

/*
 * A new string (caller frees), without U+0000, of the bytes from @start up to the lexer's place,
 * which lex_string() has found sound; NULL without memory.
 */
static char *copy_string(const Lexer *lexer, size_t start)
{
    Lexer inside = {.text = lexer->text, .length = lexer->at - 1, .at = start};
    char *text = malloc(lexer->at - start);
    char *out = text;

    /* No escape is longer than the text for it. */
    while (text && inside.at < inside.length) {
        const char *from = inside.text + inside.at;
        const char *escape = memchr(from, '\\', inside.length - inside.at);
        size_t plain = escape ? (size_t)(escape - from) : inside.length - inside.at;

        out = mempcpy(out, from, plain);
        inside.at += plain;
        if (escape) {
            uint32_t character = 0;

            inside.at++;
            (void)lex_escape(&inside, &character);
            out = put_utf8(out, character);
        }
    }
    if (text)
        *out = '\0';
    return text;
}

/* A new string (caller frees); NULL with the reason. */
static char *take_name(Lexer *lexer)
{
    char *name;
    size_t start;

    if (peek(lexer) != '"')
        return refuse_token(lexer, "a string is expected"), NULL;
    start = lexer->at + 1;
    if (count_token(lexer) < 0 || lex_string(lexer) < 0)
        return NULL;
    name = copy_string(lexer, start);
    if (!name)
        out_of_memory(lexer);
    return name;
}

static int read_string(Lexer *lexer, json_object **ret)
{
    size_t start = lexer->at + 1;
    CLEANUP(mem) char *text = NULL;
    size_t length;

    if (lex_string(lexer) < 0)
        return -1;
    length = lexer->at - 1 - start;
    if (!memchr(lexer->text + start, '\\', length)) {
        *ret = json_object_new_string_len(lexer->text + start, (int)length);
    } else {
        text = copy_string(lexer, start);
        *ret = text ? json_object_new_string(text) : NULL;
    }
    return *ret ? 0 : out_of_memory(lexer);
}

/* Kept as it is spelled. What a reader would make infinite is refused. */
static int read_fraction(Lexer *lexer, const char *digits, json_object **ret)
{
    /* The daemon's own locale may have another decimal point. */
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double number;

    if (!plain)
        return out_of_memory(lexer);
    number = strtod_l(digits, NULL, plain);
    freelocale(plain);
    if (!isfinite(number))
        return reason_set(lexer->why, "a number is too large");
    *ret = json_object_new_double_s(number, digits);
    return *ret ? 0 : out_of_memory(lexer);
}

/* json-c makes the nearest 64-bit value of an integer that has no such value of its own. */
static int read_integer(Lexer *lexer, size_t size, json_object **ret)
{
    char digits[24] = "";
    int64_t below_zero = 0;
    uint64_t number = 0;

    if (size >= sizeof(digits))
        return refuse(lexer, "integer that does not fit 64 bits");
    memcpy(digits, lexer->text + lexer->at, size);
    errno = 0;
    if (*digits == '-')
        below_zero = strtoll(digits, NULL, 10);
    else
        number = strtoull(digits, NULL, 10);
    if (errno != 0)
        return refuse(lexer, "integer that does not fit 64 bits");
    *ret = *digits == '-' ? json_object_new_int64(below_zero) : json_object_new_uint64(number);
    return *ret ? 0 : out_of_memory(lexer);
}

static int read_number(Lexer *lexer, json_object **ret)
{
    bool is_integer;
    size_t size = lex_number(lexer, &is_integer);
    CLEANUP(mem) char *digits = NULL;
    int result;

    if (size == 0)
        return -1;
    if (is_integer) {
        result = read_integer(lexer, size, ret);
    } else {
        digits = strndup(lexer->text + lexer->at, size);
        result = digits ? read_fraction(lexer, digits, ret) : out_of_memory(lexer);
    }
    lexer->at += size;
    return result;
}

static int read_word(Lexer *lexer, json_object **ret)
{
    char first = lexer->text[lexer->at];

    if (lex_word(lexer) < 0)
        return -1;
    if (first == 'n')
        return 0;
    *ret = json_object_new_boolean(first == 't');
    return *ret ? 0 : out_of_memory(lexer);
}

static int read_value(Lexer *lexer, json_object **ret);

static int read_member(Lexer *lexer, json_object *object)
{
    CLEANUP(mem) char *key = take_name(lexer);
    CLEANUP(json) json_object *value = NULL;

    if (!key)
        return -1;
    if (strlen(key) > JSON_KEY_MAX)
        return reason_set(lexer->why, "a member's name is longer than %zu bytes", JSON_KEY_MAX);
    if (json_object_object_get_ex(object, key, NULL))
        return reason_set(lexer->why, "a key appears twice in one object");
    if (take_mark(lexer, ':', "a colon is expected") < 0 || read_value(lexer, &value) < 0)
        return -1;
    if (json_object_object_add_ex(object, key, value, JSON_C_OBJECT_ADD_KEY_IS_NEW) < 0)
        return out_of_memory(lexer);
    value = NULL;
    return 0;
}

static int read_element(Lexer *lexer, json_object *array)
{
    CLEANUP(json) json_object *value = NULL;

    if (read_value(lexer, &value) < 0)
        return -1;
    if (json_object_array_add(array, value) < 0)
        return out_of_memory(lexer);
    value = NULL;
    return 0;
}

/* Members or elements, and commas between them; the bracket that opens them is counted. */
static int read_container(Lexer *lexer, char closing, json_object **ret)
{
    CLEANUP(json)
    json_object *container = closing == '}' ? json_object_new_object() : json_object_new_array();
    bool is_first = true;

    if (!container)
        return out_of_memory(lexer);
    if (++lexer->depth > REQUEST_DEPTH_MAX)
        return refuse(lexer, "nested deeper than 32 levels");
    lexer->at++;
    while (peek(lexer) != closing) {
        if (!is_first && take_mark(lexer, ',', "a comma or a closing bracket is expected") < 0)
            return -1;
        if (closing == '}' ? read_member(lexer, container) < 0 : read_element(lexer, container) < 0)
            return -1;
        is_first = false;
    }
    if (take_mark(lexer, closing, "") < 0)
        return -1;
    lexer->depth--;
    *ret = steal_pointer(&container);
    return 0;
}

/* @ret is NULL for null. */
static int read_value(Lexer *lexer, json_object **ret)
{
    char first = peek(lexer);

    *ret = NULL;
    if (first == '\0' || strchr("}]:,", first))
        return refuse_token(lexer, "a value is expected");
    if (count_token(lexer) < 0)
        return -1;
    if (first == '{')
        return read_container(lexer, '}', ret);
    if (first == '[')
        return read_container(lexer, ']', ret);
    if (first == '"')
        return read_string(lexer, ret);
    if (first == '-' || isdigit((unsigned char)first))
        return read_number(lexer, ret);
    return read_word(lexer, ret);
}

json_object *json_strict_parse(const char *text, size_t length, Reason *why)
{
    Lexer lexer = {.text = text, .length = length, .why = why};
    CLEANUP(json) json_object *object = NULL;

    if (length == 0) {
        reason_set(why, "empty text");
        return NULL;
    }
    if (length > REQUEST_BYTES_MAX) {
        reason_set(why, "%zu bytes, more than %zu", length, REQUEST_BYTES_MAX);
        return NULL;
    }
    if (read_value(&lexer, &object) < 0)
        return NULL;
    peek(&lexer);
    if (lexer.at < length) {
        refuse_token(&lexer, "the end is expected");
        return NULL;
    }
    if (!json_object_is_type(object, json_type_object)) {
        reason_set(why, "not a JSON object");
        return NULL;
    }
    return steal_pointer(&object);
}
