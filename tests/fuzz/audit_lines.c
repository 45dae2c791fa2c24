/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file of anybody's that the helper reads records from. The lazy way, which parses nothing
 * that it need not, comes to the same records and rows as the other one.
 */
#include "fuzz.h"
#include "trail/reader.h"
#include "trail/row.h"
#include "util/cleanup.h"

#include <string.h>

typedef struct Reading {
    AuditReader *reader;
    const char *name;
    uint64_t complaints;
    AuditRow row;
} Reading;

static void count_complaint(void *data, const char *source, uint64_t number, const char *why)
{
    Reading *reading = data;

    fuzz_must(*why != '\0' && number > 0, "a complaint without a reason");
    reading->complaints++;
}

static void open_reading(Reading *reading, const char *name, bool is_lazy)
{
    AuditSource source = {.files = &reading->name,
                          .n_files = 1,
                          .complain = count_complaint,
                          .data = reading,
                          .is_lazy = is_lazy};

    reading->name = name;
    reading->complaints = 0;
    reading->reader = audit_reader_open(&source);
    fuzz_must(reading->reader != NULL, "no reader");
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_entry(const AuditEntry *entry)
{
    fuzz_must(!memchr(entry->line, '\n', entry->length), "a record of several lines");
    fuzz_must(json_object_is_type(entry->json, json_type_object) &&
                  audit_entry_text(entry, "event") != NULL,
              "a record without an event: %.*s", (int)entry->length, entry->line);
}

/* The next record and its row. What only its row shows to be none is a complaint, too. */
static bool next_row(Reading *reading, AuditEntry *ret)
{
    while (audit_reader_next(reading->reader, ret) > 0) {
        const char *why = audit_row_read(ret, &reading->row);

        if (!why)
            return true;
        count_complaint(reading, ret->source, ret->line_number, why);
    }
    return false;
}

/* The next record of both: the one that is looked over, and then parsed after all. */
static bool check_next(Reading *lazy, Reading *eager)
{
    AuditEntry quick;
    AuditEntry whole;
    bool is_there = next_row(lazy, &quick);

    fuzz_must(next_row(eager, &whole) == is_there, "one reader has a record more");
    if (!is_there)
        return false;
    check_entry(&whole);
    fuzz_must(quick.length == whole.length && quick.line_number == whole.line_number &&
                  memcmp(quick.line, whole.line, quick.length) == 0 &&
                  quick.when.tv_sec == whole.when.tv_sec &&
                  quick.when.tv_nsec == whole.when.tv_nsec,
              "two readers read two lines");
    for (int i = 0; i < ROW_FIELD_COUNT; i++)
        fuzz_must(is_same(lazy->row.fields[i], eager->row.fields[i]), "%s is '%s' or '%s'",
                  audit_row_member((RowField)i), lazy->row.fields[i], eager->row.fields[i]);
    fuzz_must(audit_entry_parse(lazy->reader, &quick) == 0 &&
                  json_object_equal(quick.json, whole.json),
              "a record is not what it seemed: %.*s", (int)quick.length, quick.line);
    return true;
}

static size_t count_lines(const uint8_t *data, size_t size)
{
    size_t count = 1;

    for (size_t i = 0; i < size; i++)
        count += data[i] == '\n';
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Reading lazy;
    static Reading eager;
    bool is_gzip = size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
    size_t records = 0;

    open_reading(&lazy, fuzz_file(data, size), true);
    open_reading(&eager, fuzz_file(data, size), false);
    while (check_next(&lazy, &eager))
        records++;
    fuzz_must(lazy.complaints == eager.complaints, "%d lines cannot be read, or %d",
              (int)lazy.complaints, (int)eager.complaints);
    fuzz_must(is_gzip || records + eager.complaints <= count_lines(data, size),
              "more records than lines");
    audit_reader_close(lazy.reader);
    audit_reader_close(eager.reader);
    return 0;
}
