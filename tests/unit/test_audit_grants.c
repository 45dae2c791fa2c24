/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the readers of audit records make of grants, and that it is what was written. */
#include "audit/grant.h"
#include "trail/filter.h"
#include "trail/scan.h"
#include "trail/text_line.h"
#include "unit.h"
#include "util/cleanup.h"

#include <string.h>

#define CHAIN "f08a9c2f51ab4630f7ce417de633669dcd3151a8c51f381b08b05b8d79852dbe"
#define TIME "\"time\":\"2026-11-21T10:00:00.000000Z\""
#define RECORD(members) "{" TIME "," members ",\"seq\":1,\"chain\":\"" CHAIN "\"}"
#define DECISION "\"event\":\"decision\",\"domain\":\"d\",\"user\":\"a\",\"command\":\"quit\","
#define USED(id) "{\"grant\":\"" id "\",\"taken\":1,\"left\":0,\"reason\":\"0000ffff\"}"
#define GRANT(step)                                                                                \
    RECORD("\"event\":\"grant\",\"step\":\"" step "\",\"grant\":\"0000aaaa\",\"domain\":\"d\","    \
           "\"command\":\"quit\",\"for\":\"anybody\",\"reason\":\"0000ffff\"")

/* What a record of the trail shows of grants, parsed or not. */
typedef struct GrantRow {
    const char *name;
    const char *line;
    const char *grant; /* as the row has it; NULL: none */
    const char *obstacle;
    const char *what;
} GrantRow;

static const GrantRow grant_rows[] = {
    {"given", GRANT("given"), "0000aaaa", NULL, "grant given: quit"},
    {"expired", GRANT("expired"), "0000aaaa", NULL, "grant expired: quit"},
    {"used", RECORD(DECISION "\"verdict\":\"grant\",\"grants\":[" USED("0000aaaa") "]"), "0000aaaa",
     NULL, "quit"},
    {"two used",
     RECORD(DECISION
            "\"verdict\":\"grant\",\"grants\":[" USED("1111bbbb") "," USED("0000aaaa") "]"),
     "1111bbbb 0000aaaa", NULL, "quit"},
    {"refused",
     RECORD(DECISION "\"verdict\":\"deny\",\"refused-grant\":{\"grant\":\"0000aaaa\","
                     "\"reason\":\"for another caller\"}"),
     "0000aaaa", "for another caller", "quit"},
    {"none", RECORD(DECISION "\"verdict\":\"allow\",\"rule\":\"0000aaaa\""), NULL, NULL, "quit"},
    {"another", RECORD(DECISION "\"verdict\":\"grant\",\"grants\":[" USED("0000aaab") "]"),
     "0000aaab", NULL, "quit"},
    {"a list of what is none",
     RECORD(DECISION "\"verdict\":\"grant\",\"grants\":[1,{\"grant\":2},{\"left\":3}]"), NULL, NULL,
     "quit"},
};

/* As the reader hands it out; @is_lazy: unparsed where it may be. */
static AuditEntry entry_of(const char *line, bool is_lazy)
{
    size_t length = strlen(line);
    bool waits = is_lazy && scan_is_sound(line, length) && !scan_may_have_twice(line, length);
    AuditEntry entry = {
        .json = waits ? NULL : json_tokener_parse(line), .line = line, .length = length};

    return entry;
}

static void assert_text(const char *text, const char *wanted)
{
    if (wanted)
        assert_string_equal(text, wanted);
    else
        assert_null(text);
}

static void check_grant_row(const GrantRow *row, bool is_lazy)
{
    AuditEntry entry = entry_of(row->line, is_lazy);
    CLEANUP(json) json_object *json = entry.json;
    CLEANUP(mem) AuditRow *read = malloc(sizeof(*read));
    bool is_wanted = row->grant && strstr(row->grant, "0000aaaa");
    AuditFilter filter = {0};
    char buffer[64];
    Reason why;

    assert_int_equal(audit_filter_grant(&filter, "0000aaaa", &why), 0);
    assert_null(audit_row_read(&entry, read));
    assert_text(read->fields[ROW_GRANT], row->grant);
    assert_text(read->fields[ROW_OBSTACLE], row->obstacle);
    assert_text(audit_row_what(read, buffer, sizeof(buffer)), row->what);
    assert_int_equal(audit_filter_matches(&filter, read), is_wanted);
    if (is_wanted)
        assert_true(audit_filter_may_match(&filter, row->line, strlen(row->line)));
    audit_filter_clear(&filter);
}

static void test_grant_row(void **state)
{
    check_grant_row(*state, false);
    check_grant_row(*state, true);
}

/* What is not wanted need not be parsed to be known. */
static void test_grant_prefilter(void **state)
{
    static const char line[] = GRANT("given");
    AuditFilter filter = {0};
    Reason why;

    (void)state;
    assert_int_equal(audit_filter_grant(&filter, "0000aaab", &why), 0);
    assert_false(audit_filter_may_match(&filter, line, strlen(line)));
    assert_int_equal(audit_filter_grant(&filter, "0000aaaa", &why), -1);
    assert_has_word(why.text, "give one of them");
    audit_filter_clear(&filter);
}

static void test_grant_ids(void **state)
{
    static const char *const none[] = {"", "0000aaa", "0000aaaab", "0000AAAA", "0000aaag", "*"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        AuditFilter filter = {0};
        Reason why;

        assert_int_equal(audit_filter_grant(&filter, none[i], &why), -1);
        assert_has_word(why.text, "its id is 8 of the digits");
        assert_null(filter.grant);
    }
}

/* Each step is a line that is read again, and says what its JSON does. */
static void test_grant_steps(void **state)
{
    static const Grant grant = {.id = "0a1b2c3d",
                                .domain = "a|b",
                                .channel = CHANNEL_HMP,
                                .caller_kind = GRANT_SASL,
                                .caller = "bob@A=B",
                                .command = "info status",
                                .uses = 9,
                                .left = 7,
                                .expires = 61000,
                                .reason = "a | b = c: \\",
                                .given_by = "root"};

    (void)state;
    for (int step = 0; step < GRANT_STEP_COUNT; step++) {
        const GrantEvent event = {(GrantStep)step, &grant, step ? NULL : "al:ice", 1000};
        CLEANUP(json) json_object *read = NULL;
        CLEANUP(json) json_object *written = NULL;
        struct timespec when;
        AuditRecord record;
        const char *why;

        audit_grant_make(&event, &record);
        assert_non_null(record.line);
        read = text_record_read(record.line, strlen(record.line), false, &when, &why);
        assert_non_null(read);
        written = json_tokener_parse(record.json);
        json_object_object_del(read, "time");
        json_object_object_foreach (read, name, value) {
            json_object *wanted = json_object_object_get(written, name);

            assert_json(value, json_object_to_json_string(wanted));
        }
        assert_int_equal(json_object_object_length(read), 11);
        audit_record_clear(&record);
    }
}

int main(void)
{
    UNIT_ADD_ROWS(grant_rows, test_grant_row);
    unit_add("a grant that is not wanted", test_grant_prefilter, NULL);
    unit_add("ids that are none", test_grant_ids, NULL);
    unit_add("each step of a grant", test_grant_steps, NULL);
    return unit_run("audit_grants");
}
