/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every allocation of a judgement fails in turn: alone, and with all that follow it. Whatever
 * becomes of it then, no more passes than without the fault; what passes is what would have been
 * forwarded anyway, and its record is the whole one.
 */
#include "unit.h"

#include "faults.h"
#include "grants.h"
#include "guard.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than any judgement takes: a row that needs so many is not at its end. */
#define FAULTS_MAX 5000

typedef struct FaultRow {
    const char *name;
    Channel channel;
    const char *text;
    const char *host; /* attributes and rules, as of_rules() takes them */
    const char *domain; /* NULL: it has no policy */
    bool passes;
    const char *granted; /* a command that a grant of two uses names; NULL: none */
    bool grants_text; /* ... and it is for this text alone */
    bool is_confidential;
    bool is_invalid; /* the call comes with a domain's policy that cannot be read */
} FaultRow;

#define QMP(command) "{\"execute\":\"" command "\"}"
#define QMP_WITH(command, arguments) "{\"execute\":\"" command "\",\"arguments\":" arguments "}"

static const FaultRow rows[] = {
    {"allowed", CHANNEL_QMP, QMP("query-status"), "", NULL, true},
    {"denied by a profile", CHANNEL_QMP, QMP("inject-nmi"), "", NULL, false},
    {"allowed by the domain", CHANNEL_QMP, QMP("query-status"), "<delegate/>",
     "<allow command='query-status'/><deny/>", true},
    {"denied by the domain", CHANNEL_QMP, QMP("query-status"), "<delegate/>",
     "<deny command='query-status'/>", false},
    {"audited only", CHANNEL_QMP, QMP("inject-nmi"), "(mode='audit')", NULL, true},
    {"unreadable", CHANNEL_QMP, "{\"execute\":", "<allow/>", NULL, false},
    {"a domain's policy that is invalid", CHANNEL_QMP, QMP("query-status"), "<allow/>", NULL, false,
     .is_invalid = true},
    {"a protected guest", CHANNEL_QMP, QMP("query-status"), "<delegate/>", NULL, true,
     .is_confidential = true},
    {"a protected guest's memory", CHANNEL_QMP,
     QMP_WITH("pmemsave", "{\"val\":0,\"size\":1,\"filename\":\"/x\"}"), "<delegate/>", NULL, false,
     .is_confidential = true},
    {"numbers as they were spelled", CHANNEL_QMP,
     QMP_WITH("qom-set", "{\"a\":[1.50,-2e3,18446744073709551615,9223372036854775807,-7,true,null],"
                         "\"b\":123456789012345678901234567890.1234567890}"),
     "<allow/>", NULL, true},
    {"a text that is not short", CHANNEL_QMP,
     QMP_WITH("qom-set", "{\"path\":\"/machine/a-name-of-more-than-thirty-two-bytes/\\u00e9\\n\","
                         "\"a-member-of-more-than-thirty-two-bytes\":{\"x\":[{\"y\":\"\\ud83d"
                         "\\ude00\"}]},\"property\":\"p\",\"value\":\"\"}"),
     "<allow/>", NULL, true},
    {"a number that is denied", CHANNEL_QMP, QMP_WITH("qom-set", "{\"path\":\"/x\",\"value\":7}"),
     "<deny command='qom-set'><argument name='value' value='7'/></deny><allow/>", NULL, false},
    {"a switch that is denied", CHANNEL_QMP,
     QMP_WITH("migrate", "{\"uri\":\"exec:x\",\"blk\":true}"),
     "<deny command='migrate'><argument name='blk' value='true'/></deny><allow/>", NULL, false},
    {"a path that is denied", CHANNEL_QMP, QMP_WITH("screendump", "{\"filename\":\"/etc//x\"}"),
     "<deny><argument name='filename' prefix='/etc'/></deny><allow/>", NULL, false},
    {"a relative path that is denied", CHANNEL_QMP,
     QMP_WITH("screendump", "{\"filename\":\"file:etc/x\"}"),
     "<deny><argument name='filename' prefix='/etc'/></deny><allow/>", NULL, false},
    {"a path that is allowed", CHANNEL_QMP, QMP_WITH("screendump", "{\"filename\":\"/tmp/x\"}"),
     "<allow><argument name='filename' prefix='/tmp'/></allow><deny/>", NULL, true},
    {"what a json: name hides", CHANNEL_QMP,
     QMP_WITH("blockdev-change-medium", "{\"id\":\"a\",\"filename\":\"json:{\\\"driver\\\":\\\"file"
                                        "\\\",\\\"file.filename\\\":\\\"/etc/x\\\"}\"}"),
     "<deny><argument name='filename' prefix='/etc'/></deny><allow/>", NULL, false},
    {"a list that dotted names make", CHANNEL_QMP,
     QMP_WITH("blockdev-add", "{\"driver\":\"quorum\",\"node-name\":\"q\",\"vote-threshold\":1,"
                              "\"children.0.driver\":\"file\",\"children.0.filename\":\"/tmp/y\","
                              "\"children.1.driver\":\"file\",\"children.1.filename\":\"/etc/x\"}"),
     "<allow/>", NULL, true},
    {"names in a list, and in that a name again", CHANNEL_QMP,
     QMP_WITH("blockdev-add",
              "{\"driver\":\"quorum\",\"children\":[\"json:{\\\"driver\\\":\\\"raw\\\","
              "\\\"file\\\":{\\\"driver\\\":\\\"file\\\",\\\"filename\\\":\\\"json:{\\\\\\\"x"
              "\\\\\\\":1}\\\"}}\",{\"driver\":\"file\",\"filename\":\"/tmp/x\"}],"
              "\"vote-threshold\":1}"),
     "<allow/>", NULL, true},
    {"options of an HMP line, twice", CHANNEL_HMP,
     "drive_add 0 if=none,file=/tmp/a,file=/etc/x,file.driver=file",
     "<deny channel='hmp'><argument name='file' prefix='/etc'/></deny><allow/>", NULL, false},
    {"a group by an effect", CHANNEL_QMP,
     QMP_WITH("chardev-add", "{\"id\":\"c\",\"backend\":{\"type\":\"socket\",\"data\":{\"addr\":"
                             "{\"type\":\"inet\",\"data\":{\"host\":\"h\",\"port\":\"1\"}},"
                             "\"server\":false}}}"),
     "<deny group='@host-net'/><allow/>", NULL, false},
    {"a transaction", CHANNEL_QMP,
     QMP_WITH("transaction",
              "{\"actions\":[{\"type\":\"abort\",\"data\":{}},{\"type\":\"blockdev-snapshot-sync\","
              "\"data\":{\"device\":\"a\",\"snapshot-file\":\"/x\"}}]}"),
     "<allow/>", NULL, true},
    {"a part of a transaction", CHANNEL_QMP,
     QMP_WITH("transaction",
              "{\"actions\":[{\"type\":\"abort\",\"data\":{}},{\"type\":\"blockdev-snapshot-sync\","
              "\"data\":{\"device\":\"a\",\"snapshot-file\":\"/x\"}}]}"),
     "<deny command='blockdev-snapshot-sync'/><allow/>", NULL, false},
    {"an HMP line", CHANNEL_HMP, "info status", "<allow channel='hmp'/>", NULL, true},
    {"an HMP line with arguments", CHANNEL_HMP,
     "netdev_add user,id=n0,hostfwd=tcp::1-:2,hostfwd=tcp::3-:4", "<allow/>", NULL, true},
    {"an HMP line that is denied", CHANNEL_HMP, "pmemsave 0 16 \"/etc/x\"",
     "<deny channel='hmp'><argument name='filename' prefix='/etc'/></deny><allow/>", NULL, false},
    {"a wrapped HMP line", CHANNEL_QMP,
     QMP_WITH("human-monitor-command", "{\"command-line\":\"info  status\",\"cpu-index\":0}"),
     "<allow/>", NULL, true},
    {"the agent", CHANNEL_AGENT, QMP("guest-ping"), "", NULL, true},
    {"values on record", CHANNEL_QMP,
     QMP_WITH("screendump", "{\"filename\":\"/tmp/x\",\"head\":3,\"device\":\"d\"}"),
     "<allow command='screendump' record='filename head device'/>", NULL, true},
    {"what may be counted", CHANNEL_QMP, QMP("query-status"), "(repeat='60')", NULL, true},
    {"within a limit", CHANNEL_QMP, QMP("query-status"),
     "<limit command='query-*' count='3' per='1m'/><allow/>", NULL, true},
    {"over a limit", CHANNEL_QMP,
     QMP_WITH("transaction", "{\"actions\":[{\"type\":\"abort\",\"data\":{}},{\"type\":\"abort\","
                             "\"data\":{}}]}"),
     "<limit command='abort' count='1' per='1m'/><allow/>", NULL, false},
    {"needs libvirt's permission", CHANNEL_QMP, QMP("stop"),
     "<allow command='stop' require='native'/><deny/>", NULL, false},
    {"granted", CHANNEL_QMP, QMP("inject-nmi"), "", NULL, true, .granted = "inject-nmi"},
    {"granted as this text", CHANNEL_QMP, QMP_WITH("device_del", "{\"id\":\"a/b\"}"), "<deny/>",
     NULL, true, .granted = "device_del", .grants_text = true},
    {"granted as an HMP line", CHANNEL_HMP, "device_del a", "<deny/>", NULL, true,
     .granted = "device_del a", .grants_text = true},
    {"a grant for another", CHANNEL_QMP, QMP("inject-nmi"), "", NULL, false, .granted = "stop"},
};

/* What came of one judgement. */
typedef struct Outcome {
    bool passes;
    char *forwarded;
    char line[8192];
    char json[8192];
    char outcome[2048];
    char repeat[8192];
    unsigned records;
} Outcome;

static const Caller alice = {.label = "alice", .user = "alice", .uid = 1, .gid = 1, .pid = 1};
static const Run run = GRANTS_RUN;

/* Two judgements are not of one time: `mark` and as many bytes behind it as @length are dashed. */
static void copy_without_time(char *to, size_t size, const char *from, const char *mark,
                              size_t length)
{
    char *found;

    assert_in_range(snprintf(to, size, "%s", from ? from : ""), 0, size - 1);
    found = strstr(to, mark);
    if (found)
        memset(found + strlen(mark), '-', strnlen(found + strlen(mark), length));
}

static const char json_time[] = "\"time\":\"";

static GuardRecorded record(void *data, const AuditRecord *record)
{
    Outcome *outcome = data;

    outcome->records++;
    copy_without_time(outcome->line, sizeof(outcome->line), record->line, "timestamp=", 19);
    copy_without_time(outcome->json, sizeof(outcome->json), record->json, json_time, 27);
    snprintf(outcome->repeat, sizeof(outcome->repeat), "%s", record->repeat ? record->repeat : "");
    return record->json ? RECORDED_WHOLE : RECORDED_NOWHERE;
}

static Policy *of_rules(PolicyKind kind, const char *text)
{
    const char *end = *text == '(' ? strchr(text, ')') : NULL;
    CLEANUP(mem) char *attributes = end ? strndup(text + 1, (size_t)(end - text - 1)) : NULL;

    return policy_of(kind, attributes ? attributes : "", end ? end + 1 : text);
}

/* Everything that a judgement changes is made anew for each. */
static void judge(const FaultRow *row, GuardCall call, unsigned nth, bool stays, Outcome *ret,
                  bool *ret_failed)
{
    GrantStore store = GRANT_STORE_INIT(grants_path);
    GuardAnswer answer;

    memset(ret, 0, sizeof(*ret));
    call.grants = row->granted ? &store : NULL;
    call.limits = limit_counters_new();
    if (nth > 0)
        faults_allocation(nth, stays);
    guard_judge(&call, record, ret, &answer);
    *ret_failed = faults_end();
    ret->passes = answer.passes;
    if (answer.passes)
        ret->forwarded = strdup(answer.request->text);
    if (answer.outcome) {
        AuditOutcome outcome = {.common = answer.outcome, .result = "success"};
        CLEANUP(mem) char *json = audit_outcome_json(&outcome);

        copy_without_time(ret->outcome, sizeof(ret->outcome), json, json_time, 27);
    }
    guard_answer_clear(&answer);
    limit_counters_free(call.limits);
    grant_store_close(&store);
}

/* A record that there is has all that a decision's must have, whatever the decision. */
static void check_record(const Outcome *outcome)
{
    static const char *const members[] = {"time",    "event",   "domain", "user",        "channel",
                                          "command", "verdict", "rule",   "host-policy", "text"};
    CLEANUP(json) json_object *record = json_tokener_parse(outcome->json);

    for (size_t i = 0; i < COUNT_OF(members); i++) {
        if (!json_object_object_get(record, members[i]))
            fail_msg("no %s: %s", members[i], outcome->json);
    }
    assert_null(strstr(outcome->json, ":null"));
    assert_null(strstr(outcome->json, "[null"));
    assert_null(strstr(outcome->json, ",null"));
}

static void check_outcome(const Outcome *faulty, const Outcome *whole, const char *whole_repeat)
{
    if (faulty->passes) {
        assert_true(whole->passes);
        assert_string_equal(faulty->forwarded, whole->forwarded);
        assert_string_equal(faulty->line, whole->line);
        assert_string_equal(faulty->json, whole->json);
        if (*faulty->outcome)
            assert_string_equal(faulty->outcome, whole->outcome);
    }
    if (*faulty->repeat)
        assert_string_equal(faulty->repeat, whole_repeat);
    if (faulty->records > 0 && strcmp(faulty->json, whole->json) != 0) {
        check_record(faulty);
        assert_has_word(faulty->json, "\"verdict\":\"deny\"");
        assert_has_word(faulty->line, "QMP blocked: ");
    }
}

/* The grants' file with one grant in it: as it was given, before each judgement. */
typedef struct GrantsFile {
    char bytes[8192];
    ssize_t size;
} GrantsFile;

static void give(Grant *grant, GrantsFile *ret)
{
    int fd;

    grants_empty();
    grants_add(grant);
    fd = open(grants_path, O_RDONLY);
    ret->size = read(fd, ret->bytes, sizeof(ret->bytes));
    assert_in_range(ret->size, 1, sizeof(ret->bytes) - 1);
    close(fd);
}

static void give_again(const GrantsFile *file)
{
    int fd = open(grants_path, O_WRONLY);

    assert_int_equal(write(fd, file->bytes, (size_t)file->size), file->size);
    close(fd);
}

static Grant grant_for(const FaultRow *row)
{
    Request *request;
    Grant grant;

    if (!row->grants_text)
        return grant_of(row->granted, 2);
    request = request_of(row->channel, row->text);
    grant = grant_of_text(request, 2);
    request_free(request);
    return grant;
}

static void test_row(void **state)
{
    const FaultRow *row = *state;
    Policy *host = of_rules(POLICY_HOST, row->host);
    Policy *domain = row->domain ? of_rules(POLICY_DOMAIN, row->domain) : NULL;
    Grant grant = row->granted ? grant_for(row) : (Grant){.left = 0};
    GuardCall call = {.channel = row->channel,
                      .text = row->text,
                      .length = strlen(row->text),
                      .domain_name = "demo",
                      .domain_uuid = GRANTS_UUID,
                      .id = "0123-1",
                      .caller = &alice,
                      .host = host,
                      .domain = domain,
                      .is_confidential = row->is_confidential,
                      .failed_rule = row->is_invalid ? rule_domain_invalid : NULL,
                      .failure = "line 3: no such thing",
                      .run = &run};
    GrantsFile given;
    Outcome whole;
    bool failed;

    if (row->granted)
        give(&grant, &given);
    judge(row, call, 0, false, &whole, &failed);
    assert_int_equal(whole.passes, row->passes);
    for (int stays = 0; stays < 2; stays++) {
        unsigned nth = 0;

        do {
            Outcome faulty;

            if (row->granted)
                give_again(&given);
            judge(row, call, ++nth, stays, &faulty, &failed);
            check_outcome(&faulty, &whole, whole.repeat);
            if (row->granted)
                assert_in_range(grants_find(grant.id).left, faulty.passes ? 0 : 1,
                                faulty.passes ? 1 : 2);
            free(faulty.forwarded);
        } while (failed && nth < FAULTS_MAX);
        assert_in_range(nth, 10, FAULTS_MAX - 1);
    }
    free(whole.forwarded);
    policy_unref(host);
    policy_unref(domain);
}

int main(void)
{
    int failed;

    grants_make_folder();
    policy_profile("baseline");
    policy_empty();
    UNIT_ADD_ROWS(rows, test_row);
    failed = unit_run("fault");
    grants_remove_folder();
    return failed;
}
