/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of the audit record, byte for byte: people grep for them, and MAQET's
 * recipes do. And that nobody's names can forge or split a line.
 */
#include "unit.h"

#include "audit/audit.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

typedef struct AuditRow {
    const char *name;
    Channel channel;
    const char *text; /* HMP: the line; otherwise NAME or NAME {ARGUMENTS} */
    const char *attributes; /* of the host policy; it decides alone */
    const char *rules;
    const char *line;
    AuditPriority priority;
    const char *verdict;
} AuditRow;

#define BY_BASELINE "", ""
#define AT " | timestamp=2026-11-21T12:34:56"

/* The four lines of design.md come first. */
static const AuditRow rows[] = {
    {"safe", CHANNEL_QMP, "query-status", BY_BASELINE,
     "QMP: demo | query-status | params=[] | user=alice" AT, AUDIT_INFO, "allow"},
    {"privileged", CHANNEL_QMP, "system_powerdown", BY_BASELINE,
     "QMP privileged: demo | system_powerdown | user=alice", AUDIT_WARNING, "warn"},
    {"memory dump", CHANNEL_QMP, "pmemsave {\"val\":0,\"size\":1,\"filename\":\"/x\"}", BY_BASELINE,
     "QMP memory dump: demo | pmemsave | user=alice | purpose=testing", AUDIT_INFO, "allow"},
    {"blocked, an HMP line", CHANNEL_HMP, "info status", BY_BASELINE,
     "QMP blocked: demo | human-monitor-command | user=alice | rule=baseline:@dangerous"
     " | hmp=info status",
     AUDIT_ERROR, "deny"},
    {"blocked", CHANNEL_QMP, "inject-nmi", BY_BASELINE,
     "QMP blocked: demo | inject-nmi | user=alice | rule=baseline:@dangerous", AUDIT_ERROR, "deny"},
    {"parameters by name, not by value", CHANNEL_QMP,
     "query-stats {\"target\":\"vm\",\"x\":{\"y\":1}}", BY_BASELINE,
     "QMP: demo | query-stats | params=[target,x] | user=alice" AT, AUDIT_INFO, "allow"},
    {"a parameter that looks like a list", CHANNEL_QMP, "query-stats {\"a],b[|\\\\ \":1,\"\":2}",
     BY_BASELINE,
     "QMP: demo | query-stats | params=[a\\x5d\\x2cb\\x5b\\x7c\\x5c ,] | user=alice" AT, AUDIT_INFO,
     "allow"},
    {"a parameter that looks like a line", CHANNEL_QMP,
     "query-stats {\"x\\nQMP: demo | quit\":1,\"\\u00e9\":1}", BY_BASELINE,
     "QMP: demo | query-stats | params=[x\\x0aQMP\\x3a demo \\x7c quit,\\xc3\\xa9] | user=alice" AT,
     AUDIT_INFO, "allow"},
    {"unknown", CHANNEL_QMP, "nonesuch {\"a\":1}", BY_BASELINE,
     "QMP unknown: demo | nonesuch | user=alice", AUDIT_WARNING, "warn"},
    {"dangerous that passes", CHANNEL_QMP, "inject-nmi", "", "<allow command='inject-nmi'/>",
     "QMP dangerous: demo | inject-nmi | user=alice | rule=host:inject-nmi#1", AUDIT_WARNING,
     "allow"},
    {"HMP line that passes", CHANNEL_HMP, "info  block d", "",
     "<allow channel='hmp' command='info *'/>",
     "QMP dangerous: demo | human-monitor-command | user=alice | rule=host:info *#1"
     " | hmp=info block",
     AUDIT_WARNING, "allow"},
    {"HMP line with values", CHANNEL_HMP, "set_password vnc s3cret", BY_BASELINE,
     "QMP blocked: demo | human-monitor-command | user=alice | rule=baseline:@dangerous"
     " | hmp=set_password",
     AUDIT_ERROR, "deny"},
    {"unknown HMP line", CHANNEL_HMP, "nonesuch a", BY_BASELINE,
     "QMP blocked: demo | human-monitor-command | user=alice | rule=baseline:@dangerous"
     " | hmp=nonesuch",
     AUDIT_ERROR, "deny"},
    {"safe, with a warning", CHANNEL_QMP, "query-status", "", "<warn command='query-status'/>",
     "QMP: demo | query-status | params=[] | user=alice" AT, AUDIT_WARNING, "warn"},
    {"memory dump, with a warning", CHANNEL_QMP, "memsave", "", "<warn group='@memory-dump'/>",
     "QMP memory dump: demo | memsave | user=alice | purpose=testing", AUDIT_WARNING, "warn"},
    {"memory dump with a purpose", CHANNEL_QMP, "memsave", "",
     "<allow group='@memory-dump' purpose='bug 7 | \\'/>",
     "QMP memory dump: demo | memsave | user=alice | purpose=bug 7 \\x7c \\x5c", AUDIT_INFO,
     "allow"},
    {"memory dump refused", CHANNEL_QMP, "memsave", "", "<deny command='memsave' purpose='x'/>",
     "QMP blocked: demo | memsave | user=alice | rule=host:memsave#1", AUDIT_ERROR, "deny"},
    {"privileged, allowed outright", CHANNEL_QMP, "quit", "", "<allow command='quit'/>",
     "QMP privileged: demo | quit | user=alice", AUDIT_WARNING, "allow"},
    {"would block", CHANNEL_QMP, "quit", "mode='audit'", "<deny command='quit'/>",
     "QMP would block: demo | quit | user=alice | rule=host:quit#1 | class=privileged",
     AUDIT_WARNING, "audit"},
    {"would block an HMP line", CHANNEL_HMP, "q", "mode='audit'", "",
     "QMP would block: demo | human-monitor-command | user=alice | rule=baseline:@dangerous"
     " | class=dangerous | hmp=quit",
     AUDIT_WARNING, "audit"},
    {"audit that lets pass anyway", CHANNEL_QMP, "query-status", "mode='audit'", "",
     "QMP: demo | query-status | params=[] | user=alice" AT, AUDIT_INFO, "allow"},
    {"agent", CHANNEL_AGENT, "guest-ping", BY_BASELINE,
     "QMP: demo | guest-ping | params=[] | user=alice" AT " | channel=agent", AUDIT_INFO, "allow"},
    {"agent, blocked", CHANNEL_AGENT, "guest-exec {\"path\":\"x\"}", "", "<deny channel='agent'/>",
     "QMP blocked: demo | guest-exec | user=alice | rule=host:deny#1 | channel=agent", AUDIT_ERROR,
     "deny"},
    {"transaction", CHANNEL_QMP, "transaction {\"actions\":[{\"type\":\"abort\"}]}", BY_BASELINE,
     "QMP: demo | transaction | params=[actions] | user=alice" AT " | parts=[abort]", AUDIT_INFO,
     "allow"},
    {"part of a transaction", CHANNEL_QMP,
     "transaction {\"actions\":[{\"type\":\"abort\"},{\"type\":\"blockdev-backup\"},"
     "{\"type\":\"abort\"}]}",
     "", "<deny command='blockdev-backup'/>",
     "QMP blocked: demo | transaction | user=alice | rule=host:blockdev-backup#1"
     " | parts=[abort,blockdev-backup] | part=blockdev-backup",
     AUDIT_ERROR, "deny"},
    {"part of a transaction that is privileged", CHANNEL_QMP,
     "transaction {\"actions\":[{\"type\":\"blockdev-backup\"}]}", BY_BASELINE,
     "QMP privileged: demo | transaction | user=alice | parts=[blockdev-backup]"
     " | part=blockdev-backup",
     AUDIT_WARNING, "warn"},
    {"default of a profile", CHANNEL_QMP, "stop", "profile='closed'", "",
     "QMP blocked: demo | stop | user=alice | rule=closed:default", AUDIT_ERROR, "deny"},
    {"a rule that looks like a field", CHANNEL_HMP, "savevm \"a|user=root\"", "",
     "<deny channel='hmp' command='savevm *|user=root*'/>",
     "QMP blocked: demo | human-monitor-command | user=alice"
     " | rule=host:savevm *\\x7cuser\\x3droot*#1 | hmp=savevm",
     AUDIT_ERROR, "deny"},
};

#define CALLER(name) (&(const Caller){.label = (name)})

static const Caller alice = {.label = "alice", .user = "alice"};

static time_t noon(void)
{
    struct tm when = {
        .tm_year = 126, .tm_mon = 10, .tm_mday = 21, .tm_hour = 12, .tm_min = 34, .tm_sec = 56};

    return timegm(&when);
}

/* One line of printable ASCII, and fields that are separated by nothing else than ` | `. */
static void check_form(const AuditRecord *record)
{
    assert_non_null(record->line);
    for (const char *byte = record->line; *byte; byte++) {
        assert_in_range((unsigned char)*byte, 0x20, 0x7e);
        if (*byte == '|')
            assert_true(byte[-1] == ' ' && byte[1] == ' ');
    }
    assert_int_equal(strlen(record->message_id), 32);
    assert_int_equal(strspn(record->message_id, "0123456789abcdef"), 32);
}

static void test_row(void **state)
{
    const AuditRow *row = *state;
    Policy *host = policy_of(POLICY_HOST, row->attributes, row->rules);
    Request *request = request_of_short(row->channel, row->text);
    Question question = {.request = request, .caller = &alice, .host = host};
    Decision decision = decide(&question);
    AuditEvent event = {.domain = "demo",
                        .channel = row->channel,
                        .request = request,
                        .decision = &decision,
                        .caller = &alice,
                        .when = noon()};
    AuditRecord record;

    audit_record_make(&event, &record);
    check_form(&record);
    assert_string_equal(record.line, row->line);
    assert_int_equal(record.priority, row->priority);
    assert_string_equal(record.verdict, row->verdict);
    assert_string_equal(record.domain, "demo");
    assert_string_equal(record.user, "alice");
    assert_string_equal(record.command, request_command(request));
    audit_record_clear(&record);
    request_free(request);
    policy_unref(host);
}

typedef struct FailureRow {
    const char *name;
    AuditEvent event;
    const char *line;
} FailureRow;

static const FailureRow failure_rows[] = {
    {"unreadable",
     {.domain = "demo",
      .caller = &alice,
      .failed_rule = "request:unreadable",
      .reason = "empty text"},
     "QMP blocked: demo | (unreadable) | user=alice | rule=request:unreadable | reason=empty text"},
    {"unreadable, of the agent",
     {.domain = "demo",
      .channel = CHANNEL_AGENT,
      .caller = &alice,
      .failed_rule = "request:unreadable",
      .reason = "empty text"},
     "QMP blocked: demo | (unreadable) | user=alice | rule=request:unreadable | reason=empty text"
     " | channel=agent"},
    {"a command that is no text",
     {.domain = NULL,
      .command = "qemu-attach",
      .caller = &alice,
      .failed_rule = "guard:attach",
      .reason = "no"},
     "QMP blocked: - | qemu-attach | user=alice | rule=guard:attach | reason=no"},
    {"nothing known",
     {.failed_rule = "guard:unknown-caller", .reason = "x"},
     "QMP blocked: - | (unreadable) | user=- | rule=guard:unknown-caller | reason=x"},
    {"names that look like fields",
     {.domain = "a | user=root",
      .caller = CALLER("b | rule=x"),
      .failed_rule = "y",
      .reason = "c | d=e"},
     "QMP blocked: a \\x7c user\\x3droot | (unreadable) | user=b \\x7c rule\\x3dx | rule=y"
     " | reason=c \\x7c d\\x3de"},
    {"names that look like lines",
     {.domain = "a\nQMP: b", .caller = CALLER("c\r\n"), .failed_rule = "y", .reason = "d\te"},
     "QMP blocked: a\\x0aQMP\\x3a b | (unreadable) | user=c\\x0d\\x0a | rule=y | reason=d\\x09e"},
    {"names with escapes and beyond ASCII",
     {.domain = "\x1b[2J\x7f",
      .caller = CALLER("\xc3\xa9\xff"),
      .failed_rule = "y",
      .reason = "\\x41"},
     "QMP blocked: \\x1b[2J\\x7f | (unreadable) | user=\\xc3\\xa9\\xff | rule=y | reason=\\x5cx41"},
    {"labels are ours",
     {.domain = "sasl:a", .caller = CALLER("sasl:b:c"), .failed_rule = "guard:x:y", .reason = "z:"},
     "QMP blocked: sasl\\x3aa | (unreadable) | user=sasl:b\\x3ac | rule=guard:x\\x3ay | reason=z:"},
    {"labels are short",
     {.domain = "demo",
      .caller = CALLER("a-label-that-has-thirty-one-byte:x"),
      .failed_rule = "Not-one:x",
      .reason = "z"},
     "QMP blocked: demo | (unreadable) | user=a-label-that-has-thirty-one-byte\\x3ax"
     " | rule=Not-one\\x3ax | reason=z"},
    {"empty names",
     {.domain = "", .caller = CALLER(""), .failed_rule = "y", .reason = ""},
     "QMP blocked:  | (unreadable) | user= | rule=y | reason="},
    {"a chosen profile",
     {.domain = "demo",
      .caller = &alice,
      .failed_rule = "y",
      .reason = "z",
      .profile = "confidential"},
     "QMP blocked: demo | (unreadable) | user=alice | rule=y | reason=z | profile=confidential"},
};

static void test_failure_row(void **state)
{
    const FailureRow *row = *state;
    AuditRecord record;

    audit_record_make(&row->event, &record);
    check_form(&record);
    assert_string_equal(record.line, row->line);
    assert_int_equal(record.priority, AUDIT_ERROR);
    assert_string_equal(record.verdict, "deny");
    audit_record_clear(&record);
}

/* A request that was read, and then could not be judged, is told by its command. */
static void test_failure_with_request(void **state)
{
    Request *request = request_of(CHANNEL_HMP, "info status");
    AuditEvent event = {.domain = "demo",
                        .channel = CHANNEL_HMP,
                        .request = request,
                        .failed_rule = "domain:invalid",
                        .reason = "line 2: no",
                        .caller = &alice};
    AuditRecord record;

    (void)state;
    audit_record_make(&event, &record);
    assert_string_equal(record.line, "QMP blocked: demo | human-monitor-command | user=alice"
                                     " | rule=domain:invalid | reason=line 2: no"
                                     " | hmp=info status");
    audit_record_clear(&record);
    request_free(request);
}

/* It is called as in the trail and in what the client is told; the rest of it is people's. */
static void test_limit_is_named(void **state)
{
    Policy *host = policy_of(POLICY_HOST, "",
                             "<limit group='@query' count='1' per='1s'/>"
                             "<limit command='a:b|c' count='1' per='1s'/>");
    Request *request = request_of_short(CHANNEL_QMP, "query-status");
    Decision decision = {.operation = &request->operations[0],
                         .policy = host,
                         .verdict = VERDICT_DENY,
                         .cause = CAUSE_LIMIT};
    static const char *const names[] = {"host:limit:@query#1", "host:limit:a\\x3ab\\x7cc#2"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        AuditEvent event = {
            .domain = "demo", .request = request, .decision = &decision, .caller = &alice};
        AuditRecord record;
        char *line = NULL;

        decision.rule = &host->limits[i].rule;
        assert_true(asprintf(&line, "QMP blocked: demo | query-status | user=alice | rule=%s",
                             names[i]) > 0);
        audit_record_make(&event, &record);
        assert_string_equal(record.line, line);
        audit_record_clear(&record);
        free(line);
    }
    request_free(request);
    policy_unref(host);
}

/* The journald fields are encoded as the line is. */
static void test_fields(void **state)
{
    AuditEvent event = {
        .domain = "a\nb", .caller = CALLER("c|d"), .failed_rule = "x", .reason = "y"};
    AuditRecord record;

    (void)state;
    audit_record_make(&event, &record);
    assert_string_equal(record.domain, "a\\x0ab");
    assert_string_equal(record.user, "c\\x7cd");
    assert_string_equal(record.command, "(unreadable)");
    audit_record_clear(&record);
    assert_null(record.line);
    assert_null(record.domain);
    audit_record_clear(&record);
}

/* One MESSAGE_ID for each kind of event: the words before the first colon. */
static void test_message_ids(void **state)
{
    static char kinds[16][32];
    static char ids[16][33];
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        Policy *host = policy_of(POLICY_HOST, rows[i].attributes, rows[i].rules);
        Request *request = request_of_short(rows[i].channel, rows[i].text);
        Question question = {.request = request, .caller = &alice, .host = host};
        Decision decision = decide(&question);
        AuditEvent event = {.channel = rows[i].channel, .request = request, .decision = &decision};
        AuditRecord record;
        char kind[32];
        size_t k = 0;

        audit_record_make(&event, &record);
        snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(record.line, ":"), record.line);
        while (k < count && strcmp(kinds[k], kind) != 0 && strcmp(ids[k], record.message_id) != 0)
            k++;
        if (k == count) {
            strcpy(kinds[k], kind);
            strcpy(ids[count++], record.message_id);
        }
        assert_string_equal(kinds[k], kind);
        assert_string_equal(ids[k], record.message_id);
        audit_record_clear(&record);
        request_free(request);
        policy_unref(host);
    }
    assert_int_equal(count, 7);
}

/* {"execute":"query-stats","arguments":{...}} with @count members, their names behind @name. */
static Request *with_parameters(size_t count, const char *name)
{
    CLEANUP(mem) char *json = NULL;
    size_t size;
    FILE *out = open_memstream(&json, &size);

    fputs("{\"execute\":\"query-stats\",\"arguments\":{", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s\"%s%zu\":1", i ? "," : "", name, i);
    fputs("}}", out);
    fclose(out);
    return request_of(CHANNEL_QMP, json);
}

static void make_record(const Request *request, AuditRecord *ret)
{
    Decision decision = {.verdict = VERDICT_ALLOW, .operation = &request->operations[0]};
    AuditEvent event = {.domain = "demo", .request = request, .decision = &decision};

    audit_record_make(&event, ret);
}

static void test_parameter_count(void **state)
{
    Request *at_limit = with_parameters(32, "");
    Request *over = with_parameters(33, "");
    AuditRecord record;

    (void)state;
    make_record(at_limit, &record);
    assert_has_word(record.line, ",30,31] | ");
    audit_record_clear(&record);
    make_record(over, &record);
    assert_has_word(record.line, ",30,31,...] | ");
    audit_record_clear(&record);
    request_free(at_limit);
    request_free(over);
}

/* A client that could make the line too long for its sink could hide what it did. */
static void test_line_length(void **state)
{
    char longest[4 * 252 + 1] = "";
    Request *request;
    AuditRecord record;

    (void)state;
    for (int i = 0; i < 126; i++)
        strcat(longest, "\xc3\xa9");
    request = with_parameters(40, longest);
    make_record(request, &record);
    assert_non_null(record.line);
    assert_true(strlen(record.line) < 40000);
    audit_record_clear(&record);
    request_free(request);
}

static void test_name_length(void **state)
{
    CLEANUP(mem) char *longest = repeated('x', 256);
    CLEANUP(mem) char *longer = repeated('x', 257);
    CLEANUP(mem) char *whole = audit_name(longest);
    CLEANUP(mem) char *cut = audit_name(longer);

    (void)state;
    assert_string_equal(whole, longest);
    assert_int_equal(strlen(cut), 256 + 3);
    assert_string_equal(cut + 256, "...");
}

static void test_encoding_of_every_byte(void **state)
{
    char text[256];
    CLEANUP(mem) char *encoded = NULL;
    CLEANUP(mem) char *nothing = audit_name(NULL);
    const char *at;

    (void)state;
    for (int byte = 1; byte < 256; byte++)
        text[byte - 1] = (char)byte;
    text[255] = '\0';
    encoded = audit_name(text);
    at = encoded;
    for (int byte = 1; byte < 256; byte++) {
        bool is_plain = byte >= 0x20 && byte <= 0x7e && !strchr("|\\=:", byte);
        char wanted[8];

        snprintf(wanted, sizeof(wanted), is_plain ? "%c" : "\\x%02x", byte);
        assert_memory_equal(at, wanted, strlen(wanted));
        at += strlen(wanted);
    }
    assert_int_equal(*at, '\0');
    assert_string_equal(nothing, "-");
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    UNIT_ADD_ROWS(rows, test_row);
    UNIT_ADD_ROWS(failure_rows, test_failure_row);
    unit_add("a failure with a request", test_failure_with_request, NULL);
    unit_add("a limit is named", test_limit_is_named, NULL);
    unit_add("journald fields", test_fields, NULL);
    unit_add("message ids", test_message_ids, NULL);
    unit_add("32 and 33 parameters", test_parameter_count, NULL);
    unit_add("long parameters", test_line_length, NULL);
    unit_add("names of 256 and 257 bytes", test_name_length, NULL);
    unit_add("every byte", test_encoding_of_every_byte, NULL);
    return unit_run("audit");
}
