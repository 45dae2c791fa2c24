/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hmp_arguments.h"

#include "hmp_line.h"
#include "util/cleanup.h"
#include "util/memory_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

typedef struct ArgumentReader {
    const char *at; /* what is left of the line */
    const char *type; /* what is left of args_type, at the current type letter */
    char key[64]; /* the current argument's name */
    json_object *arguments;
    bool is_behind_number; /* a bare `/` here would be a division to QEMU */
    FILE *rebuilt;
    Reason *why;
} ArgumentReader;

static void skip_space(ArgumentReader *reader)
{
    reader->at += strspn(reader->at, HMP_SPACE);
}

/* Takes the `?` behind a type letter; true when it was there and the line is at its end. */
static bool is_left_out(ArgumentReader *reader)
{
    bool is_optional = reader->type[1] == '?';

    skip_space(reader);
    return is_optional && *reader->at == '\0';
}

static int keep(ArgumentReader *reader, json_object *value)
{
    if (!value || json_object_object_add(reader->arguments, reader->key, value) < 0) {
        json_object_put(value);
        return reason_set(reader->why, "out of memory");
    }
    return 0;
}

/* get_str() of QEMU, with what it would cut or abort on refused. */
static int read_string(ArgumentReader *reader, char *out)
{
    bool is_quoted;
    size_t length = 0;

    skip_space(reader);
    is_quoted = *reader->at == '"';
    if (*reader->at == '\0')
        return reason_set(reader->why, "argument '%s' is missing", reader->key);
    if (is_quoted)
        reader->at++;
    for (;; reader->at++) {
        char byte = *reader->at;

        if (is_quoted && byte == '"') {
            reader->at++;
            break;
        }
        if (byte == '\0' && is_quoted)
            return reason_set(reader->why, "argument '%s' lacks its closing quote", reader->key);
        if (!is_quoted && (byte == '\0' || strchr(HMP_SPACE, byte)))
            break;
        if (is_quoted && byte == '\\') {
            byte = *++reader->at;
            /* QEMU also knows \n and \r here; no argument needs a line break in it. */
            if (byte == '\0' || !strchr("\\'\"", byte))
                return reason_set(reader->why, "argument '%s' has an unknown escape", reader->key);
        } else if (strchr("\t\n\r", byte)) {
            return reason_set(reader->why, "argument '%s' has a control character in it",
                              reader->key);
        }
        if (length == HMP_STRING_MAX)
            return reason_set(reader->why, "argument '%s' is longer than %zu bytes", reader->key,
                              HMP_STRING_MAX);
        out[length++] = byte;
    }
    out[length] = '\0';
    return 0;
}

/*
 * Writes a string so that QEMU reads exactly it: bare where that is safe, since
 * policies match these lines. Quoted when its start could be taken for a flag or,
 * behind a number, for arithmetic.
 */
static void write_string(ArgumentReader *reader, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._-+:=,@#$%^~[]{}()<>!?*&;|'`";
    bool is_safe_start = isalnum((unsigned char)*value) ||
                         (*value == '/' && !reader->is_behind_number);
    FILE *out = reader->rebuilt;

    reader->is_behind_number = false;
    if (is_safe_start && value[strspn(value, plain)] == '\0') {
        fprintf(out, " %s", value);
        return;
    }
    fputs(" \"", out);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', out);
        fputc(*value, out);
    }
    fputc('"', out);
}

static int read_word(ArgumentReader *reader)
{
    char value[HMP_STRING_MAX + 1];

    if (is_left_out(reader))
        return 0;
    if (read_string(reader, value) < 0)
        return -1;
    write_string(reader, value);
    return keep(reader, json_object_new_string(value));
}

/* `O`: key=value options in one word, which QEMU lets you leave out. */
static int read_options(ArgumentReader *reader)
{
    skip_space(reader);
    return *reader->at == '\0' ? 0 : read_word(reader);
}

/* `S`: the rest of the line, as it stands. */
static int read_rest(ArgumentReader *reader)
{
    CLEANUP(mem) char *rest = NULL;
    size_t length;

    if (is_left_out(reader))
        return 0;
    length = strlen(reader->at);
    while (length > 0 && strchr(HMP_SPACE, reader->at[length - 1]))
        length--;
    if (length == 0)
        return reason_set(reader->why, "argument '%s' is missing", reader->key);
    rest = strndup(reader->at, length);
    if (!rest)
        return reason_set(reader->why, "out of memory");
    if (strpbrk(rest, "\t\n\r"))
        return reason_set(reader->why, "argument '%s' has a control character in it", reader->key);
    reader->at += strlen(reader->at);
    fprintf(reader->rebuilt, " %s", rest);
    return keep(reader, json_object_new_string(rest));
}

/* True when a number ends at @end: the line ends there, or a blank follows. */
static bool ends_word(const char *end)
{
    return *end == '\0' || strchr(HMP_SPACE, *end);
}

/*
 * Takes a literal number. QEMU reads an expression, greedily: `16 /x` is a division
 * there. So whatever could go on with one is refused.
 */
static int read_number(ArgumentReader *reader, int64_t least, int64_t most)
{
    char *end;
    long long value;
    const char *digits;

    if (is_left_out(reader))
        return 0;
    digits = reader->at + (*reader->at == '-');
    errno = 0;
    value = strtoll(reader->at, &end, 0);
    if (!isdigit((unsigned char)*digits) || errno || !ends_word(end) || value < least ||
        value > most)
        return reason_set(reader->why, "argument '%s' is not a plain number in its range",
                          reader->key);
    fprintf(reader->rebuilt, " %.*s", (int)(end - reader->at), reader->at);
    reader->at = end;
    reader->is_behind_number = true;
    skip_space(reader);
    if (*reader->at && strchr("+-*/%&|^~", *reader->at))
        return reason_set(reader->why,
                          "argument '%s' is followed by '%c', which QEMU takes for arithmetic: "
                          "put the next argument in double quotes",
                          reader->key, *reader->at);
    return keep(reader, json_object_new_int64(value));
}

/*
 * Takes one bare word of the form that @is_form knows: `o` sizes, `T` times, `b` switches
 * and `/` formats.
 */
static int read_form(ArgumentReader *reader, bool (*is_form)(const char *word))
{
    char word[64];
    size_t length;

    if (is_left_out(reader))
        return 0;
    length = strcspn(reader->at, HMP_SPACE);
    if (length >= sizeof(word))
        return reason_set(reader->why, "argument '%s' is not readable", reader->key);
    snprintf(word, sizeof(word), "%.*s", (int)length, reader->at);
    if (!is_form(word))
        return reason_set(reader->why, "argument '%s' is not readable", reader->key);
    reader->at += length;
    reader->is_behind_number = true; /* nobody checks what QEMU makes of a `/` here */
    fprintf(reader->rebuilt, " %s", word);
    return keep(reader, json_object_new_string(word));
}

/* Digits, with a point and more digits or without; returns what follows, NULL for none. */
static const char *behind_decimal(const char *word)
{
    size_t length = strspn(word, "0123456789");

    if (length == 0)
        return NULL;
    word += length;
    if (*word != '.')
        return word;
    length = strspn(word + 1, "0123456789");
    return length ? word + 1 + length : NULL;
}

static bool is_size(const char *word)
{
    const char *rest = behind_decimal(word);

    if (strncmp(word, "0x", 2) == 0)
        return word[2] && !word[2 + strspn(word + 2, "0123456789abcdefABCDEF")];
    return rest && (!*rest || (strchr("bkmgtpeBKMGTPE", *rest) && !rest[1]));
}

static bool is_time(const char *word)
{
    const char *rest = behind_decimal(word);

    return rest && (!*rest || (strchr("mun", rest[0]) && strcmp(rest + 1, "s") == 0));
}

static bool is_switch(const char *word)
{
    return strcmp(word, "on") == 0 || strcmp(word, "off") == 0;
}

/* `/`, a count, letters for format and size. */
static bool is_format(const char *word)
{
    const char *letters = word + 1 + strspn(word + 1, "0123456789");

    return letters - word <= 8 && !letters[strspn(letters, "oduxicbhwgL")];
}

static int read_format(ArgumentReader *reader)
{
    skip_space(reader);
    return *reader->at == '/' ? read_form(reader, is_format) : 0;
}

/* True when @flag is declared somewhere in the types that are left. */
static bool is_later_flag(const char *types, char flag)
{
    for (const char *at = strstr(types, ":-"); at; at = strstr(at + 2, ":-")) {
        if (at[2] == flag)
            return true;
    }
    return false;
}

/* `-x`, or `-xs` with a string. Flags come in the declared order. */
static int read_flag(ArgumentReader *reader)
{
    char flag = reader->type[1];
    char value[HMP_STRING_MAX + 1];

    skip_space(reader);
    if (*reader->at != '-')
        return 0;
    if (reader->at[1] != flag) {
        if (is_later_flag(reader->type + 1, reader->at[1]))
            return 0;
        return reason_set(reader->why, "flag in '%s' is not known here", reader->key);
    }
    reader->at += 2;
    if (*reader->at && !strchr(HMP_SPACE, *reader->at))
        return reason_set(reader->why, "flag -%c has text glued to it", flag);
    fprintf(reader->rebuilt, " -%c", flag);
    if (reader->type[2] != 's')
        return keep(reader, json_object_new_boolean(true));
    if (read_string(reader, value) < 0)
        return -1;
    write_string(reader, value);
    return keep(reader, json_object_new_string(value));
}

/* `i.`: a number that is there only when a dot announces it. */
static int read_integer(ArgumentReader *reader)
{
    skip_space(reader);
    if (reader->type[1] == '.') {
        if (*reader->at != '.')
            return 0;
        return reason_set(reader->why, "argument '%s' with a dot is not supported", reader->key);
    }
    /* `i` is 32 bits wide; QEMU refuses a value with a bit set above them. */
    return *reader->type == 'i' ? read_number(reader, 0, UINT32_MAX)
                                : read_number(reader, INT64_MIN, INT64_MAX);
}

static int read_argument(ArgumentReader *reader)
{
    switch (*reader->type) {
    case 's':
    case 'F':
    case 'B':
        return read_word(reader);
    case 'O':
        return read_options(reader);
    case 'S':
        return read_rest(reader);
    case 'i':
    case 'l':
    case 'M':
        return read_integer(reader);
    case 'o':
        return read_form(reader, is_size);
    case 'T':
        return read_form(reader, is_time);
    case 'b':
        return read_form(reader, is_switch);
    case '/':
        return read_format(reader);
    case '-':
        return read_flag(reader);
    default:
        return reason_set(reader->why, "argument type '%c' is not known", *reader->type);
    }
}

static int read_typed(ArgumentReader *reader)
{
    while (*reader->type) {
        size_t length = strcspn(reader->type, ":");

        if (reader->type[length] == '\0' || length >= sizeof(reader->key))
            return reason_set(reader->why, "its argument types are not readable");
        snprintf(reader->key, sizeof(reader->key), "%.*s", (int)length, reader->type);
        reader->type += length + 1;
        if (read_argument(reader) < 0)
            return -1;
        reader->type += strcspn(reader->type, ",");
        reader->type += *reader->type == ',';
    }
    skip_space(reader);
    if (*reader->at)
        return reason_set(reader->why, "the line goes on after its last argument");
    return 0;
}

static int read_untyped(ArgumentReader *reader)
{
    for (skip_space(reader); *reader->at; skip_space(reader)) {
        size_t length = strcspn(reader->at, HMP_SPACE);

        for (size_t i = 0; i < length; i++) {
            if (!isascii(reader->at[i]) || strchr("\"\\", reader->at[i]))
                return reason_set(reader->why, "it is not in the catalogue, and its arguments have "
                                               "quotes or special bytes");
        }
        fprintf(reader->rebuilt, " %.*s", (int)length, reader->at);
        reader->at += length;
    }
    return 0;
}

int hmp_arguments_parse(const char *text, const char *args_type, json_object *arguments,
                        char **ret_text, Reason *why)
{
    ArgumentReader reader = {.at = text, .type = args_type, .arguments = arguments, .why = why};
    MemoryText written;
    char *rebuilt;
    int result;

    reader.rebuilt = memory_text_open(&written);
    if (!reader.rebuilt)
        return reason_set(why, "out of memory");
    result = args_type ? read_typed(&reader) : read_untyped(&reader);
    rebuilt = memory_text_close(&written);
    if (!rebuilt)
        result = reason_set(why, "out of memory");
    if (result < 0) {
        free(rebuilt);
        return -1;
    }
    *ret_text = rebuilt;
    return 0;
}
