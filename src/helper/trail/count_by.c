/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --count-by: how many records there are by some of their members. */
#include "json_add.h"
#include "output.h"
#include "print.h"
#include "table_lines.h"
#include "util/choice.h"
#include "util/cleanup.h"
#include "util/nearest.h"

#include <inttypes.h>
#include <json-c/linkhash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 4
#define VALUE_SIZE 512

/* Between the values of a group's name; no value holds one. */
#define SEPARATOR "\n"

typedef enum CountKey {
    KEY_VM,
    KEY_USER,
    KEY_COMMAND,
    KEY_CLASS,
    KEY_VERDICT,
    KEY_RULE,
    KEY_CHANNEL,
    KEY_DAY,
    KEY_HOUR,
} CountKey;

static const struct {
    const char *name;
    CountKey key;
    RowField field;
} known_keys[] = {
    {"vm", KEY_VM, ROW_DOMAIN},
    {"user", KEY_USER, ROW_USER},
    {"command", KEY_COMMAND, ROW_COMMAND},
    {"class", KEY_CLASS, ROW_CLASS},
    {"verdict", KEY_VERDICT, ROW_VERDICT},
    {"rule", KEY_RULE, ROW_RULE},
    {"channel", KEY_CHANNEL, ROW_CHANNEL},
    {"day", KEY_DAY, ROW_EVENT},
    {"hour", KEY_HOUR, ROW_EVENT},
};

#define KNOWN_COUNT (sizeof(known_keys) / sizeof(known_keys[0]))

typedef struct Group {
    uint64_t count;
    char name[]; /* the values, with SEPARATOR between them */
} Group;

struct CountBy {
    size_t keys[KEYS_MAX]; /* of known_keys */
    size_t n_keys;
    bool as_json;
    struct lh_table *groups; /* name -> Group */
};

static void free_group(struct lh_entry *entry)
{
    free(lh_entry_v(entry));
}

static int add_key(CountBy *count, const char *name, Reason *why)
{
    Nearest nearest = nearest_to(name);
    const char *words[KNOWN_COUNT];
    char told[CHOICE_SIZE];
    char hint[80];

    if (count->n_keys == KEYS_MAX)
        return reason_set(why, "--count-by takes at most %d keys", KEYS_MAX);
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (strcmp(known_keys[i].name, name) == 0) {
            count->keys[count->n_keys++] = i;
            return 0;
        }
        words[i] = known_keys[i].name;
        nearest_try(&nearest, words[i]);
    }
    return reason_set(why, "nothing is counted by '%s': it is %s%s", name,
                      choice_tell(words, KNOWN_COUNT, told),
                      nearest_hint(&nearest, hint, sizeof(hint)));
}

CountBy *count_by_new(const char *keys, bool as_json, Reason *why)
{
    CountBy *count = calloc(1, sizeof(*count));
    char *copy = strdup(keys);
    char *rest = copy;
    int result = 0;

    if (count && copy) {
        count->as_json = as_json;
        count->groups = lh_kchar_table_new(64, free_group);
        while (result == 0 && rest)
            result = add_key(count, strsep(&rest, ","), why);
    }
    free(copy);
    if (!count || !count->groups)
        result = reason_set(why, "out of memory");
    if (result == 0)
        return count;
    count_by_free(count);
    return NULL;
}

void count_by_free(CountBy *count)
{
    if (!count)
        return;
    if (count->groups)
        lh_table_free(count->groups);
    free(count);
}

/* The first @length bytes of the time, with @rest for what is behind them. */
static const char *cut_time(struct timespec when, size_t length, const char *rest, char *buffer)
{
    char text[PRINT_TIME_SIZE];

    snprintf(buffer, VALUE_SIZE, "%.*s%s", (int)length, print_time(when, text), rest);
    return when.tv_sec ? buffer : "-";
}

static const char *value_of(const AuditRow *row, size_t key, char *buffer)
{
    const char *value = row->fields[known_keys[key].field];

    switch (known_keys[key].key) {
    case KEY_COMMAND:
        return audit_row_what(row, buffer, VALUE_SIZE);
    case KEY_DAY:
        return cut_time(row->when, 10, "", buffer);
    case KEY_HOUR:
        return cut_time(row->when, 13, ":00", buffer);
    case KEY_VM:
    case KEY_USER:
    case KEY_CLASS:
    case KEY_VERDICT:
    case KEY_RULE:
    case KEY_CHANNEL:
        break;
    }
    return value ? value : "-";
}

static int take(void *data, const AuditRow *row)
{
    CountBy *count = data;
    char name[KEYS_MAX * (VALUE_SIZE + 1)] = "";
    char buffer[VALUE_SIZE];
    size_t length = 0;
    struct lh_entry *entry;
    Group *group;

    for (size_t i = 0; i < count->n_keys; i++)
        length += (size_t)snprintf(name + length, sizeof(name) - length, "%s%.*s",
                                   i ? SEPARATOR : "", VALUE_SIZE - 1,
                                   value_of(row, count->keys[i], buffer));
    entry = lh_table_lookup_entry(count->groups, name);
    if (entry) {
        group = lh_entry_v(entry);
    } else {
        group = malloc(sizeof(*group) + length + 1);
        if (!group)
            return -1;
        group->count = 0;
        memcpy(group->name, name, length + 1);
        if (lh_table_insert(count->groups, group->name, group) < 0) {
            free(group);
            return -1;
        }
    }
    group->count = audit_sum(group->count, audit_row_weight(row));
    return 0;
}

static int by_count(const void *left, const void *right)
{
    const Group *a = *(Group *const *)left;
    const Group *b = *(Group *const *)right;

    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int print_group_json(const CountBy *count, const Group *group, char *const *values)
{
    CLEANUP(json) json_object *object = json_object_new_object();

    json_add(object, "count", json_object_new_int64((int64_t)group->count));
    for (size_t i = 0; i < count->n_keys; i++)
        json_add_text(object, known_keys[count->keys[i]].name, values[i]);
    return output_json(object);
}

static int print_group(CountBy *count, Group *group, TableLines *table)
{
    char number[24];
    char *values[KEYS_MAX] = {NULL};
    const char *cells[KEYS_MAX + 1] = {number};
    char *rest = group->name;

    for (size_t i = 0; i < count->n_keys; i++)
        cells[i + 1] = values[i] = strsep(&rest, SEPARATOR);
    snprintf(number, sizeof(number), "%" PRIu64, group->count);
    if (count->as_json)
        return print_group_json(count, group, values);
    table_lines_print(table, cells);
    return 0;
}

/* So wide that all rows are in line. */
static void widen(const CountBy *count, const Group *group, TableLines *table)
{
    const char *at = group->name;

    for (size_t i = 0; i < count->n_keys; i++) {
        size_t length = strcspn(at, SEPARATOR);

        if (length > table->columns[i + 1].width)
            table->columns[i + 1].width = length;
        at += length + (at[length] ? 1 : 0);
    }
}

static int finish(void *data)
{
    CountBy *count = data;
    size_t n_groups = (size_t)lh_table_length(count->groups);
    Group **groups = calloc(n_groups + 1, sizeof(Group *));
    TableLines table = {.columns = {{"count", 8, true}}, .n_columns = count->n_keys + 1};
    struct lh_entry *entry;
    size_t n = 0;
    int result = 0;

    if (!groups)
        return -1;
    lh_foreach(count->groups, entry) groups[n++] = lh_entry_v(entry);
    qsort(groups, n, sizeof(Group *), by_count);
    for (size_t i = 0; i < count->n_keys; i++)
        table.columns[i + 1].name = known_keys[count->keys[i]].name;
    for (size_t i = 0; i < n; i++)
        widen(count, groups[i], &table);
    for (size_t i = 0; result == 0 && i < n; i++)
        result = print_group(count, groups[i], &table);
    free(groups);
    return result;
}

AuditView count_by_view(CountBy *count)
{
    AuditView view = {take, finish, count};

    return view;
}
