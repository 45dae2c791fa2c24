/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs effects.table, and sees to it that its rows try every effect of the catalogue. */
#include "unit.h"

#include "catalog/effect.h"
#include "util/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 3
#define ROWS_MAX 6000
#define VALUES_MAX 500

typedef struct EffectRow {
    char *name; /* place and text */
    Channel channel;
    char *text;
    char *added; /* groups, and !CLASS */
} EffectRow;

/* A line `$WORD | value | groups`. */
typedef struct Value {
    char *word;
    char *text;
    char *added;
} Value;

static char *table; /* the file; values point into it */
static EffectRow rows[ROWS_MAX];
static size_t n_rows;
static Value values[VALUES_MAX];
static size_t n_values;

static char *trimmed(char *text)
{
    char *end;

    text += strspn(text, " ");
    end = text + strlen(text);
    while (end > text && end[-1] == ' ')
        *--end = '\0';
    return text;
}

static void fail_line(int number, const char *because)
{
    fprintf(stderr, "line %d: %s\n", number, because);
    exit(1);
}

/* @text with a backslash before each quote when @is_quoted (caller frees). */
static char *quoted(const char *text, bool is_quoted)
{
    char *out = malloc(2 * strlen(text) + 1);
    char *end = out;

    if (!out)
        abort();
    for (; *text; text++) {
        if (is_quoted && strchr("\"\\", *text))
            *end++ = '\\';
        *end++ = *text;
    }
    *end = '\0';
    return out;
}

static void add_row(int number, Channel channel, char *text, char *added)
{
    if (n_rows == ROWS_MAX)
        fail_line(number, "too many rows");
    rows[n_rows++] = (EffectRow){
        .name = formatted("line %d: %s %s", number, channel_name(channel), text),
        .channel = channel,
        .text = text,
        .added = added,
    };
}

/* Adds the row once for each value of the word that is at @at in @text. */
static void add_rows_of_values(int number, Channel channel, char *text, char *at, const char *added)
{
    bool is_quoted = at[1] == '$';
    char *word = at + is_quoted;
    size_t length = 1 + strspn(word + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    size_t before = n_rows;

    for (size_t i = 0; i < n_values; i++) {
        CLEANUP(mem) char *value = NULL;

        if (strlen(values[i].word) != length || strncmp(values[i].word, word, length) != 0)
            continue;
        value = quoted(values[i].text, is_quoted);
        add_row(number, channel,
                formatted("%.*s%s%s", (int)(at - text), text, value, word + length),
                formatted("%s %s", added, values[i].added));
    }
    if (n_rows == before)
        fail_line(number, "its word has no value");
}

static void read_row(char *line, int number)
{
    char *fields[COLUMNS];
    size_t count = 0;
    char *field;
    int channel;
    char *at;

    while ((field = strsep(&line, "|")) && count < COLUMNS)
        fields[count++] = trimmed(field);
    if (field || count != COLUMNS)
        fail_line(number, "not three columns");
    if (*fields[0] == '$') {
        if (n_values == VALUES_MAX)
            fail_line(number, "too many values");
        values[n_values++] = (Value){fields[0], fields[1], fields[2]};
        return;
    }
    channel = channel_from_name(fields[0]);
    if (channel < 0)
        fail_line(number, "there is no such channel");
    at = strchr(fields[1], '$');
    if (at)
        add_rows_of_values(number, (Channel)channel, fields[1], at, fields[2]);
    else
        add_row(number, (Channel)channel, formatted("%s", fields[1]), formatted("%s", fields[2]));
}

static void read_table(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t size = 0;
    char *rest;
    char *line;

    if (!file || getdelim(&table, &size, '\0', file) < 0) {
        perror(path);
        exit(1);
    }
    fclose(file);
    rest = table;
    for (int number = 1; (line = strsep(&rest, "\n")); number++) {
        if (*line != '\0' && *line != '#')
            read_row(line, number);
    }
}

static GroupSet group(const char *name)
{
    const GroupInfo *info = group_find(name);

    if (!info)
        fail_msg("there is no group %s", name);
    return info->set;
}

static GroupSet class_group(CommandClass command_class)
{
    CLEANUP(mem) char *name = formatted("@%s", class_name(command_class));

    return group(name);
}

static CommandClass class_of(const char *name)
{
    for (int class = CLASS_SAFE; class < CLASS_COUNT; class ++) {
        if (strcmp(class_name((CommandClass) class), name) == 0)
            return (CommandClass) class;
    }
    fail_msg("there is no class %s", name);
    return CLASS_UNKNOWN;
}

/* The names of the groups in @set (caller frees). */
static char *group_names(GroupSet set)
{
    size_t count;
    const GroupInfo *groups = group_list(&count);
    char *names = formatted("%s", "");

    for (size_t i = 0; i < count; i++) {
        CLEANUP(mem) char *before = NULL;

        /* A group that contains others has several bits. */
        if (!(groups[i].set & set) || (groups[i].set & (groups[i].set - 1)))
            continue;
        before = names;
        names = formatted("%s %s", before, groups[i].name);
    }
    return names;
}

/* What an operation of @entry is with @added, as a row writes it. */
static Classification wanted_of(const CatalogEntry *entry, const char *added)
{
    CLEANUP(mem) char *copy = strdup(added);
    Classification wanted = {entry->command_class, entry->groups};
    char *rest = copy;
    char *word;

    while ((word = strsep(&rest, " "))) {
        if (*word == '!')
            wanted.command_class = class_of(word + 1);
        else if (*word)
            wanted.groups |= group(word);
    }
    wanted.groups &= ~class_group(entry->command_class);
    wanted.groups |= class_group(wanted.command_class);
    if (entry->channel == CHANNEL_HMP) {
        wanted.groups = (wanted.groups & ~group("@safe")) | group("@dangerous");
        wanted.command_class = CLASS_DANGEROUS;
    }
    return wanted;
}

static void test_row(void **state)
{
    const EffectRow *row = *state;
    Request *request = request_of_short(row->channel, row->text);
    const Operation *operation = &request->operations[0];
    Classification is = operation->is;
    Classification wanted;

    assert_non_null(operation->entry);
    wanted = wanted_of(operation->entry, row->added);
    if (is.groups != wanted.groups) {
        CLEANUP(mem) char *too_many = group_names(is.groups & ~wanted.groups);
        CLEANUP(mem) char *missing = group_names(wanted.groups & ~is.groups);

        fail_msg("is also in:%s; is not in:%s", too_many, missing);
    }
    assert_string_equal(class_name(is.command_class), class_name(wanted.command_class));
    request_free(request);
}

/* What the rows do with each effect of one entry. */
typedef struct Tried {
    bool holds;
    bool fails;
} Tried;

static void try_rows(const CatalogEntry *entry, Request *const *requests, Tried *tried)
{
    for (size_t r = 0; r < n_rows; r++) {
        const Operation *operation = &requests[r]->operations[0];

        for (size_t i = 0; operation->entry == entry && i < entry->n_effects; i++) {
            bool matches = effect_matches(&entry->effects[i], operation->expanded);

            tried[i].holds = tried[i].holds || matches;
            tried[i].fails = tried[i].fails || !matches;
        }
    }
}

static const char *const test_names[] = {
    [EFFECT_GLOB] = "",         [EFFECT_NOT_GLOB] = "!",  [EFFECT_PRESENT] = "present",
    [EFFECT_ABSENT] = "absent", [EFFECT_PLAIN] = "plain",
};

static void print_untried(const CatalogEntry *entry, const CatalogEffect *effect, bool holds)
{
    print_error("%s %s: ", channel_name(entry->channel), entry->name);
    for (size_t i = 0; i < effect->n_path; i++)
        print_error("%s%s%s", i > 0 ? "." : "",
                    effect->path[i].member ? effect->path[i].member : "**",
                    effect->path[i].is_list ? "[]" : "");
    print_error(" %s%s%s%s: %s\n", test_names[effect->test], effect->glob ? effect->glob : "",
                effect->n_when ? " when " : "", effect->n_when ? effect->when[0].member : "",
                holds ? "holds in every row" : "holds in no row");
}

static size_t report_untried(const CatalogEntry *entry, Request *const *requests)
{
    CLEANUP(mem) Tried *tried = calloc(entry->n_effects + 1, sizeof(*tried));
    size_t count = 0;

    assert_non_null(tried);
    try_rows(entry, requests, tried);
    for (size_t i = 0; i < entry->n_effects; i++) {
        if (tried[i].holds && tried[i].fails)
            continue;
        count++;
        print_untried(entry, &entry->effects[i], tried[i].holds);
    }
    return count;
}

static void test_every_effect_is_tried(void **state)
{
    CLEANUP(mem) Request **requests = calloc(n_rows + 1, sizeof(Request *));
    size_t n_entries;
    const CatalogEntry *entries = catalog_list(&n_entries);
    size_t untried = 0;

    (void)state;
    assert_non_null(requests);
    for (size_t r = 0; r < n_rows; r++)
        requests[r] = request_of_short(rows[r].channel, rows[r].text);
    for (size_t i = 0; i < n_entries; i++)
        untried += report_untried(&entries[i], requests);
    for (size_t r = 0; r < n_rows; r++)
        request_free(requests[r]);
    if (untried > 0)
        fail_msg("%zu effects are not tried both ways", untried);
}

int main(int argc, char **argv)
{
    int failed;

    if (argc != 2)
        return 2;
    read_table(argv[1]);
    for (size_t i = 0; i < n_rows; i++)
        unit_add(rows[i].name, test_row, &rows[i]);
    unit_add("every effect is tried", test_every_effect_is_tried, NULL);
    failed = unit_run("effects");
    for (size_t i = 0; i < n_rows; i++) {
        free(rows[i].name);
        free(rows[i].text);
        free(rows[i].added);
    }
    free(table);
    return failed != 0; /* an exit status holds no count above 255 */
}
