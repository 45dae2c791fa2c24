/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits and libvirt's own permissions, end to end. */
#include "unit.h"

#include "grants.h"
#include "judging.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Texts one after the other: `+` passes, `-` is denied, `?` passes as what would be denied. */
typedef struct LimitStep {
    char wanted;
    Channel channel;
    const char *text; /* QMP: as for judging_try_qmp() */
} LimitStep;

typedef struct LimitRow {
    const char *name;
    const char *host;
    const char *domain;
    LimitStep steps[8]; /* up to the first without a text */
} LimitRow;

#define ACTION "{\"type\":\"blockdev-backup\"}"
#define THREE_ACTIONS "transaction {\"actions\":[" ACTION "," ACTION "," ACTION "]}"
#define TWO_ACTIONS "transaction {\"actions\":[" ACTION "," ACTION "]}"
#define TWO_STOPS "<allow/><limit command='stop' count='2' per='1h'/>"
#define ONE_STOP "<allow/><limit command='stop' count='1' per='1h'/>"

static const LimitRow limit_rows[] = {
    {"so many, no more",
     TWO_STOPS,
     NULL,
     {{'+', CHANNEL_QMP, "stop"},
      {'+', CHANNEL_QMP, "cont"},
      {'+', CHANNEL_QMP, "stop"},
      {'-', CHANNEL_QMP, "stop"},
      {'+', CHANNEL_QMP, "cont"},
      {'-', CHANNEL_QMP, "stop {}"}}},
    {"each action counts",
     "<allow/><limit command='blockdev-backup' count='4' per='1h'/>",
     NULL,
     {{'+', CHANNEL_QMP, THREE_ACTIONS},
      {'-', CHANNEL_QMP, TWO_ACTIONS},
      {'+', CHANNEL_QMP, "blockdev-backup"},
      {'-', CHANNEL_QMP, "blockdev-backup"}}},
    {"a text that is denied counts nothing",
     "<deny command='blockdev-backup'/><allow/><limit command='transaction' count='1' per='1h'/>",
     NULL,
     {{'-', CHANNEL_QMP, TWO_ACTIONS},
      {'-', CHANNEL_QMP, TWO_ACTIONS},
      {'+', CHANNEL_QMP, "transaction {\"actions\":[]}"},
      {'-', CHANNEL_QMP, "transaction {\"actions\":[]}"}}},
    {"a group, in every spelling",
     "<allow/><limit group='@guest-power' count='3' per='1h'/>",
     NULL,
     {{'+', CHANNEL_QMP, "stop"},
      {'+', CHANNEL_HMP, "stop"},
      {'+', CHANNEL_QMP, "human-monitor-command {\"command-line\":\"stop\"}"},
      {'-', CHANNEL_HMP, "s"},
      {'+', CHANNEL_HMP, "info status"},
      {'-', CHANNEL_QMP, "stop"}}},
    {"any HMP line",
     "<allow/><limit command='human-monitor-command' count='2' per='1h'/>",
     NULL,
     {{'+', CHANNEL_HMP, "info status"},
      {'+', CHANNEL_QMP, "human-monitor-command {\"command-line\":\"info block\"}"},
      {'-', CHANNEL_HMP, "info status"},
      {'+', CHANNEL_QMP, "stop"}}},
    {"by an argument",
     "<allow/><limit command='device_del' count='1' per='1h'>"
     "<argument name='id' match='net*'/></limit>",
     NULL,
     {{'+', CHANNEL_QMP, "device_del {\"id\":\"net0\"}"},
      {'+', CHANNEL_QMP, "device_del {\"id\":\"disk0\"}"},
      {'-', CHANNEL_QMP, "device_del {\"id\":\"net1\"}"},
      {'+', CHANNEL_QMP, "device_del {\"id\":\"disk1\"}"}}},
    {"another user's",
     "<allow/><limit user='bob' count='1' per='1h'/>",
     NULL,
     {{'+', CHANNEL_QMP, "stop"}, {'+', CHANNEL_QMP, "stop"}}},
    {"the host's, though all is the domain's",
     "<delegate/>" ONE_STOP,
     "<allow/>",
     {{'+', CHANNEL_QMP, "stop"}, {'-', CHANNEL_QMP, "stop"}}},
    {"the domain's, which is stricter",
     TWO_STOPS,
     ONE_STOP,
     {{'+', CHANNEL_QMP, "stop"}, {'-', CHANNEL_QMP, "stop"}}},
    {"the host's, which is stricter",
     ONE_STOP,
     TWO_STOPS,
     {{'+', CHANNEL_QMP, "stop"}, {'-', CHANNEL_QMP, "stop"}}},
    {"refused by one, counted by none",
     "<allow/><limit command='stop' count='2' per='1h'/><limit group='@guest-power' count='3' "
     "per='1h'/>",
     NULL,
     {{'+', CHANNEL_QMP, "stop"},
      {'+', CHANNEL_QMP, "stop"},
      {'-', CHANNEL_QMP, "stop"},
      {'-', CHANNEL_QMP, "stop"},
      {'+', CHANNEL_QMP, "cont"},
      {'-', CHANNEL_QMP, "cont"}}},
    {"the host only audits",
     "(mode='audit')" ONE_STOP,
     NULL,
     {{'+', CHANNEL_QMP, "stop"}, {'?', CHANNEL_QMP, "stop"}, {'?', CHANNEL_QMP, "stop"}}},
    {"the host only audits, the domain does not",
     "(mode='audit')" ONE_STOP,
     TWO_STOPS,
     {{'+', CHANNEL_QMP, "stop"},
      {'?', CHANNEL_QMP, "stop"},
      {'-', CHANNEL_QMP, "stop"},
      {'-', CHANNEL_QMP, "stop"}}},
    /* Else whoever writes the domain's policy could switch off the host's limit with it. */
    {"the domain only audits, the host does not",
     TWO_STOPS,
     "(mode='audit')" ONE_STOP,
     {{'+', CHANNEL_QMP, "stop"},
      {'?', CHANNEL_QMP, "stop"},
      {'-', CHANNEL_QMP, "stop"},
      {'-', CHANNEL_QMP, "stop"}}},
    {"the domain may not only audit",
     "(domain-mode='enforce')<delegate/>",
     "(mode='audit')" ONE_STOP,
     {{'+', CHANNEL_QMP, "stop"}, {'-', CHANNEL_QMP, "stop"}}},
    {"what would be denied counts",
     "(mode='audit')<deny/><limit command='stop' count='1' per='1h'/>",
     ONE_STOP,
     {{'?', CHANNEL_QMP, "stop"}, {'-', CHANNEL_QMP, "stop"}}},
};

static void test_limit_row(void **state)
{
    const LimitRow *row = *state;
    Judging judging;

    judging_start(&judging, row->host, row->domain);
    for (const LimitStep *step = row->steps; step->text; step++) {
        bool passes = step->channel == CHANNEL_QMP
                          ? judging_try_qmp(&judging, step->text)
                          : judging_try(&judging, step->channel, step->text);
        Verdict verdict = judging.answer.decision.verdict;
        char got = passes ? '+' : '-';

        if (verdict == VERDICT_AUDIT)
            got = '?';
        if (got != step->wanted)
            fail_msg("step %zu: %c, wanted %c: %s", (size_t)(step - row->steps), got, step->wanted,
                     judging.line);
    }
    judging_end(&judging);
}

static void test_refusal(void **state)
{
    Judging judging;

    (void)state;
    judging_start(&judging, ONE_STOP, NULL);
    assert_true(judging_try_qmp(&judging, "stop"));
    assert_false(judging_try_qmp(&judging, "stop"));
    assert_string_equal(judging.answer.rule, "host:limit:stop#1");
    assert_has_word(judging.answer.message,
                    "is denied by host:limit:stop#1: at most 1 in 3600 s; use: virsh suspend demo");
    judging_assert_json(&judging, "rule", "\"host:limit:stop#1\"");
    judging_assert_json(&judging, "verdict", "\"deny\"");
    assert_int_equal(judging.priority, AUDIT_ERROR);
    assert_false(judging.answer.is_repeated);
    /* Whoever keeps trying fills no log. */
    assert_false(judging_try_qmp(&judging, "stop"));
    assert_int_equal(judging.priority, AUDIT_INFO);
    assert_true(judging.answer.is_repeated);
    /* Another denial is as loud as ever. */
    assert_false(judging_try(&judging, CHANNEL_QMP, "hello"));
    assert_int_equal(judging.priority, AUDIT_ERROR);
    judging_end(&judging);
}

/* Of a transaction, what the limit counts is named: not what is louder. */
static void test_part_is_named(void **state)
{
    static const char text[] = "transaction {\"actions\":[{\"type\":\"abort\"}," ACTION "]}";
    Judging judging;

    (void)state;
    judging_start(&judging, "<allow/><limit command='abort' count='1' per='1h'/>", NULL);
    assert_true(judging_try_qmp(&judging, text));
    assert_false(judging_try_qmp(&judging, text));
    assert_has_word(judging.answer.message, "'abort' in 'transaction' on domain 'demo' is denied");
    assert_has_word(judging.line, " | part=abort");
    judging_end(&judging);
}

static void test_time_passes(void **state)
{
    const struct timespec pause = {.tv_sec = 1, .tv_nsec = 10000000};
    Judging judging;

    (void)state;
    judging_start(&judging, "<allow/><limit command='stop' count='1' per='1s'/>", NULL);
    assert_true(judging_try_qmp(&judging, "stop"));
    assert_false(judging_try_qmp(&judging, "stop"));
    assert_int_equal(nanosleep(&pause, NULL), 0);
    assert_true(judging_try_qmp(&judging, "stop"));
    assert_false(judging_try_qmp(&judging, "stop"));
    assert_int_equal(judging.priority, AUDIT_ERROR);
    judging_end(&judging);
}

static void test_counted_apart(void **state)
{
    static const Caller bob = {.label = "bob", .user = "bob"};
    Judging judging;

    (void)state;
    judging_start(&judging, ONE_STOP, NULL);
    assert_true(judging_try_qmp(&judging, "stop"));
    judging.call.caller = &bob;
    assert_true(judging_try_qmp(&judging, "stop"));
    assert_false(judging_try_qmp(&judging, "stop"));
    judging.call.domain_uuid = GRANTS_OTHER_UUID;
    assert_true(judging_try_qmp(&judging, "stop"));
    /* What a domain is called makes no other one of it. */
    judging.call.domain_name = "renamed";
    assert_false(judging_try_qmp(&judging, "stop"));
    judging_end(&judging);
}

static void test_dry_run(void **state)
{
    Judging judging;

    (void)state;
    judging_start(&judging, ONE_STOP, NULL);
    judging.is_dry = true;
    for (int i = 0; i < 3; i++)
        assert_true(judging_try_qmp(&judging, "stop"));
    judging.is_dry = false;
    assert_true(judging_try_qmp(&judging, "stop"));
    assert_false(judging_try_qmp(&judging, "stop"));
    judging_end(&judging);
}

/* Without counters every limit is met. */
static void test_no_counters(void **state)
{
    Judging judging;

    (void)state;
    judging_start(&judging, ONE_STOP, NULL);
    judging.call.limits = NULL;
    assert_false(judging_try_qmp(&judging, "stop"));
    assert_true(judging_try_qmp(&judging, "cont"));
    judging_end(&judging);
}

/* Whoever edits a domain's policy all the time fills nothing that others need. */
static void test_limits_edited(void **state)
{
    Judging judging;

    (void)state;
    judging_start(&judging, ONE_STOP "<delegate/>", "<allow/>");
    for (size_t i = 0; i < LIMIT_KEYS_MAX + 10; i++) {
        CLEANUP(mem)
        char *rules = formatted("<limit command='con?' count='1000' per='%zus'/>"
                                "<limit command='c*' count='%zu' per='24h'/><allow/>",
                                i % 1000 + 1, i % 900 + 1);

        policy_unref(judging.domain);
        judging.call.domain = judging.domain = policy_of(POLICY_DOMAIN, "", rules);
        judging_try_qmp(&judging, "cont");
        assert_int_not_equal(judging.answer.decision.cause, CAUSE_NO_COUNT);
    }
    assert_true(judging_try_qmp(&judging, "stop"));
    assert_false(judging_try_qmp(&judging, "stop"));
    judging_end(&judging);
}

/* Where one caller's limits on domains have no room left, the host's have theirs. */
static void test_no_room(void **state)
{
    char key[32];
    LimitUse use = {.key = key, .amount = 1, .count = 1, .seconds = 3600, .owner = "domain|alice"};
    LimitAnswer taken = LIMIT_TAKEN;
    struct timespec now;
    Judging judging;
    size_t which;

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &now);
    judging_start(&judging, ONE_STOP "<delegate/>", "<limit count='9' per='1h'/><allow/>");
    for (size_t i = 0; i < LIMIT_KEYS_MAX && taken == LIMIT_TAKEN; i++) {
        snprintf(key, sizeof(key), "%zu", i);
        taken = limit_take(judging.limits, &use, 1, now.tv_sec * 1000, &which);
    }
    assert_int_equal(taken, LIMIT_FULL);
    assert_false(judging_try_qmp(&judging, "stop"));
    assert_int_equal(judging.answer.decision.cause, CAUSE_NO_COUNT);
    assert_non_null(strstr(judging.answer.message, "too many"));
    judging.call.domain = NULL;
    assert_true(judging_try_qmp(&judging, "stop"));
    judging_end(&judging);
}

static void test_granted_is_limited(void **state)
{
    Grant grant = grant_of("stop", 5);
    Judging judging;

    (void)state;
    judging_start(&judging, "<deny command='stop'/><limit command='stop' count='1' per='1h'/>",
                  NULL);
    assert_false(judging_try_qmp(&judging, "stop"));
    grants_add(&grant);
    assert_true(judging_try_qmp(&judging, "stop"));
    assert_false(judging_try_qmp(&judging, "stop"));
    assert_string_equal(judging.answer.rule, "host:limit:stop#1");
    judging_assert_json(&judging, "grants", NULL);
    assert_int_equal(grants_find(grant.id).left, 4);
    judging_end(&judging);
}

/* Many limits are no more work than many rules: none of these alone is too much. */
static void test_work_of_all_limits(void **state)
{
    CLEANUP(mem) char *value = repeated('x', 1000000);
    CLEANUP(mem) char *text = formatted("stop {\"a\":\"%s\"}", value);
    CLEANUP(mem) char *limits = strdup("<allow/>");
    Judging judging;

    (void)state;
    for (int i = 0; i < LIMITS_MAX; i++) {
        char *longer = formatted("%s<limit count='9' per='1h'><argument name='a' match='*%d'/>"
                                 "</limit>",
                                 limits, i);

        free(limits);
        limits = longer;
    }
    judging_start(&judging, "<delegate/>", limits);
    assert_true(judging_try_qmp(&judging, "stop"));
    assert_false(judging_try_qmp(&judging, text));
    assert_int_equal(judging.answer.decision.cause, CAUSE_LIMIT);
    judging_end(&judging);
}

/* Who is asked for libvirt's permissions, and what for. */
typedef struct Libvirt {
    NativeSet gives;
    NativeSet asked;
    unsigned calls;
} Libvirt;

static NativeSet ask(void *data, NativeSet asked)
{
    Libvirt *libvirt = data;

    assert_int_not_equal(asked, 0);
    /* Nobody is asked twice. */
    assert_int_equal(libvirt->asked & asked, 0);
    libvirt->asked |= asked;
    libvirt->calls++;
    return libvirt->gives;
}

static NativeSet native(const char *name)
{
    for (unsigned bit = 0; native_name(bit); bit++) {
        if (strcmp(native_name(bit), name) == 0)
            return (NativeSet)1 << bit;
    }
    fail_msg("libvirt has no permission '%s'", name);
    return 0;
}

typedef struct NativeRow {
    const char *name;
    const char *host;
    const char *domain;
    const char *text;
    const char *gives; /* "": everything; NULL: nothing */
    const char *asked[2];
    bool passes;
} NativeRow;

#define NATIVE "<allow require='native'/>"
#define DUMP "pmemsave {\"val\":0,\"size\":1,\"filename\":\"/x\"}"

static const NativeRow native_rows[] = {
    {"has it", NATIVE, NULL, "stop", "suspend", {"suspend"}, true},
    {"has it not", NATIVE, NULL, "stop", NULL, {"suspend"}, false},
    {"has another", NATIVE, NULL, "stop", "reset", {"suspend"}, false},
    {"either will do", NATIVE, NULL, DUMP, "mem_read", {"core_dump", "mem_read"}, true},
    {"or the other", NATIVE, NULL, DUMP, "core_dump", {"core_dump", "mem_read"}, true},
    {"neither", NATIVE, NULL, DUMP, "suspend", {"core_dump", "mem_read"}, false},
    {"libvirt has no such call", NATIVE, NULL, "getfd {\"fdname\":\"x\"}", "", {NULL}, false},
    {"nobody has to be asked", "<allow/>", NULL, "stop", NULL, {NULL}, true},
    {"denied anyway", "<deny/>" NATIVE, NULL, "stop", "", {NULL}, false},
    {"an earlier rule", "<allow command='stop'/>" NATIVE, NULL, "stop", NULL, {NULL}, true},
    {"a rule for others",
     "<allow command='quit' require='native'/><allow/>",
     NULL,
     "stop",
     NULL,
     {NULL},
     true},
    {"the domain asks", "<delegate/>", NATIVE, "stop", NULL, {"suspend"}, false},
    {"both ask", NATIVE, NATIVE, "stop", "suspend", {"suspend"}, true},
    {"both ask in vain", NATIVE, NATIVE, "stop", NULL, {"suspend"}, false},
    {"only the host asks", NATIVE, "<allow/>", "stop", NULL, {"suspend"}, false},
    {"for each action",
     "<allow command='transaction'/>" NATIVE,
     NULL,
     "transaction {\"actions\":[{\"type\":\"stop\"},{\"type\":\"quit\"}]}",
     "stop",
     {"stop", "suspend"},
     false},
    {"audit", "(mode='audit')" NATIVE, NULL, "stop", NULL, {"suspend"}, true},
};

static void test_native_row(void **state)
{
    const NativeRow *row = *state;
    Libvirt libvirt = {.gives = row->gives && *row->gives ? native(row->gives) : 0};
    NativeSet asked = 0;
    Judging judging;

    if (row->gives && !*row->gives)
        libvirt.gives = UINT64_MAX;
    for (size_t i = 0; i < COUNT_OF(row->asked) && row->asked[i]; i++)
        asked |= native(row->asked[i]);
    judging_start(&judging, row->host, row->domain);
    judging.call.native = ask;
    judging.call.native_data = &libvirt;
    assert_int_equal(judging_try_qmp(&judging, row->text), row->passes);
    assert_true(libvirt.asked == asked);
    assert_int_equal(libvirt.calls > 0, asked != 0);
    judging_end(&judging);
}

static void test_nobody_to_ask(void **state)
{
    Judging judging;

    (void)state;
    judging_start(&judging, NATIVE, NULL);
    assert_false(judging_try_qmp(&judging, "stop"));
    assert_has_word(judging.answer.message,
                    "which asks for libvirt's permission on the domain: one of [\"suspend\"]");
    assert_false(judging_try_qmp(&judging, "getfd {\"fdname\":\"x\"}"));
    assert_has_word(judging.answer.message, "which lets pass what libvirt has a call of its own");
    judging_end(&judging);
}

/* What is permitted still counts, and what is not does not. */
static void test_native_and_limit(void **state)
{
    Libvirt libvirt = {.gives = 0};
    Judging judging;

    (void)state;
    judging_start(&judging, NATIVE "<limit command='stop' count='1' per='1h'/>", NULL);
    judging.call.native = ask;
    judging.call.native_data = &libvirt;
    assert_false(judging_try_qmp(&judging, "stop"));
    libvirt = (Libvirt){.gives = native("suspend")};
    assert_true(judging_try_qmp(&judging, "stop"));
    libvirt.asked = 0;
    assert_false(judging_try_qmp(&judging, "stop"));
    assert_string_equal(judging.answer.rule, "host:limit:stop#1");
    judging_end(&judging);
}

int main(void)
{
    int failed;

    grants_make_folder();
    UNIT_ADD_ROWS(limit_rows, test_limit_row);
    unit_add("a refusal", test_refusal, NULL);
    unit_add("the part is named", test_part_is_named, NULL);
    unit_add("time passes", test_time_passes, NULL);
    unit_add("counted apart", test_counted_apart, NULL);
    unit_add("a dry run", test_dry_run, NULL);
    unit_add("no counters", test_no_counters, NULL);
    unit_add("granted is limited", test_granted_is_limited, NULL);
    unit_add("limits edited", test_limits_edited, NULL);
    unit_add("no room", test_no_room, NULL);
    unit_add("work of all limits", test_work_of_all_limits, NULL);
    UNIT_ADD_ROWS(native_rows, test_native_row);
    unit_add("nobody to ask", test_nobody_to_ask, NULL);
    unit_add("permitted and limited", test_native_and_limit, NULL);
    failed = unit_run("settle_limit");
    grants_remove_folder();
    return failed;
}
