/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one entry: parse, decide, record. Whatever fails on the way is a refusal, and recorded. */
#include "unit.h"

#include "guard.h"
#include "util/cleanup.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const Caller alice = {.label = "alice", .user = "alice"};
static const Caller nobody = {0};

/* A recorder that counts, keeps the last line and may fail. */
typedef struct Recorder {
    int calls;
    bool fails;
    char line[4096];
    AuditPriority priority;
} Recorder;

static GuardRecorded record(void *data, const AuditRecord *audit_record)
{
    Recorder *recorder = data;

    recorder->calls++;
    recorder->priority = audit_record->priority;
    snprintf(recorder->line, sizeof(recorder->line), "%s", audit_record->line);
    return recorder->fails ? RECORDED_NOWHERE : RECORDED_WHOLE;
}

typedef struct GuardRow {
    const char *name;
    Channel channel;
    const char *text;
    unsigned n_fds;
    const char *rules; /* of the host; NULL: there is no host policy */
    const Caller *caller;
    const char *rule; /* what decided */
    const char *message; /* NULL: it passes */
} GuardRow;

static const GuardRow rows[] = {
    {"passes", CHANNEL_QMP, "{\"execute\":\"query-status\"}", 0, "", &alice, "baseline:@safe",
     NULL},
    {"passes with a warning", CHANNEL_QMP, "{\"execute\":\"quit\"}", 0, "", &alice,
     "baseline:@privileged", NULL},
    {"denied, with the proper way", CHANNEL_QMP, "{\"execute\":\"inject-nmi\"}", 0, "", &alice,
     "baseline:@dangerous",
     "'inject-nmi' on domain 'demo' is denied by baseline:@dangerous; use: virsh inject-nmi demo"},
    {"denied, the proper way has options", CHANNEL_HMP, "info status", 0, "", &alice,
     "baseline:@dangerous",
     "'info status' on domain 'demo' is denied by baseline:@dangerous; use: virsh domstate demo "
     "--reason"},
    {"denied, the proper way without the domain", CHANNEL_QMP, "{\"execute\":\"query-machines\"}",
     0, "<deny/>", &alice, "host:deny#1",
     "'query-machines' on domain 'demo' is denied by host:deny#1; use: virsh capabilities"},
    {"denied, without a proper way", CHANNEL_QMP, "{\"execute\":\"nonesuch\"}", 0, "<deny/>",
     &alice, "host:deny#1", "'nonesuch' on domain 'demo' is denied by host:deny#1"},
    {"denied, values stay out of it", CHANNEL_HMP, "set_password vnc s3cret", 0, "", &alice,
     "baseline:@dangerous",
     "'set_password' on domain 'demo' is denied by baseline:@dangerous; use: virsh update-device "
     "demo FILE --live"},
    {"denied, a part", CHANNEL_QMP,
     "{\"execute\":\"transaction\",\"arguments\":{\"actions\":[{\"type\":\"blockdev-backup\"}]}}",
     0, "<deny command='blockdev-backup'/>", &alice, "host:blockdev-backup#1",
     "'blockdev-backup' in 'transaction' on domain 'demo' is denied by host:blockdev-backup#1; "
     "use: virsh backup-begin demo BACKUPXML"},
    {"denied, the rule is encoded too", CHANNEL_HMP, "savevm \xc3\xa9", 0,
     "<deny channel='hmp' command='savevm *\xc3\xa9*'/>", &alice, NULL,
     "'savevm' on domain 'demo' is denied by host:savevm *\\xc3\\xa9*#1; use: virsh "
     "snapshot-create-as demo"},
    {"unreadable", CHANNEL_QMP, "hello", 0, "", &alice, "request:unreadable",
     "command for domain 'demo' refused by request:unreadable: not JSON at byte 0"},
    {"unreadable HMP line", CHANNEL_HMP, "quit now", 0, "", &alice, "request:unreadable",
     "command for domain 'demo' refused by request:unreadable: HMP 'quit': the line goes on after "
     "its last argument"},
    {"empty", CHANNEL_QMP, "", 0, "<allow/>", &alice, "request:unreadable",
     "command for domain 'demo' refused by request:unreadable: empty text"},
    {"empty HMP line", CHANNEL_HMP, "", 0, "<allow/>", &alice, "request:unreadable",
     "command for domain 'demo' refused by request:unreadable: HMP line without a command"},
    {"unreadable under audit all the same", CHANNEL_QMP, "hello", 0, "<allow/>", &alice,
     "request:unreadable",
     "command for domain 'demo' refused by request:unreadable: not JSON at byte 0"},
    {"no host policy", CHANNEL_QMP, "{\"execute\":\"query-status\"}", 0, NULL, &alice,
     "host:invalid", "command for domain 'demo' refused by host:invalid: there is no host policy"},
    {"caller without a name", CHANNEL_QMP, "{\"execute\":\"query-status\"}", 0, "<allow/>", &nobody,
     "guard:unknown-caller",
     "command for domain 'demo' refused by guard:unknown-caller: nothing is known of who sends it"},
    {"no caller", CHANNEL_QMP, "{\"execute\":\"query-status\"}", 0, "<allow/>", NULL,
     "guard:unknown-caller",
     "command for domain 'demo' refused by guard:unknown-caller: nothing is known of who sends it"},
    {"descriptor for getfd", CHANNEL_QMP,
     "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"x\"}}", 1, "", &alice,
     "baseline:@privileged", NULL},
    {"descriptor for add-fd", CHANNEL_QMP, "{\"execute\":\"add-fd\"}", 1, "", &alice,
     "baseline:@privileged", NULL},
    {"no descriptor for getfd", CHANNEL_QMP,
     "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"x\"}}", 0, "", &alice,
     "baseline:@privileged", NULL},
    {"descriptor for another command", CHANNEL_QMP, "{\"execute\":\"query-status\"}", 1, "<allow/>",
     &alice, "request:stray-fd",
     "command for domain 'demo' refused by request:stray-fd: only getfd and add-fd take a file "
     "descriptor"},
    {"descriptor for an unknown command", CHANNEL_QMP, "{\"execute\":\"nonesuch\"}", 1, "<allow/>",
     &alice, "request:stray-fd",
     "command for domain 'demo' refused by request:stray-fd: only getfd and add-fd take a file "
     "descriptor"},
    /* Run on QEMU 7.2: both leave the descriptor queued for whoever asks next. */
    {"descriptor for remove-fd", CHANNEL_QMP, "{\"execute\":\"remove-fd\"}", 1, "<allow/>", &alice,
     "request:stray-fd",
     "command for domain 'demo' refused by request:stray-fd: only getfd and add-fd take a file "
     "descriptor"},
    {"descriptor for HMP getfd", CHANNEL_HMP, "getfd x", 1, "<allow/>", &alice, "request:stray-fd",
     "command for domain 'demo' refused by request:stray-fd: only getfd and add-fd take a file "
     "descriptor"},
    {"descriptor for getfd inside a transaction", CHANNEL_QMP,
     "{\"execute\":\"transaction\",\"arguments\":{\"actions\":[{\"type\":\"getfd\"}]}}", 1,
     "<allow/>", &alice, "request:stray-fd",
     "command for domain 'demo' refused by request:stray-fd: only getfd and add-fd take a file "
     "descriptor"},
};

static GuardCall call_of(Channel channel, const char *text, const Policy *host)
{
    return (GuardCall){.channel = channel,
                       .text = text,
                       .length = strlen(text),
                       .domain_name = "demo",
                       .caller = &alice,
                       .host = host};
}

/* What holds of every answer, whatever it is. */
static void check_answer(const GuardAnswer *answer, const Recorder *recorder)
{
    assert_int_equal(recorder->calls, 1);
    assert_string_equal(answer->record, recorder->line);
    assert_int_equal(answer->passes, answer->message == NULL);
    assert_non_null(answer->rule);
    if (answer->passes)
        assert_non_null(answer->request);
    for (const char *byte = answer->message ? answer->message : ""; *byte; byte++)
        assert_in_range((unsigned char)*byte, 0x20, 0x7e);
}

static void test_row(void **state)
{
    const GuardRow *row = *state;
    Policy *host = row->rules ? policy_of(POLICY_HOST, "", row->rules) : NULL;
    GuardCall call = call_of(row->channel, row->text, host);
    Recorder recorder = {0};
    GuardAnswer answer;

    call.n_fds = row->n_fds;
    call.caller = row->caller;
    memset(&answer, 0x55, sizeof(answer));
    guard_judge(&call, record, &recorder, &answer);
    if (row->message)
        assert_string_equal(answer.message, row->message);
    else if (!answer.passes)
        fail_msg("%s", answer.message);
    check_answer(&answer, &recorder);
    if (row->rule)
        assert_string_equal(answer.rule, row->rule);
    assert_null(strstr(recorder.line, "s3cret"));
    guard_answer_clear(&answer);
    assert_false(answer.passes);
    assert_null(answer.request);
    guard_answer_clear(&answer);
    policy_unref(host);
}

static void test_zero_answer(void **state)
{
    GuardAnswer answer = {0};

    (void)state;
    assert_false(answer.passes);
    assert_int_equal(answer.decision.verdict, VERDICT_DENY);
    guard_answer_clear(&answer);
}

/* Without a record nothing passes, and nothing is worse for it. */
static void test_recorder_fails(void **state)
{
    static const char *const texts[] = {"{\"execute\":\"query-status\"}",
                                        "{\"execute\":\"inject-nmi\"}", "hello"};
    Policy *host = policy_of(POLICY_HOST, "", "");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        GuardCall call = call_of(CHANNEL_QMP, texts[i], host);
        Recorder recorder = {.fails = true};
        GuardAnswer answer;

        guard_judge(&call, record, &recorder, &answer);
        assert_false(answer.passes);
        assert_int_equal(recorder.calls, 1);
        assert_non_null(answer.message);
        guard_answer_clear(&answer);
    }
    policy_unref(host);
}

/* NULL is a dry run: the same answer, with nobody told. */
static void test_dry_run(void **state)
{
    Policy *host = policy_of(POLICY_HOST, "", "");
    GuardCall yes = call_of(CHANNEL_QMP, "{\"execute\":\"query-status\"}", host);
    GuardCall no = call_of(CHANNEL_QMP, "{\"execute\":\"inject-nmi\"}", host);
    GuardAnswer answer;

    (void)state;
    guard_judge(&yes, NULL, NULL, &answer);
    assert_true(answer.passes);
    assert_has_word(answer.record, "QMP: demo | query-status | params=[] | user=alice");
    guard_answer_clear(&answer);
    guard_judge(&no, NULL, NULL, &answer);
    assert_false(answer.passes);
    assert_has_word(answer.record, "QMP blocked: demo | inject-nmi");
    guard_answer_clear(&answer);
    policy_unref(host);
}

/* A failure that the caller found comes first, and is told under its name. */
static void test_failed_rule(void **state)
{
    static const char *const texts[] = {"{\"execute\":\"query-status\"}", "hello"};
    Policy *host = policy_of(POLICY_HOST, "", "<allow/>");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        GuardCall call = call_of(CHANNEL_QMP, texts[i], i ? NULL : host);
        Recorder recorder = {0};
        GuardAnswer answer;

        call.failed_rule = rule_domain_invalid;
        call.failure = "line 3: no\nsuch thing";
        guard_judge(&call, record, &recorder, &answer);
        assert_false(answer.passes);
        assert_string_equal(answer.rule, "domain:invalid");
        assert_string_equal(answer.message, "command for domain 'demo' refused by domain:invalid: "
                                            "line 3: no\\x0asuch thing");
        assert_has_word(recorder.line, "rule=domain:invalid | reason=line 3: no\\x0asuch thing");
        check_answer(&answer, &recorder);
        guard_answer_clear(&answer);
    }
    policy_unref(host);
}

/* What is forwarded is what was judged: the canonical text, never the client's bytes. */
static void test_forwarded_text(void **state)
{
    static const struct {
        Channel channel;
        const char *text;
        const char *forwarded;
    } texts[] = {
        {CHANNEL_QMP, " { \"\\u0065xecute\" : \"query-status\" } ",
         "{\"execute\":\"query-status\"}"},
        {CHANNEL_HMP, "\tinfo\n status ", "info status"},
        {CHANNEL_HMP, "q", "quit"},
        {CHANNEL_AGENT, "{\"execute\":\"guest-ping\" }", "{\"execute\":\"guest-ping\"}"},
    };
    Policy *host = policy_of(POLICY_HOST, "", "<allow/>");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        GuardCall call = call_of(texts[i].channel, texts[i].text, host);
        GuardAnswer answer;

        guard_judge(&call, NULL, NULL, &answer);
        assert_true(answer.passes);
        assert_string_equal(answer.request->text, texts[i].forwarded);
        guard_answer_clear(&answer);
    }
    policy_unref(host);
}

/* The length counts, not the first NUL. */
static void test_length(void **state)
{
    static const char text[] = "{\"execute\":\"query-status\"}\0{\"execute\":\"quit\"}";
    Policy *host = policy_of(POLICY_HOST, "", "<allow/>");
    GuardCall call = call_of(CHANNEL_QMP, text, host);
    GuardAnswer answer;

    (void)state;
    guard_judge(&call, NULL, NULL, &answer);
    assert_true(answer.passes);
    guard_answer_clear(&answer);
    call.length = sizeof(text) - 1;
    guard_judge(&call, NULL, NULL, &answer);
    assert_false(answer.passes);
    assert_string_equal(answer.rule, "request:unreadable");
    guard_answer_clear(&answer);
    policy_unref(host);
}

/* Names are encoded where a client reads them, as they are in the log. */
static void test_domain_name(void **state)
{
    static const struct {
        const char *domain;
        const char *message;
    } names[] = {
        {"a\nb", "'inject-nmi' on domain 'a\\x0ab' is denied by baseline:@dangerous; use: virsh "
                 "inject-nmi 'a\\x0ab'"},
        {"{domain}", "'inject-nmi' on domain '{domain}' is denied by baseline:@dangerous; use: "
                     "virsh inject-nmi '{domain}'"},
        {"x;id", "'inject-nmi' on domain 'x;id' is denied by baseline:@dangerous; use: virsh "
                 "inject-nmi 'x;id'"},
        {"'`id`", "'inject-nmi' on domain ''`id`' is denied by baseline:@dangerous; use: virsh "
                  "inject-nmi '\\x27`id`'"},
        {"--help", "'inject-nmi' on domain '--help' is denied by baseline:@dangerous; use: virsh "
                   "inject-nmi --domain --help"},
        {"-x y", "'inject-nmi' on domain '-x y' is denied by baseline:@dangerous; use: virsh "
                 "inject-nmi --domain '-x y'"},
        {"%s%n", "'inject-nmi' on domain '%s%n' is denied by baseline:@dangerous; use: virsh "
                 "inject-nmi %s%n"},
        {NULL, "'inject-nmi' on domain '-' is denied by baseline:@dangerous; use: virsh "
               "inject-nmi -"},
    };
    Policy *host = policy_of(POLICY_HOST, "", "");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        GuardCall call = call_of(CHANNEL_QMP, "{\"execute\":\"inject-nmi\"}", host);
        GuardAnswer answer;

        call.domain_name = names[i].domain;
        guard_judge(&call, NULL, NULL, &answer);
        assert_string_equal(answer.message, names[i].message);
        guard_answer_clear(&answer);
    }
    policy_unref(host);
}

static void test_audit_mode(void **state)
{
    Policy *host = policy_of(POLICY_HOST, "mode='audit'", "");
    GuardCall denied = call_of(CHANNEL_QMP, "{\"execute\":\"inject-nmi\"}", host);
    GuardCall unreadable = call_of(CHANNEL_QMP, "hello", host);
    Recorder recorder = {0};
    GuardAnswer answer;

    (void)state;
    guard_judge(&denied, record, &recorder, &answer);
    assert_true(answer.passes);
    assert_int_equal(answer.decision.verdict, VERDICT_AUDIT);
    assert_has_word(recorder.line, "QMP would block: demo | inject-nmi | user=alice");
    guard_answer_clear(&answer);
    guard_judge(&unreadable, NULL, NULL, &answer);
    assert_false(answer.passes);
    guard_answer_clear(&answer);
    policy_unref(host);
}

/* Too much work is a refusal of its own, also for a policy that only audits. */
static void test_too_much_work(void **state)
{
    CLEANUP(mem) char *value = repeated('x', 1000000);
    CLEANUP(mem)
    char *json = formatted("{\"execute\":\"stop\",\"arguments\":{\"a\":\"%s\"}}", value);
    CLEANUP(mem) char *rules = strdup("");
    Policy *host;
    GuardCall call;
    Recorder recorder = {0};
    GuardAnswer answer;

    (void)state;
    for (int i = 0; i < 40; i++) {
        char *longer = formatted("%s<deny><argument name='a' match='*%d'/></deny>", rules, i);

        free(rules);
        rules = longer;
    }
    host = policy_of(POLICY_HOST, "mode='audit'", rules);
    call = call_of(CHANNEL_QMP, json, host);
    guard_judge(&call, record, &recorder, &answer);
    assert_false(answer.passes);
    assert_string_equal(answer.rule, "guard:too-much-work");
    assert_has_word(answer.message, "'host'");
    check_answer(&answer, &recorder);
    guard_answer_clear(&answer);
    policy_unref(host);
}

typedef struct ConfidentialRow {
    const char *name;
    bool is_confidential;
    const char *attributes; /* of the domain's policy; NULL: it has none */
    const char *rules;
    const char *rule; /* what decides on pmemsave */
    bool passes;
} ConfidentialRow;

/* A guest that is protected from its host is not dumped by default. */
static const ConfidentialRow confidential_rows[] = {
    {"usual guest", false, NULL, NULL, "baseline:@memory-dump", true},
    {"protected guest", true, NULL, NULL, "confidential:@host", false},
    {"usual guest with a policy", false, "", "<allow command='quit'/>", "baseline:@memory-dump",
     true},
    {"protected guest with a policy", true, "", "<allow command='quit'/>", "confidential:@host",
     false},
    {"protected guest with a profile", true, "profile='baseline'", "", "baseline:@memory-dump",
     true},
    {"protected guest with a rule for it", true, "", "<allow command='pmemsave'/>",
     "domain:pmemsave#1", true},
    /* A switch has no say on it, so it must not take away the profile that has. */
    {"protected guest with a switch", true, "profile='no-user-auth'", "", "confidential:@host",
     false},
};

static void test_confidential_row(void **state)
{
    const ConfidentialRow *row = *state;
    PolicyError error;
    Policy *host = policy_shipped_default(&error);
    Policy *domain = row->attributes ? policy_of(POLICY_DOMAIN, row->attributes, row->rules) : NULL;
    GuardCall call = call_of(CHANNEL_QMP, "{\"execute\":\"pmemsave\"}", host);
    Recorder recorder = {0};
    GuardAnswer answer;

    call.domain = domain;
    call.is_confidential = row->is_confidential;
    guard_judge(&call, record, &recorder, &answer);
    assert_string_equal(answer.rule, row->rule);
    assert_int_equal(answer.passes, row->passes);
    check_answer(&answer, &recorder);
    guard_answer_clear(&answer);
    policy_unref(host);
    policy_unref(domain);
}

/* The record says when the guard chose the profile by itself. */
static void test_chosen_profile_is_told(void **state)
{
    Policy *host = policy_of(POLICY_HOST, "", "<delegate/>");
    GuardCall call = call_of(CHANNEL_QMP, "{\"execute\":\"query-status\"}", host);
    GuardAnswer answer;

    (void)state;
    guard_judge(&call, NULL, NULL, &answer);
    assert_null(strstr(answer.record, "profile="));
    guard_answer_clear(&answer);
    call.is_confidential = true;
    guard_judge(&call, NULL, NULL, &answer);
    assert_has_word(answer.record, " | profile=confidential");
    guard_answer_clear(&answer);
    policy_unref(host);
}

static void *judge_often(void *data)
{
    const GuardCall *call = data;
    uintptr_t wrong = 0;

    for (int i = 0; i < 300; i++) {
        Recorder recorder = {0};
        GuardAnswer answer;

        guard_judge(call, record, &recorder, &answer);
        wrong += !answer.passes || recorder.calls != 1;
        guard_answer_clear(&answer);
    }
    return (void *)wrong;
}

/* Worker threads share the policies, and the first of them loads the profiles. */
static void test_threads(void **state)
{
    Policy host = {.kind = POLICY_HOST, .origin = (char *)(uintptr_t) "host"};
    GuardCall call = call_of(CHANNEL_QMP, "{\"execute\":\"query-status\"}", &host);
    pthread_t threads[4];

    (void)state;
    atomic_init(&host.references, 1);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, judge_often, &call), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *wrong;

        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

/* A GuardRecorder: says whether the record tells its repetitions from others. */
static GuardRecorded note_repeat(void *data, const AuditRecord *record)
{
    *(bool *)data = record->repeat != NULL;
    return RECORDED_WHOLE;
}

static void test_what_is_counted(void **state)
{
    static const struct {
        const char *attributes;
        const char *text;
        bool is_counted;
    } of[] = {
        {"repeat='60'", "{\"execute\":\"query-status\"}", true},
        {"repeat='0'", "{\"execute\":\"query-status\"}", false},
        {"", "{\"execute\":\"query-status\"}", false},
        {"repeat='60'", "{\"execute\":\"system_powerdown\"}", false},
        {"repeat='60'", "{\"execute\":\"inject-nmi\"}", false},
        {"repeat='60'", "hello", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        Policy *host = policy_of(POLICY_HOST, of[i].attributes, "");
        GuardCall call = call_of(CHANNEL_QMP, of[i].text, host);
        bool is_counted = !of[i].is_counted;
        GuardAnswer answer;

        guard_judge(&call, note_repeat, &is_counted, &answer);
        assert_int_equal(is_counted, of[i].is_counted);
        guard_answer_clear(&answer);
        policy_unref(host);
    }
}

int main(void)
{
    /* First, while no profile is loaded yet. */
    unit_add("threads", test_threads, NULL);
    UNIT_ADD_ROWS(rows, test_row);
    unit_add("zero answer", test_zero_answer, NULL);
    unit_add("the recorder fails", test_recorder_fails, NULL);
    unit_add("dry run", test_dry_run, NULL);
    unit_add("what is counted", test_what_is_counted, NULL);
    unit_add("failed rule", test_failed_rule, NULL);
    unit_add("forwarded text", test_forwarded_text, NULL);
    unit_add("length", test_length, NULL);
    unit_add("names of domains", test_domain_name, NULL);
    unit_add("mode audit", test_audit_mode, NULL);
    unit_add("too much work", test_too_much_work, NULL);
    UNIT_ADD_ROWS(confidential_rows, test_confidential_row);
    unit_add("a chosen profile is told", test_chosen_profile_is_told, NULL);
    return unit_run("guard");
}
