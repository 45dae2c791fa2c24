/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "audit/reply.h"
#include "faults.h"

#include <string.h>

#define CLASS_63 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

typedef struct ReplyRow {
    const char *reply;
    const char *class; /* NULL: it is no error */
} ReplyRow;

static const ReplyRow rows[] = {
    {"{\"return\":{},\"id\":\"libvirt-5\"}", NULL},
    {"{\"return\":{\"error\":{\"class\":\"GenericError\"}},\"id\":\"libvirt-5\"}", NULL},
    {"{\"id\":\"libvirt-5\",\"return\":{\"error\":1}}", NULL},
    {"", NULL},
    {"VM status: running\r\n", NULL},
    {"unknown command: '\"error\"'\r\n", NULL},

    {"{\"id\":\"libvirt-5\",\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"x\"}}",
     "CommandNotFound"},
    {"{\"error\":{\"desc\":\"x\",\"class\":\"GenericError\"}}", "GenericError"},
    {"{\"error\":{\"class\":\"" CLASS_63 "\"}}", CLASS_63},
    {"{\"error\":{\"class\":\"" CLASS_63 "f\"}}", "unknown"},
    {"{\"error\":{\"class\":7}}", "unknown"},
    {"{\"error\":{}}", "unknown"},
    {"{\"error\":null}", "unknown"},
    {"{\"error\":{\"class\":\"Gene", "unknown"},
};

static void test_class(void **state)
{
    const ReplyRow *row = *state;
    char class[REPLY_CLASS_SIZE];
    const char *found = reply_error_class(row->reply, class);

    if (row->class)
        assert_string_equal(found, row->class);
    else
        assert_null(found);
}

/* Whatever cannot be had, an error stays one. */
static void test_no_memory(void **state)
{
    static const char reply[] = "{\"id\":\"libvirt-5\",\"error\":{\"class\":\"GenericError\"}}";
    char class[REPLY_CLASS_SIZE];
    bool has_failed = true;

    (void)state;
    for (unsigned nth = 1; has_failed; nth++) {
        const char *found;

        faults_allocation(nth, true);
        found = reply_error_class(reply, class);
        has_failed = faults_end();
        assert_string_equal(found, has_failed ? "unknown" : "GenericError");
        assert_true(nth < 100);
    }
}

int main(void)
{
    UNIT_ADD_ROWS(rows, test_class);
    unit_add("no memory", test_no_memory, NULL);
    return unit_run("reply");
}
