/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs decide.table, and tests what a line of it cannot say. */
#include "unit.h"

#include "util/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide.h"

#define COLUMNS 7
#define ROWS_MAX 1000
#define POLICIES_MAX 400
#define GROUPS_MAX 4

typedef enum Column { HOST, DOMAIN, CALLER, CHANNEL, TEXT, VERDICT, RULE } Column;

typedef struct DecideRow {
    const char *name; /* place and text */
    char *columns[COLUMNS];
} DecideRow;

/* A line `policy NAME | ATTRIBUTES | RULES`. */
typedef struct NamedPolicy {
    char *name;
    char *attributes;
    char *rules;
} NamedPolicy;

static char *table; /* the file; rows and policies point into it */
static DecideRow rows[ROWS_MAX];
static size_t n_rows;
static NamedPolicy policies[POLICIES_MAX];
static size_t n_policies;

static char *trimmed(char *text)
{
    char *end;

    text += strspn(text, " ");
    end = text + strlen(text);
    while (end > text && end[-1] == ' ')
        *--end = '\0';
    return text;
}

/* Splits @line at its bars; returns how many fields there are. */
static size_t split(char *line, char **fields, size_t most)
{
    size_t count = 0;
    char *field;

    while ((field = strsep(&line, "|")) && count < most)
        fields[count++] = trimmed(field);
    return line ? most + 1 : count;
}

static void read_policy_line(char *line, int number)
{
    char *fields[3];

    if (n_policies == POLICIES_MAX || split(line, fields, 3) != 3)
        fail_msg("line %d is not a policy", number);
    policies[n_policies++] = (NamedPolicy){fields[0], fields[1], fields[2]};
}

static void read_row(char *line, int number)
{
    DecideRow *row = &rows[n_rows];

    if (n_rows == ROWS_MAX || split(line, row->columns, COLUMNS) != COLUMNS)
        fail_msg("line %d is not a row", number);
    row->name = formatted("line %d: %s", number, row->columns[TEXT]);
    n_rows++;
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
        if (*line == '\0' || *line == '#')
            continue;
        if (strncmp(line, "policy ", 7) == 0)
            read_policy_line(line + 7, number);
        else
            read_row(line, number);
    }
}

static Policy *find_policy(PolicyKind kind, const char *name)
{
    PolicyError error;

    if (strcmp(name, "-") == 0)
        return kind == POLICY_HOST ? policy_shipped_default(&error) : NULL;
    for (size_t i = 0; i < n_policies; i++) {
        if (strcmp(policies[i].name, name) == 0)
            return policy_of(kind, policies[i].attributes, policies[i].rules);
    }
    fail_msg("there is no policy '%s'", name);
    return NULL;
}

static Request *read_text(const char *channel, const char *text)
{
    CLEANUP(json) json_object *line = json_object_new_string(text);
    CLEANUP(mem) char *wrapped = NULL;

    if (strcmp(channel, "wrapped") != 0)
        return request_of_short((Channel)channel_from_name(channel), text);
    wrapped = formatted("human-monitor-command {\"command-line\":%s}",
                        json_object_to_json_string(line));
    return request_of_short(CHANNEL_QMP, wrapped);
}

/* Every rule tried, one after the other: the index must lead to the same. */
static void check_without_index(Question question, const Decision *decision)
{
    Decision slow;

    question.ignores_index = true;
    slow = decide(&question);
    assert_int_equal(slow.verdict, decision->verdict);
    assert_ptr_equal(slow.rule, decision->rule);
    assert_ptr_equal(slow.operation, decision->operation);
}

static void check_row(const DecideRow *row, const Caller *caller)
{
    Policy *host = find_policy(POLICY_HOST, row->columns[HOST]);
    Policy *domain = find_policy(POLICY_DOMAIN, row->columns[DOMAIN]);
    Request *request = read_text(row->columns[CHANNEL], row->columns[TEXT]);
    Question question = {.request = request, .caller = caller, .host = host, .domain = domain};
    Decision decision = decide(&question);
    char buffer[64];

    assert_string_equal(verdict_name(decision.verdict), row->columns[VERDICT]);
    assert_string_equal(decision_rule_id(&decision, buffer, sizeof(buffer)), row->columns[RULE]);
    assert_non_null(decision.operation);
    assert_non_null(decision.policy);
    assert_int_equal(decision.cause, CAUSE_RULE);
    check_without_index(question, &decision);
    request_free(request);
    policy_unref(host);
    policy_unref(domain);
}

static void test_row(void **state)
{
    const DecideRow *row = *state;
    CLEANUP(mem) char *copy = strdup(row->columns[CALLER]);
    char *rest = copy;
    const char *user = strsep(&rest, ":");
    const char *groups[GROUPS_MAX] = {NULL};
    Caller caller = {.label = "uid:77", .unix_groups = groups};

    if (strcmp(user, "-") != 0)
        caller.label = caller.user = user;
    while (rest && caller.n_unix_groups < GROUPS_MAX)
        groups[caller.n_unix_groups++] = strsep(&rest, ",");
    check_row(row, &caller);
}

/* A table that was not read would have no row that fails. */
static void test_enough_rows(void **state)
{
    (void)state;
    assert_true(n_rows >= 150);
    assert_true(n_policies >= 30);
}

/* Was it decided by a rule that names @group? */
static bool is_decided_by(const DecideRow *row, const char *group)
{
    const char *rule = strchr(row->columns[RULE], ':');
    size_t length = strlen(group);

    return rule && strncmp(rule + 1, group, length) == 0 &&
           (rule[1 + length] == '\0' || rule[1 + length] == '#');
}

/* Under the policies of @row, is something else decided by another rule? */
static bool has_counterpart(const DecideRow *row, const char *group)
{
    for (size_t i = 0; i < n_rows; i++) {
        if (strcmp(rows[i].columns[HOST], row->columns[HOST]) == 0 &&
            strcmp(rows[i].columns[DOMAIN], row->columns[DOMAIN]) == 0 &&
            !is_decided_by(&rows[i], group))
            return true;
    }
    return false;
}

static void test_each_group_has_rows(void **state)
{
    size_t count;
    const GroupInfo *groups = group_list(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        bool is_held = false;

        for (size_t j = 0; !is_held && j < n_rows; j++)
            is_held = is_decided_by(&rows[j], groups[i].name) &&
                      has_counterpart(&rows[j], groups[i].name);
        if (!is_held)
            fail_msg("decide.table has no row that a rule of %s decides, and one beside it that "
                     "it does not",
                     groups[i].name);
    }
}

int main(int argc, char **argv)
{
    int failed;

    if (argc != 2)
        return 2;
    read_table(argv[1]);
    for (size_t i = 0; i < n_rows; i++)
        unit_add(rows[i].name, test_row, &rows[i]);
    unit_add("the table is read", test_enough_rows, NULL);
    unit_add("each group has its rows", test_each_group_has_rows, NULL);
    failed = unit_run("decide");
    free(table);
    return failed;
}
