/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The quick reader of a record's members. */
#include "trail/scan.h"
#include "unit.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

/* What is let through unparsed has to be what json-c would take. */
typedef struct ScanRow {
    const char *text;
    bool is_sound;
} ScanRow;

static const ScanRow scan_rows[] = {
    {"{}", true},
    {"{\"a\":1}", true},
    {"{\"a\":\"x\\\\y\\\"\",\"b\":[],\"c\":{},\"d\":[1,\"x\",{\"y\":-2}]}", true},
    {"", false},
    {"{", false},
    {"{\"a\":1", false},
    {"{\"a\":1}}", false},
    {"{\"a\":1,}", false},
    {"{\"a\" :1}", false},
    {"{\"a\":01}", false},
    {"{\"a\":-}", false},
    {"{\"a\":}", false},
    {"{\"a\":[1,]}", false},
    {"{\"a\":[1}", false},
    {"{\"a\":\"\\u0041\"}", false}, /* the guard does not write it */
    {"{\"a\":\"\xc3\xa4\"}", false},
    {"{\"a\":\"\x01\"}", false},
    {"{\"a\":\"x}", false},
    {"{a:1}", false},
    {"[1]", false},
};

static void test_scan_row(void **state)
{
    const ScanRow *row = *state;
    CLEANUP(mem) char *copy = malloc(strlen(row->text) + 1); /* so that its end is known */
    CLEANUP(json) json_object *parsed = json_tokener_parse(row->text);

    memcpy(copy, row->text, strlen(row->text));
    assert_int_equal(scan_is_sound(copy, strlen(row->text)), row->is_sound);
    if (row->is_sound)
        assert_non_null(parsed);
}

static void test_scan_members(void **state)
{
    static const char line[] = "{\"a\":\"x\\\\\",\"b\":[\"]\",{\"c\":1}],\"d\":7}";
    static const char *const names[] = {"a", "b", "d"};
    static const char *const values[] = {"\"x\\\\\"", "[\"]\",{\"c\":1}]", "7"};
    Scan scan = scan_start(line, sizeof(line) - 1);
    ScanMember member;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_true(scan_next(&scan, &member));
        assert_true(scan_is_named(&member, names[i]));
        assert_int_equal(member.value_length, strlen(values[i]));
        assert_memory_equal(member.value, values[i], member.value_length);
    }
    assert_false(scan_next(&scan, &member));
    assert_false(scan.failed);
}

int main(void)
{
    UNIT_ADD_ROWS(scan_rows, test_scan_row);
    unit_add("members of a line", test_scan_members, NULL);
    return unit_run("scan");
}
