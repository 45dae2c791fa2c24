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
    {"{\"a\":true}", false}, /* nor these, in any record */
    {"{\"a\":null}", false},
    {"{\"a\":tru}", false},
    {"{\"a\":-0}", true},
    {"{\"a\":-12}", true},
    {"{\"a\":-", false},
    {"{\"a\":1.5}", false},
    {"{\"a\"", false},
    {"{\"a\":", false},
    {"{\"a\" ", false},
    {"{\"a", false},
    {"{\"a\\", false},
    {"{\"a\":\"x\\", false},
    {"{\"a\":\"x\\n\"}", false},
    {"{\"a\":[", false},
    {"{\"a\":[\"", false},
    {"{\"a\":{\"b\"}}", false},
    {"{\"a\":{\"b\":{\"c\":[[]]}}}", true},
    {"{\"a\":\"\x7f\"}", false},
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

/* What is no record of the guard's ends the quick reading, and is said to. */
static const char *const torn_rows[] = {
    "{\"a",
    "{\"a\"",
    "{\"a\":",
    "{\"a\" :1}",
    "{\"a\":1",
    "{\"a\":\"x",
    "{\"a\":\"x\\\"}",
    "{\"a\":[1",
    "{\"a\":[1}",
    "{\"a\":{\"b\":[}",
    "{a:1}",
    "[1]",
    "{",
    "x",
    "",
};

static void test_torn(void **state)
{
    for (size_t i = 0; i < COUNT_OF(torn_rows); i++) {
        CLEANUP(mem) char *copy = malloc(strlen(torn_rows[i]) + 1); /* so that its end is known */
        Scan scan;
        ScanMember member;

        memcpy(copy, torn_rows[i], strlen(torn_rows[i]));
        scan = scan_start(copy, strlen(torn_rows[i]));
        while (scan_next(&scan, &member))
            assert_true(member.value_length > 0);
        if (!scan.failed)
            fail_msg("taken for whole: %s", torn_rows[i]);
        assert_true(scan_may_have_twice(copy, strlen(torn_rows[i])));
    }
}

typedef struct TwiceRow {
    const char *line;
    bool may_have_twice;
} TwiceRow;

static const TwiceRow twice_rows[] = {
    {"{}", false},
    {"{\"a\":1,\"b\":2}", false},
    {"{\"a\":1,\"a\":2}", true},
    {"{\"a\":{\"b\":1,\"c\":2},\"b\":1}", false},
    {"{\"a\":{\"b\":1,\"b\":2}}", true},
    {"{\"a\":{\"b\":{\"c\":1,\"c\":2}}}", true},
    {"{\"a\":[{\"b\":1,\"b\":2}]}", true},
};

static void test_twice(void **state)
{
    for (size_t i = 0; i < COUNT_OF(twice_rows); i++) {
        const TwiceRow *row = &twice_rows[i];

        if (scan_may_have_twice(row->line, strlen(row->line)) != row->may_have_twice)
            fail_msg("%s", row->line);
    }
}

int main(void)
{
    UNIT_ADD_ROWS(scan_rows, test_scan_row);
    unit_add("members of a line", test_scan_members, NULL);
    unit_add("no whole line", test_torn, NULL);
    unit_add("members that are there twice", test_twice, NULL);
    return unit_run("scan");
}
