/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "answer.h"

#include "json_add.h"
#include "output.h"
#include "table.h"
#include "util/cleanup.h"
#include "util/printable.h"

#include <string.h>

/* The columns of the table are the members of the JSON objects. */
static const char *const rule_columns[] = {"operation", "policy", "line",
                                           "kind",      "rule",   "matched"};

#define COLUMN_COUNT (sizeof(rule_columns) / sizeof(rule_columns[0]))

void answer_note_rule(void *data, const Operation *operation, const Policy *policy,
                      const Rule *rule, bool matched)
{
    AnswerView *view = data;
    json_object *row;

    if (!view->shows_rules)
        return;
    if (!view->rules)
        view->rules = json_object_new_array();
    row = json_object_new_object();
    if (!row || !view->rules || json_object_array_add(view->rules, row) < 0) {
        json_object_put(row);
        view->failed = true;
        return;
    }
    table_add_text(row, "operation", operation->command);
    table_add_text(row, "policy", policy->origin);
    json_add(row, "line", json_object_new_int64(rule->line));
    table_add_text(row, "kind", rule_kind_name(rule->kind));
    table_add_text(row, "rule", rule->id);
    json_add(row, "matched", json_object_new_boolean(matched));
}

NativeSet answer_note_native(void *data, NativeSet asked)
{
    AnswerView *view = data;

    view->native |= asked;
    /* The rules are tried once more, from the start. */
    json_object_put(view->rules);
    view->rules = NULL;
    return asked;
}

/* A denial is one without any permission of libvirt's, too. */
static bool rests_on_native(const AnswerView *view, const GuardAnswer *answer)
{
    return answer->passes && view->native;
}

static json_object *operation_object(const Operation *operation)
{
    json_object *object = json_object_new_object();

    if (!object)
        return NULL;
    json_add_text(object, "channel", channel_name(operation->channel));
    table_add_text(object, "command", operation->command);
    json_add_text(object, "class", class_name(operation->is.command_class));
    json_add(object, "groups", group_name_list(operation->is.groups));
    return object;
}

static const char *verdict_of(const GuardAnswer *answer)
{
    return verdict_name(answer->passes ? answer->decision.verdict : VERDICT_DENY);
}

static int print_json(AnswerView *view, const GuardAnswer *answer)
{
    CLEANUP(json) json_object *object = json_object_new_object();
    json_object *operations = json_object_new_array();

    if (!object || !operations) {
        json_object_put(operations);
        return -1;
    }
    if (view->line)
        json_add(object, "line", json_object_new_int64((int64_t)view->line));
    json_add_text(object, "verdict", verdict_of(answer));
    table_add_text(object, "rule", answer->rule);
    if (answer->message)
        json_add_text(object, "message", answer->message);
    for (size_t i = 0; answer->request && i < answer->request->n_operations; i++)
        json_append(operations, operation_object(&answer->request->operations[i]));
    json_add(object, "operations", operations);
    if (answer->request)
        json_add_text(object, "text", answer->request->text);
    json_add_text(object, "record", answer->record);
    if (rests_on_native(view, answer))
        json_add(object, "requires_native", native_name_list(view->native));
    if (view->shows_rules)
        json_add(object, "rules",
                 view->rules ? json_object_get(view->rules) : json_object_new_array());
    return output_json(object);
}

static void print_operation(const Operation *operation)
{
    CLEANUP(mem) char *command = printable(operation->command, "");
    CLEANUP(json) json_object *groups = group_name_list(operation->is.groups);

    printf("%s '%s', class %s, groups", channel_name(operation->channel), command ? command : "?",
           class_name(operation->is.command_class));
    for (size_t i = 0; groups && i < json_object_array_length(groups); i++)
        printf(" %s", json_object_get_string(json_object_array_get_idx(groups, i)));
    putchar('\n');
}

/* `, only if libvirt itself lets the caller: core_dump or mem_read` */
static void print_native(NativeSet native)
{
    const char *between = ", only if libvirt itself lets the caller: ";

    for (unsigned bit = 0; native_name(bit); bit++) {
        if (!(native & (NativeSet)1 << bit))
            continue;
        printf("%s%s", between, native_name(bit));
        between = " or ";
    }
}

/* `warn: 'blockdev-add' in 'transaction' by baseline:@privileged` */
static int print_verdict(const AnswerView *view, const GuardAnswer *answer)
{
    const Operation *decided = answer->decision.operation;
    const Operation *first;
    CLEANUP(mem) char *command = NULL;
    CLEANUP(mem) char *whole = NULL;

    if (!answer->passes) {
        printf("deny: %s\n", answer->message ? answer->message : "out of memory");
        return 0;
    }
    first = &answer->request->operations[0]; /* only what was read passes */
    command = printable(decided->command, "");
    whole = printable(first->command, "");
    if (!command || !whole)
        return -1;
    printf("%s: '%s'", verdict_of(answer), command);
    if (decided != first)
        printf(" in '%s'", whole);
    printf(" by %s", answer->rule);
    if (rests_on_native(view, answer))
        print_native(view->native);
    putchar('\n');
    return 0;
}

static int print_text(AnswerView *view, const GuardAnswer *answer)
{
    if (view->shows_rules) {
        for (size_t i = 0; answer->request && i < answer->request->n_operations; i++)
            print_operation(&answer->request->operations[i]);
        if (table_print(view->rules, rule_columns, COLUMN_COUNT) < 0)
            return -1;
    }
    if (view->line)
        printf("%zu: ", view->line);
    return print_verdict(view, answer);
}

int answer_print(AnswerView *view, const GuardAnswer *answer)
{
    int result = -1;

    if (!view->failed && answer->rule && answer->record)
        result = view->as_json ? print_json(view, answer) : print_text(view, answer);
    json_object_put(view->rules);
    view->rules = NULL;
    return result;
}
