/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a domain may start, what is recorded of it, and what its user is told. */
#include "unit.h"

#include "start/start.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

#define QEMU "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
#define DOMAIN(inside) "<domain " QEMU "><name>n</name><uuid>1-2</uuid>" inside "</domain>"
#define LINE(arguments) DOMAIN("<qemu:commandline>" arguments "</qemu:commandline>")
#define ARG(value) "<qemu:arg value='" value "'/>"
#define POLICY(attributes)                                                                         \
    "<metadata><policy xmlns='" POLICY_NAMESPACE "' " attributes "/></metadata>"

#define PLAIN DOMAIN("")
#define NETWORK LINE(ARG("-qmp") ARG("tcp::4"))
#define SOCKET LINE(ARG("-qmp") ARG("unix:/run/x"))
#define DISK LINE(ARG("/disk.img"))

/* How a row's call differs from the usual one. */
typedef enum Turn {
    NO_HOST = 1 << 0,
    HOST_FILE = 1 << 1,
    UNGUARDED = 1 << 2,
    RUNS = 1 << 3, /* only_records */
    NO_XML = 1 << 4,
    FAILS_1 = 1 << 5, /* the first record fails */
    FAILS_2 = 1 << 6,
} Turn;

typedef struct StartRow {
    const char *name;
    const char *xml;
    const char *host; /* attributes and rules, with `|` between */
    unsigned turns;
    bool passes;
    const char *policy; /* NULL: a digest */
    const char *records; /* each one's kind, and the finding */
    const char *message; /* a word of it; NULL: there is none */
} StartRow;

#define REFUSED(what) "refused " what
#define WARNING(what) "warning " what
#define WOULD(what) "would " what
#define STARTED "start"

static const StartRow rows[] = {
    {"nothing to say", PLAIN, "|", 0, true, "none", STARTED, NULL},
    {"the usual emulator", DOMAIN("<devices><emulator>/usr/bin/kvm</emulator></devices>"), "|", 0,
     true, "none", STARTED, NULL},
    {"another emulator", DOMAIN("<devices><emulator>/x</emulator></devices>"), "|", 0, true, "none",
     WARNING("emulator") " " STARTED, NULL},
    {"network monitor", NETWORK, "|", 0, false, "none", REFUSED("network-monitor"),
     "[network-monitor, refused by baseline:network-monitor]"},
    {"socket", SOCKET, "|", 0, true, "none", WARNING("unix-monitor") " " STARTED, NULL},
    {"socket that is ignored", SOCKET,
     "|<start><ignore finding='unix-monitor' prefix='/run'/></start>", 0, true, "none", STARTED,
     NULL},
    {"socket elsewhere", SOCKET, "|<start><ignore finding='unix-monitor' prefix='/srv'/></start>",
     0, true, "none", WARNING("unix-monitor") " " STARTED, NULL},
    {"everything is ignored", NETWORK, "|<start><ignore/></start>", 0, true, "none", STARTED, NULL},
    {"everything is refused", DISK, "|<start><refuse/></start>", 0, false, "none",
     REFUSED("argument"), "[argument, refused by host:start#1]"},
    {"the first refused is told", LINE(ARG("-S") ARG("-s") ARG("-plugin") ARG("/x")),
     "|<start><refuse finding='host-exec'/></start>", 0, false, "none",
     WARNING("argument") " " REFUSED("network-monitor") " " REFUSED("host-exec"),
     "network-monitor"},
    {"variables and changes",
     DOMAIN("<qemu:commandline><qemu:env name='LD_PRELOAD'/><qemu:env name='A'/>"
            "</qemu:commandline><qemu:override/>"),
     "|", 0, true, "none",
     WARNING("code-environment") " " WARNING("environment") " " WARNING("override") " " STARTED,
     NULL},
    {"each in its place",
     DOMAIN("<qemu:override/><qemu:commandline><qemu:env name='A'/>" ARG(
         "-S") "</qemu:commandline><devices><emulator>/x</emulator></devices>" POLICY("x='y'")),
     "|", UNGUARDED, false, "invalid",
     WARNING("policy-invalid") " " REFUSED("unguarded-daemon") " " WARNING("emulator") " " WARNING(
         "argument") " " WARNING("environment") " " WARNING("override"),
     "unguarded-daemon"},
    {"policy", DOMAIN(POLICY("")), "|", 0, true, NULL, STARTED, NULL},
    {"policy is invalid", DOMAIN(POLICY("mode='x'")), "|", 0, true, "invalid",
     WARNING("policy-invalid") " " STARTED, NULL},
    {"policy is invalid, and refused", DOMAIN(POLICY("mode='x'")),
     "|<start><refuse finding='policy-invalid'/></start>", 0, false, "invalid",
     REFUSED("policy-invalid"), "line 1: mode 'x'"},
    {"unguarded", PLAIN, "|", UNGUARDED, true, "none", WARNING("unguarded-default") " " STARTED,
     NULL},
    {"unguarded, with a policy", DOMAIN(POLICY("")), "|", UNGUARDED, false, NULL,
     REFUSED("unguarded-daemon"), "[unguarded-daemon, refused by baseline:unguarded-daemon]"},
    {"unguarded, with an invalid policy", DOMAIN(POLICY("x='y'")), "|", UNGUARDED, false, "invalid",
     WARNING("policy-invalid") " " REFUSED("unguarded-daemon"), "unguarded-daemon"},
    {"unguarded, with a host file", PLAIN, "|", UNGUARDED | HOST_FILE, false, "none",
     REFUSED("unguarded-daemon"), "gone missing"},
    {"guarded, with a host file", PLAIN, "|", HOST_FILE, true, "none", STARTED, NULL},
    {"mode audit", NETWORK, "mode='audit'|", 0, true, "none", WOULD("network-monitor") " " STARTED,
     NULL},
    {"mode audit, unguarded", DOMAIN(POLICY("")), "mode='audit'|", UNGUARDED, true, NULL,
     WOULD("unguarded-daemon") " " STARTED, NULL},
    {"mode audit of the domain's policy is another thing",
     DOMAIN(POLICY("mode='audit'") "<qemu:commandline>" ARG("-s") "</qemu:commandline>"), "|", 0,
     false, NULL, REFUSED("network-monitor"), "network-monitor"},
    {"it runs", NETWORK, "|", RUNS, true, "none", WOULD("network-monitor") " " STARTED, NULL},
    {"it runs, unguarded", PLAIN, "|", RUNS | UNGUARDED | HOST_FILE, true, "none",
     WOULD("unguarded-daemon") " " STARTED, NULL},
    {"no XML", PLAIN, "|", NO_XML, false, "unknown", REFUSED("unreadable"),
     "[unreadable, refused by start:unreadable]"},
    {"no XML, it runs", PLAIN, "|", NO_XML | RUNS, true, "unknown", WOULD("unreadable"), NULL},
    {"no XML, mode audit", PLAIN, "mode='audit'|", NO_XML, false, "unknown", REFUSED("unreadable"),
     "no XML today"},
    {"empty XML", "", "|", 0, false, "unknown", REFUSED("unreadable"), "it is empty"},
    {"bad XML", "<domain>", "|", 0, false, "unknown", REFUSED("unreadable"), "not well-formed"},
    {"DOCTYPE", "<!DOCTYPE domain><domain/>", "|", 0, false, "unknown", REFUSED("unreadable"),
     "DOCTYPE"},
    {"bad XML, it runs", "<domain>", "|", RUNS, true, "unknown", WOULD("unreadable"), NULL},
    {"no host policy", PLAIN, "|", NO_HOST, false, "unknown", REFUSED("unreadable"),
     "[unreadable, refused by host:invalid]"},
    {"no host policy, it runs", PLAIN, "|", NO_HOST | RUNS, true, "unknown", WOULD("unreadable"),
     NULL},
    {"no host policy, why", PLAIN, "|", NO_HOST, false, "unknown", REFUSED("unreadable"),
     "the host policy is invalid: line 7: no"},
    {"no record", PLAIN, "|", FAILS_1, false, "none", STARTED,
     "[unrecorded, refused by start:unrecorded]"},
    {"no record of a finding", DISK, "|", FAILS_1, false, "none", WARNING("argument") " " STARTED,
     "unrecorded"},
    {"no record of the start", DISK, "|", FAILS_2, false, "none", WARNING("argument") " " STARTED,
     "unrecorded"},
    {"no record of what is refused", NETWORK, "|", FAILS_1, false, "none",
     REFUSED("network-monitor"), "network-monitor"},
    {"no record, mode audit", NETWORK, "mode='audit'|", FAILS_1, false, "none",
     WOULD("network-monitor") " " STARTED, "unrecorded"},
    {"no record, it runs", NETWORK, "|", FAILS_1 | RUNS, true, "none",
     WOULD("network-monitor") " " STARTED, NULL},
    {"no record, nothing is readable", "", "|", FAILS_1, false, "unknown", REFUSED("unreadable"),
     "it is empty"},
};

/* What a recorder was given. */
typedef struct Log {
    unsigned turns;
    size_t count;
    char *lines[16];
    char *json[16];
    AuditPriority priorities[16];
    char kinds[1024];
} Log;

static int keep_record(void *data, const AuditRecord *record)
{
    Log *log = data;
    CLEANUP(json) json_object *object = json_tokener_parse(record->json);
    const char *finding = NULL;
    json_object *member = NULL;

    assert_true(log->count < COUNT_OF(log->lines));
    assert_non_null(object);
    if (json_object_object_get_ex(object, "finding", &member))
        finding = json_object_get_string(member);
    snprintf(log->kinds + strlen(log->kinds), sizeof(log->kinds) - strlen(log->kinds), "%s%s%s%s",
             log->count ? " " : "",
             strncmp(record->line, "VM start refused: ", 18) == 0        ? "refused"
             : strncmp(record->line, "VM start warning: ", 18) == 0      ? "warning"
             : strncmp(record->line, "VM start would refuse: ", 23) == 0 ? "would"
                                                                         : "start",
             finding ? " " : "", finding ? finding : "");
    log->lines[log->count] = strdup(record->line);
    log->json[log->count] = strdup(record->json);
    log->priorities[log->count++] = record->priority;
    if ((log->turns & FAILS_1 && log->count == 1) || (log->turns & FAILS_2 && log->count == 2))
        return -1;
    return 0;
}

static void clear_log(Log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        free(log->lines[i]);
        free(log->json[i]);
    }
}

/* The answer is full of bytes first: what is not set shows. */
static StartAnswer *judge(const StartCall *call, Log *log)
{
    StartAnswer *answer = malloc(sizeof(*answer));

    assert_non_null(answer);
    memset(answer, 0xa5, sizeof(*answer));
    start_judge(call, log ? keep_record : NULL, log, answer);
    return answer;
}

static void free_answer(StartAnswer *answer)
{
    start_answer_clear(answer);
    free(answer);
}

static Policy *host_of(const char *text)
{
    CLEANUP(mem) char *attributes = strndup(text, strcspn(text, "|"));

    return policy_of(POLICY_HOST, attributes, strchr(text, '|') + 1);
}

static StartCall call_of(const char *xml, const Policy *host, unsigned turns)
{
    return (StartCall){
        .operation = turns & RUNS ? "reconnect" : "prepare",
        .domain_name = "demo",
        .xml = turns & NO_XML ? NULL : xml,
        .length = turns & NO_XML ? 0 : strlen(xml),
        .xml_failure = turns & NO_XML ? "no XML today" : NULL,
        .host = turns & NO_HOST ? NULL : host,
        .host_failure = turns & NO_HOST ? "line 7: no" : NULL,
        .is_host_file = turns & HOST_FILE,
        .unguarded = turns & UNGUARDED ? "gone missing" : NULL,
        .only_records = turns & RUNS,
    };
}

static void check_one_line(const char *text)
{
    assert_non_null(text);
    for (const char *byte = text; *byte; byte++)
        assert_in_range((unsigned char)*byte, 0x20, 0x7e);
}

static void check_row(const StartRow *row, const StartAnswer *answer, const Log *log)
{
    assert_string_equal(log->kinds, row->records);
    assert_int_equal(answer->passes, row->passes);
    if (row->policy)
        assert_string_equal(answer->policy, row->policy);
    else
        assert_int_equal(strspn(answer->policy, "0123456789abcdef"), 64);
    if (row->message) {
        check_one_line(answer->message);
        assert_has_word(answer->message, row->message);
        assert_has_word(answer->message, "domain 'demo' may not start: ");
    } else {
        assert_null(answer->message);
    }
    for (size_t i = 0; i < log->count; i++) {
        CLEANUP(mem) char *policy = formatted(" | policy=%s | ", answer->policy);

        check_one_line(log->lines[i]);
        check_one_line(log->json[i]);
        assert_has_word(log->lines[i], policy);
    }
}

static void test_row(void **state)
{
    const StartRow *row = *state;
    Policy *host = host_of(row->host);
    StartCall call = call_of(row->xml, host, row->turns);
    Log log = {.turns = row->turns};
    StartAnswer *answer = judge(&call, &log);

    check_row(row, answer, &log);
    free_answer(answer);
    clear_log(&log);
    policy_unref(host);
}

/* A dry run comes to the same, unless it is the record that fails. */
static void test_dry_row(void **state)
{
    const StartRow *row = *state;
    Policy *host = host_of(row->host);
    StartCall call = call_of(row->xml, host, row->turns);
    StartAnswer *answer = judge(&call, NULL);

    if (!(row->turns & (FAILS_1 | FAILS_2)))
        assert_int_equal(answer->passes, row->passes);
    else
        assert_int_equal(answer->passes, strncmp(row->records, "refused", 7) != 0);
    free_answer(answer);
    policy_unref(host);
}

typedef struct WordRow {
    const char *name;
    const char *xml;
    const char *host;
    unsigned turns;
    AuditPriority priority;
    const char *line; /* of the first record; its time is left out */
    const char *json; /* without the time */
} WordRow;

#define SAYS(finding, rule, reason)                                                                \
    "\"finding\":\"" finding "\",\"rule\":\"" rule "\",\"reason\":\"" reason "\"}"
#define JSON(operation, verdict, policy)                                                           \
    "{\"event\":\"start\",\"domain\":\"demo\",\"uuid\":\"1-2\",\"operation\":\"" operation         \
    "\",\"verdict\":\"" verdict "\",\"policy\":\"" policy "\","
#define JSON_UNREAD(operation, verdict)                                                            \
    "{\"event\":\"start\",\"domain\":\"demo\",\"operation\":\"" operation                          \
    "\",\"verdict\":\"" verdict "\",\"policy\":\"unknown\","

#define NETWORK_REASON                                                                             \
    "-qmp opens a monitor or debugger that the network may reach, without TLS and authorization"
#define SOCKET_REASON "-qmp opens a monitor or debugger on the UNIX socket /run/x"

static const WordRow word_rows[] = {
    {"start", PLAIN, "|", 0, AUDIT_INFO,
     "VM start: demo | prepare | policy=none | findings=0 | timestamp=",
     JSON("prepare", "allow", "none") "\"findings\":0}"},
    {"refused", NETWORK, "|", 0, AUDIT_ERROR,
     "VM start refused: demo | network-monitor | operation=prepare | policy=none"
     " | rule=baseline:network-monitor | reason=" NETWORK_REASON,
     JSON("prepare", "deny", "none")
         SAYS("network-monitor", "baseline:network-monitor", NETWORK_REASON)},
    {"warning", SOCKET, "|", 0, AUDIT_WARNING,
     "VM start warning: demo | unix-monitor | operation=prepare | policy=none"
     " | rule=baseline:start | reason=" SOCKET_REASON,
     JSON("prepare", "warn", "none") SAYS("unix-monitor", "baseline:start", SOCKET_REASON)},
    {"warning of the host's", SOCKET, "|<start><warn finding='unix-monitor'/></start>", 0,
     AUDIT_WARNING,
     "VM start warning: demo | unix-monitor | operation=prepare | policy=none"
     " | rule=host:unix-monitor#1 | reason=" SOCKET_REASON,
     JSON("prepare", "warn", "none") SAYS("unix-monitor", "host:unix-monitor#1", SOCKET_REASON)},
    {"mode audit", NETWORK, "mode='audit'|", 0, AUDIT_ERROR,
     "VM start would refuse: demo | network-monitor | operation=prepare | policy=none"
     " | rule=baseline:network-monitor | reason=" NETWORK_REASON,
     JSON("prepare", "audit", "none")
         SAYS("network-monitor", "baseline:network-monitor", NETWORK_REASON)},
    {"it runs", NETWORK, "|", RUNS, AUDIT_ERROR,
     "VM start would refuse: demo | network-monitor | operation=reconnect | policy=none"
     " | rule=baseline:network-monitor | reason=" NETWORK_REASON,
     JSON("reconnect", "audit", "none")
         SAYS("network-monitor", "baseline:network-monitor", NETWORK_REASON)},
    {"unreadable", "", "|", 0, AUDIT_ERROR,
     "VM start refused: demo | unreadable | operation=prepare | policy=unknown"
     " | rule=start:unreadable | reason=the domain's XML cannot be read: it is empty",
     JSON_UNREAD("prepare", "deny")
         SAYS("unreadable", "start:unreadable", "the domain's XML cannot be read: it is empty")},
    {"unreadable, it runs", "", "|", RUNS, AUDIT_ERROR,
     "VM start would refuse: demo | unreadable | operation=reconnect | policy=unknown"
     " | rule=start:unreadable | reason=the domain's XML cannot be read: it is empty",
     JSON_UNREAD("reconnect", "audit")
         SAYS("unreadable", "start:unreadable", "the domain's XML cannot be read: it is empty")},
};

static void test_word_row(void **state)
{
    const WordRow *row = *state;
    Policy *host = host_of(row->host);
    StartCall call = call_of(row->xml, host, row->turns);
    Log log = {0};
    StartAnswer *answer = judge(&call, &log);
    CLEANUP(json) json_object *object = json_tokener_parse(log.json[0]);
    json_object *when = NULL;

    assert_true(json_object_object_get_ex(object, "time", &when));
    assert_int_equal(json_object_get_string_len(when), strlen("2026-11-21T12:34:56.000000Z"));
    json_object_object_del(object, "time");
    assert_json(object, row->json);
    if (strstr(row->line, " | timestamp="))
        log.lines[0][strlen(log.lines[0]) - strlen("2026-11-21T12:34:56")] = '\0';
    assert_string_equal(log.lines[0], row->line);
    assert_int_equal(log.priorities[0], row->priority);
    free_answer(answer);
    clear_log(&log);
    policy_unref(host);
}

/* The domain chooses these; none may split a line, or look like a field or an end of one. */
static void test_names(void **state)
{
    static const char xml[] = "<domain " QEMU "><uuid>a&#10;\"b</uuid><devices>"
                              "<emulator>/a&#10;b | user=c\xc3\xa9\\</emulator></devices>"
                              "<qemu:commandline><qemu:env name='A&#10;B|c=d'/>"
                              "<qemu:arg value='-x&#10;y|z=1'/></qemu:commandline></domain>";
    Policy *host = policy_of(POLICY_HOST, "", "<start><refuse finding='emulator'/></start>");
    StartCall call = call_of(xml, host, 0);
    Log log = {0};
    StartAnswer *answer;

    (void)state;
    call.domain_name = "a\nb|c=d:\xff\xc3'";
    answer = judge(&call, &log);
    assert_int_equal(log.count, 3);
    for (size_t i = 0; i < log.count; i++) {
        static const char start[] = ": a\\x0ab\\x7cc\\x3dd\\x3a\\xff\\xc3' | ";
        size_t bars = 0;

        check_one_line(log.lines[i]);
        check_one_line(log.json[i]);
        assert_has_word(log.lines[i], start);
        for (const char *byte = log.lines[i]; *byte; byte++)
            bars += *byte == '|';
        assert_int_equal(bars, 5);
    }
    assert_has_word(log.lines[0], "/a\\x0ab \\x7c user\\x3dc\\xc3\\xa9\\x5c");
    assert_has_word(log.lines[1], "-x\\x0ay\\x7cz");
    assert_has_word(log.lines[2], "A\\x0aB\\x7cc\\x3dd");
    check_one_line(answer->message);
    assert_has_word(answer->message,
                    "domain 'a\\x0ab\\x7cc\\x3dd\\x3a\\xff\\xc3'' may not start: ");
    assert_has_word(answer->message, "[emulator, refused by host:emulator#1]");
    assert_has_word(answer->message, "; remedy: use the host's own emulator");
    free_answer(answer);
    clear_log(&log);
    policy_unref(host);
}

/* Domain, finding, rule and remedy: all that its user needs. */
static void test_message(void **state)
{
    Policy *host = policy_of(POLICY_HOST, "", "");
    StartCall call = call_of(NETWORK, host, 0);
    StartAnswer *answer = judge(&call, NULL);

    (void)state;
    assert_string_equal(answer->message,
                        "domain 'demo' may not start: " NETWORK_REASON
                        " [network-monitor, refused by baseline:network-monitor]; remedy: "
                        "take it out of <qemu:commandline>, or put it on a UNIX socket that the "
                        "host policy allows");
    free_answer(answer);
    policy_unref(host);
}

static void test_digest(void **state)
{
    Policy *host = policy_of(POLICY_HOST, "", "");
    Policy *own = policy_of(POLICY_DOMAIN, "mode='audit'", "");
    StartCall call = call_of(DOMAIN(POLICY("mode='audit'")), host, 0);
    StartAnswer *answer = judge(&call, NULL);

    (void)state;
    assert_string_equal(answer->policy, own->digest);
    free_answer(answer);
    policy_unref(own);
    policy_unref(host);
}

/* More than can be held is a failure, whatever the rules say of each. */
static void check_many(const char *attributes, size_t count, unsigned turns, bool passes)
{
    Policy *host = policy_of(POLICY_HOST, attributes, "<start><ignore/></start>");
    CLEANUP(mem) char *xml = NULL;
    size_t size;
    FILE *out = open_memstream(&xml, &size);
    Log log = {0};
    StartAnswer *answer;
    StartCall call;

    fputs("<domain " QEMU "><qemu:commandline>", out);
    for (size_t i = 0; i < count; i++)
        fputs(ARG("-S"), out);
    fputs("</qemu:commandline></domain>", out);
    fclose(out);
    call = call_of(xml, host, turns);
    answer = judge(&call, &log);
    assert_int_equal(answer->passes, passes);
    assert_int_equal(log.count, 1);
    if (count > FINDINGS_MAX)
        assert_has_word(log.lines[0], "rule=start:failed | reason=more than 256 findings");
    free_answer(answer);
    clear_log(&log);
    policy_unref(host);
}

static void test_many(void **state)
{
    (void)state;
    check_many("", 256, 0, true);
    check_many("", 257, 0, false);
    check_many("", 300, 0, false);
    check_many("mode='audit'", 257, 0, false);
    check_many("", 257, RUNS, true);
}

/* When the work is too much nothing is ignored by its value, and refused by any. */
static void check_work(const char *more, const char *wanted)
{
    CLEANUP(mem) char *value = repeated('a', 30000);
    CLEANUP(mem) char *pattern = repeated('a', 1000);
    CLEANUP(mem)
    char *rules = formatted("<start><ignore finding='argument' match='*%sb'/>%s"
                            "<ignore finding='argument' match='?*'/></start>",
                            pattern, more);
    CLEANUP(mem) char *xml = formatted(LINE(ARG("%s") ARG("c")), value);
    Policy *host = policy_of(POLICY_HOST, "", rules);
    StartCall call = call_of(xml, host, 0);
    Log log = {0};
    StartAnswer *answer = judge(&call, &log);

    assert_string_equal(log.kinds, wanted);
    free_answer(answer);
    clear_log(&log);
    policy_unref(host);
}

static void test_work(void **state)
{
    (void)state;
    check_work("", WARNING("argument") " " WARNING("argument") " " STARTED);
    check_work("<refuse finding='argument' match='none'/>",
               REFUSED("argument") " " REFUSED("argument"));
    check_work("<ignore finding='argument'/>", STARTED);
}

int main(void)
{
    UNIT_ADD_ROWS(rows, test_row);
    UNIT_ADD_ROWS(rows, test_dry_row);
    UNIT_ADD_ROWS(word_rows, test_word_row);
    unit_add("names of the domain's choice", test_names, NULL);
    unit_add("the message", test_message, NULL);
    unit_add("the digest of the domain's policy", test_digest, NULL);
    unit_add("256 findings and more", test_many, NULL);
    unit_add("too much work", test_work, NULL);
    return unit_run("start");
}
