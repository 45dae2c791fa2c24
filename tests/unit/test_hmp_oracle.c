/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines for every HMP command of the catalogue: what the guard forwards is read by
 * QEMU (its miniature) as what the guard judged, and by the guard as itself.
 */
#include "unit.h"

#include "hmp_oracle.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

/* Strings that want quoting, or that look like something else where they stand. */
static const char *const strings[] = {
    "x",
    "/x",
    "a b",
    " ",
    "",
    "q\"uote",
    "\"",
    "back\\slash",
    "\\",
    "-f",
    "-",
    "+1",
    "'a'",
    "1+1",
    "8-4",
    "$pc",
    "exec:sh -c 'a'|b",
    "caf\xc3\xa9",
    "a\xc2\xa0"
    "b",
    "a,id=b,,c",
    "info",
    ".",
    "~",
    "(1)",
    "\\\"",
};

/* What a client writes between words, and where it makes a mistake. */
static const char *const pieces[] = {
    " ",          " ",       " ",    "  ",  "\t",   "\n",  "a",  "b",        "/",
    "/x",         "\"",      "\"",   "\\",  "\\\"", "'",   "-",  "-f",       "-d ",
    "-n",         "-a",      "-s",   "-r",  "0",    "16",  "08", "1k",       "0x10",
    "-5",         "+",       "*",    "$pc", "(",    ".",   ".5", "on",       "off",
    "no",         "1ms",     ",",    ";",   "/4xw", "/x5", "{",  "\xc3\xa9", "\xc2\xa0",
    "4294967296", "\"a b\"", "\"\"", "\f",  "=",    "~",   "?",
};

static uint64_t random_state;

/* xorshift64*: the same lines on every run and every machine. */
static size_t random_below(size_t limit)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (size_t)(random_state * 0x2545f4914f6cdd1dULL >> 33) % limit;
}

static void write_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

/* The rest of a line cannot hold what white space would be taken off of. */
static const char *as_rest(const char *string)
{
    return *string && *string != ' ' ? string : "rest";
}

/* Writes one argument of @type as a careful client would, and what it means. */
static json_object *write_argument(FILE *out, const char *type, const char *string)
{
    fputc(' ', out);
    switch (*type) {
    case 's':
    case 'F':
    case 'B':
    case 'O':
        write_quoted(out, string);
        return json_object_new_string(string);
    case 'S':
        fputs(as_rest(string), out);
        return json_object_new_string(as_rest(string));
    case 'i':
    case 'l':
    case 'M':
        fputs("0x10", out);
        return json_object_new_int64(16);
    case 'o':
        fputs("1.5k", out);
        return json_object_new_string("1.5k");
    case 'T':
        fputs("1ms", out);
        return json_object_new_string("1ms");
    case 'b':
        fputs("off", out);
        return json_object_new_string("off");
    case '/':
        fputs("/4xw", out);
        return json_object_new_string("/4xw");
    case '-':
        fprintf(out, "-%c", type[1]);
        if (type[2] != 's')
            return json_object_new_boolean(true);
        fputc(' ', out);
        write_quoted(out, string);
        return json_object_new_string(string);
    default:
        fail_msg("argument type '%c' is not known", *type);
        return NULL;
    }
}

/*
 * A line with all of @entry's arguments (@is_full), or with those that are needed.
 * @ret_arguments is what they mean. Caller frees both.
 */
static char *full_line(const CatalogEntry *entry, const char *string, bool is_full,
                       json_object **ret_arguments)
{
    char *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);

    assert_non_null(out);
    *ret_arguments = json_object_new_object();
    fputs(entry->name, out);
    for (const char *type = entry->args_type; *type;) {
        size_t length = strcspn(type, ":");
        char key[64];
        bool is_needed;

        snprintf(key, sizeof(key), "%.*s", (int)length, type);
        type += length + 1;
        is_needed = !strchr("-/O", *type) && type[1] != '?' && type[1] != '.';
        /* A number behind a dot is the one thing that the guard does not take. */
        if (is_needed || (is_full && type[1] != '.'))
            json_object_object_add(*ret_arguments, key, write_argument(out, type, string));
        type += strcspn(type, ",");
        type += *type == ',';
    }
    assert_int_equal(fclose(out), 0);
    return line;
}

/* What was judged, what QEMU reads and what is judged the second time are the same. */
static void check_rebuilt(const char *text, const HmpLine *line)
{
    CLEANUP(json) json_object *read = NULL;
    HmpLine again = {0};
    Reason why = {""};
    char name[256];

    read = oracle_reads(line->line, name);
    if (!read)
        fail_msg("'%s' becomes '%s', which QEMU refuses", text, line->line);
    if (!json_object_equal(read, line->arguments))
        fail_msg("'%s' becomes '%s', judged as %s, read as %s", text, line->line,
                 json_object_to_json_string(line->arguments), json_object_to_json_string(read));
    assert_string_equal(name, line->name);
    if (hmp_line_parse(line->line, strlen(line->line), &again, &why) < 0)
        fail_msg("'%s' becomes '%s', which is refused: %s", text, line->line, why.text);
    assert_string_equal(again.line, line->line);
    assert_true(json_object_equal(again.arguments, line->arguments));
    hmp_line_clear(&again);
}

static void check_full_line(const CatalogEntry *entry, const char *string, bool is_full)
{
    CLEANUP(json) json_object *wanted = NULL;
    CLEANUP(mem) char *text = full_line(entry, string, is_full, &wanted);
    HmpLine line = {0};
    Reason why = {""};

    if (hmp_line_parse(text, strlen(text), &line, &why) < 0)
        fail_msg("'%s' is refused: %s", text, why.text);
    if (!json_object_equal(line.arguments, wanted))
        fail_msg("'%s' is read as %s", text, json_object_to_json_string(line.arguments));
    check_rebuilt(text, &line);
    hmp_line_clear(&line);
}

static void test_full_lines(void **state)
{
    const CatalogEntry *entry = *state;

    assert_non_null(entry->args_type);
    /* What stands behind `info` is looked up as a name, never read as its argument. */
    if (strcmp(entry->name, "info") == 0)
        return;
    for (size_t i = 0; i < COUNT_OF(strings); i++) {
        check_full_line(entry, strings[i], true);
        check_full_line(entry, strings[i], false);
    }
}

static void make_random_line(char *out, size_t size, const CatalogEntry *entry)
{
    size_t count = random_below(9);
    size_t length = (size_t)snprintf(out, size, "%s", entry->name);

    if (random_below(4))
        length += (size_t)snprintf(out + length, size - length, " ");
    while (count-- > 0)
        length += (size_t)snprintf(out + length, size - length, "%s",
                                   pieces[random_below(COUNT_OF(pieces))]);
    /* QEMU keeps white space at the end of a rest of line, the guard does not. */
    while (length > 0 && strchr(" \t\n\r\f", out[length - 1]))
        out[--length] = '\0';
}

/* Returns whether the line was taken. */
static bool check_random_line(const CatalogEntry *entry)
{
    CLEANUP(json) json_object *read = NULL;
    HmpLine line = {0};
    char text[512];
    char name[256];

    make_random_line(text, sizeof(text), entry);
    if (hmp_line_parse(text, strlen(text), &line, NULL) < 0)
        return false;
    if (line.entry) {
        read = oracle_reads(text, name);
        if (!read)
            fail_msg("'%s' is taken, but QEMU refuses it", text);
        if (!json_object_equal(read, line.arguments))
            fail_msg("'%s' is judged as %s, read as %s", text,
                     json_object_to_json_string(line.arguments), json_object_to_json_string(read));
        check_rebuilt(text, &line);
    }
    hmp_line_clear(&line);
    return true;
}

static void test_random_lines(void **state)
{
    const CatalogEntry *entry = *state;
    size_t taken = 0;

    random_state = 0x9e3779b97f4a7c15ULL;
    for (const char *byte = entry->name; *byte; byte++)
        random_state = (random_state ^ (unsigned char)*byte) * 0x100000001b3ULL;
    for (int i = 0; i < 400; i++)
        taken += check_random_line(entry);
    /* Were all refused, nothing would be tested: the bare name alone is drawn often enough. */
    if (*entry->args_type == '\0')
        assert_true(taken > 0);
}

/* The oracle itself can say no. */
static void test_oracle(void **state)
{
    static const char *const refused[] = {
        "quit/",          "pmemsave 0 16 /x", "info/status", "savevm \"x", "x/s 0",
        "cpu 4294967296", "set_link n no",    "eject -x d",  "nonesuch"};
    char name[256];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        CLEANUP(json) json_object *read = oracle_reads(refused[i], name);

        if (read)
            fail_msg("'%s' is read", refused[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        static const char *const lines[] = {"migrate -dexec:x", "migrate \"-d\"\fx"};
        static const char *const wanted[] = {"{\"detach\":true,\"uri\":\"exec:x\"}", NULL};
        CLEANUP(json) json_object *read = oracle_reads(lines[i], name);

        assert_json(read, wanted[i]);
    }
}

int main(void)
{
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);

    unit_add("the oracle says no", test_oracle, NULL);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].channel != CHANNEL_HMP)
            continue;
        unit_add(entries[i].name, test_full_lines, (void *)(uintptr_t)&entries[i]);
        unit_add(entries[i].name, test_random_lines, (void *)(uintptr_t)&entries[i]);
    }
    return unit_run("hmp_oracle");
}
