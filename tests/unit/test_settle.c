/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is denied and granted, end to end: what passes, what is taken for it, what is recorded. */
#include "unit.h"

#include "grants.h"
#include "judging.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

#define NO_QUIT "<deny command='quit'/><allow/>"

/* The uses of a grant that are left in the file. */
static void check_left(const Grant *grant, uint32_t left)
{
    assert_int_equal(grants_find(grant->id).left, left);
}

static void test_denied_then_granted(void **state)
{
    Judging judging;
    Grant grant = grant_of("quit", 2);
    CLEANUP(mem) char *wanted = NULL;
    CLEANUP(mem) char *word = NULL;

    (void)state;
    judging_start(&judging, NO_QUIT, NULL);
    assert_false(judging_try_qmp(&judging, "quit"));
    judging_assert_json(&judging, "grants", NULL);
    grants_add(&grant);
    assert_true(judging_try_qmp(&judging, "quit"));
    assert_int_equal(judging.answer.decision.verdict, VERDICT_GRANT);
    judging_assert_json(&judging, "verdict", "\"grant\"");
    judging_assert_json(&judging, "rule", "\"host:quit#1\"");
    wanted = formatted("[{\"grant\":\"%s\",\"taken\":1,\"left\":1,\"given-by\":\"root\","
                       "\"reason\":\"a test\"}]",
                       grant.id);
    judging_assert_json(&judging, "grants", wanted);
    word = formatted(" | grant=%s | left=1 | reason=a test", grant.id);
    assert_has_word(judging.line, word);
    assert_int_equal(judging.priority, AUDIT_WARNING);
    check_left(&grant, 1);
    assert_true(judging_try_qmp(&judging, "quit"));
    check_left(&grant, 0);
    assert_false(judging_try_qmp(&judging, "quit"));
    assert_has_word(judging.answer.message, " is spent");
    assert_has_word(judging.line, " | reason=it is spent");
    assert_int_equal(judging.decisions, 4);
    judging_end(&judging);
}

/* A text with one grant of each kind that counts for it. */
typedef struct TakesRow {
    const char *name;
    const char *host;
    const char *domain;
    const char *text; /* as for judging_try_qmp() */
    bool grants_text; /* the text itself; else the command of `quit` */
    uint32_t uses;
    bool passes;
    uint32_t left;
} TakesRow;

#define ACTION "{\"type\":\"blockdev-backup\"}"
#define THREE_ACTIONS                                                                              \
    "transaction {\"actions\":[" ACTION "," ACTION "," ACTION ",{\"type\":\"abort\"}]}"
#define NO_BACKUP "<deny command='blockdev-backup'/><deny command='quit'/><allow/>"

static const TakesRow takes_rows[] = {
    {"each action takes a use", NO_BACKUP, NULL, THREE_ACTIONS, false, 3, true, 0},
    {"more uses than actions", NO_BACKUP, NULL, THREE_ACTIONS, false, 5, true, 2},
    {"fewer uses than actions", NO_BACKUP, NULL, THREE_ACTIONS, false, 2, false, 2},
    {"a text takes one", NO_BACKUP, NULL, THREE_ACTIONS, true, 2, true, 1},
    {"a text takes its last one", NO_BACKUP, NULL, THREE_ACTIONS, true, 1, true, 0},
    {"an allowed command takes none", NO_BACKUP, NULL, "query-status", true, 1, true, 1},
    {"audit takes none", "(mode='audit')<deny/>", NULL, "quit", true, 1, true, 1},
    {"a domain that audits takes none", "<delegate/>", "(mode='audit')<deny/>", "quit", true, 1,
     true, 1},
    {"a domain that may not audit", "(domain-mode='enforce')<delegate/>", "(mode='audit')<deny/>",
     "quit", true, 1, true, 0},
    {"denied by the domain", "<delegate/>", "<deny/>", "quit", true, 1, true, 0},
    {"denied by both takes one", "<deny/>", "<deny/>", "quit", true, 1, true, 0},
    {"no permission of libvirt's", "<allow command='quit' require='native'/>", NULL, "quit", true,
     1, true, 0},
};

static void test_takes_row(void **state)
{
    const TakesRow *row = *state;
    Request *request = request_of_short(CHANNEL_QMP, row->text);
    Grant grant = row->grants_text ? grant_of_text(request, row->uses)
                                   : grant_of("blockdev-backup", row->uses);
    Judging judging;

    judging_start(&judging, row->host, row->domain);
    grants_add(&grant);
    /* To look at it takes nothing, and says the same. */
    judging.is_dry = true;
    assert_int_equal(judging_try_qmp(&judging, row->text), row->passes);
    check_left(&grant, row->uses);
    judging.is_dry = false;
    assert_int_equal(judging_try_qmp(&judging, row->text), row->passes);
    check_left(&grant, row->left);
    judging_end(&judging);
    request_free(request);
}

/* Why a text is refused that has a grant, in words. */
static void test_too_few_uses_are_told(void **state)
{
    Grant grant = grant_of("blockdev-backup", 2);
    Judging judging;

    (void)state;
    judging_start(&judging, NO_BACKUP, NULL);
    grants_add(&grant);
    assert_false(judging_try_qmp(&judging, THREE_ACTIONS));
    assert_null(strstr(judging.answer.message, "counts"));
    assert_has_word(judging.answer.message, " is for fewer uses");
    assert_has_word(judging.line, " | reason=it is for fewer uses");
    judging_end(&judging);
}

#define TWO_KINDS "transaction {\"actions\":[" ACTION ",{\"type\":\"blockdev-snapshot-sync\"}]}"

static void test_two_grants(void **state)
{
    static const char host[] = "<deny command='blockdev-*'/><allow/>";
    Grant first = grant_of("blockdev-backup", 1);
    Grant second = grant_of("blockdev-snapshot-sync", 1);
    Judging judging;

    (void)state;
    judging_start(&judging, host, NULL);
    grants_add(&first);
    assert_false(judging_try_qmp(&judging, TWO_KINDS));
    check_left(&first, 1);
    grants_add(&second);
    assert_true(judging_try_qmp(&judging, TWO_KINDS));
    assert_int_equal(judging.answer.decision.n_takes, 2);
    check_left(&first, 0);
    check_left(&second, 0);
    assert_false(judging_try_qmp(&judging, TWO_KINDS));
    judging_end(&judging);
}

/* What one grant has not is in the next. */
static void test_uses_of_several_grants(void **state)
{
    Grant grants[] = {grant_of("blockdev-backup", 1), grant_of("blockdev-backup", 1),
                      grant_of("blockdev-backup", 2)};
    Judging judging;

    (void)state;
    judging_start(&judging, NO_BACKUP, NULL);
    for (size_t i = 0; i < COUNT_OF(grants); i++)
        grants_add(&grants[i]);
    assert_true(judging_try_qmp(&judging, THREE_ACTIONS));
    check_left(&grants[0], 0);
    check_left(&grants[1], 0);
    check_left(&grants[2], 1);
    assert_false(judging_try_qmp(&judging, THREE_ACTIONS));
    check_left(&grants[2], 1);
    judging_end(&judging);
}

/* More different grants than one text takes: refused, and nothing is gone. */
static void test_too_many_grants(void **state)
{
    enum { MANY = GRANT_TAKES_MAX + 1 };
    CLEANUP(mem) char *actions = strdup(ACTION);
    CLEANUP(mem) char *text = NULL;
    Judging judging;
    Grant grants[MANY];

    (void)state;
    judging_start(&judging, NO_BACKUP, NULL);
    for (size_t i = 0; i < MANY; i++) {
        grants[i] = grant_of("blockdev-backup", 1);
        grants_add(&grants[i]);
    }
    for (size_t i = 1; i < MANY; i++) {
        char *longer = formatted("%s,%s", actions, ACTION);

        free(actions);
        actions = longer;
    }
    text = formatted("transaction {\"actions\":[%s]}", actions);
    assert_false(judging_try_qmp(&judging, text));
    for (size_t i = 0; i < MANY; i++)
        check_left(&grants[i], 1);
    judging_end(&judging);
}

/* No grant helps where nobody knows what is asked, by whom, or what a policy says. */
static void test_never_granted(void **state)
{
    static const Caller nobody = {0};
    static const char quit[] = "{\"execute\":\"quit\"}";
    Grant grant = grant_of("quit", 5);
    Judging judging;

    (void)state;
    judging_start(&judging, NO_QUIT, NULL);
    grants_add(&grant);
    judging.call.caller = &nobody;
    assert_false(judging_try(&judging, CHANNEL_QMP, quit));
    judging.call.caller = NULL;
    assert_false(judging_try(&judging, CHANNEL_QMP, quit));
    judging_end(&judging);

    judging_start(&judging, NO_QUIT, NULL);
    grants_add(&grant);
    judging.call.n_fds = 1;
    assert_false(judging_try(&judging, CHANNEL_QMP, quit));
    judging.call.n_fds = 0;
    judging.call.failed_rule = rule_domain_invalid;
    judging.call.failure = "a test";
    assert_false(judging_try(&judging, CHANNEL_QMP, quit));
    judging.call.failed_rule = NULL;
    judging.call.host = NULL;
    assert_false(judging_try(&judging, CHANNEL_QMP, quit));
    judging.call.host = judging.host;
    assert_false(judging_try(&judging, CHANNEL_QMP, "{\"execute\":\"quit\",\"id\":1}"));
    /* Nor without the domain's identity or its run. */
    judging.call.domain_uuid = NULL;
    assert_false(judging_try(&judging, CHANNEL_QMP, quit));
    judging.call.domain_uuid = GRANTS_UUID;
    judging.call.run = NULL;
    assert_false(judging_try(&judging, CHANNEL_QMP, quit));
    judging.call.run = &judging.run;
    check_left(&grant, 5);
    assert_true(judging_try(&judging, CHANNEL_QMP, quit));
    judging_end(&judging);
}

/* Patterns of a host's policy that take too much work on a long argument. */
static char *costly_rules(const char *head)
{
    char *rules = strdup(head);

    for (int i = 0; i < 40; i++) {
        char *longer = formatted("%s<deny><argument name='a' match='*%d'/></deny>", rules, i);

        free(rules);
        rules = longer;
    }
    return rules;
}

/* What takes too much work is no denial that root gave a grant for, alone or beside another. */
static void test_too_much_work_is_not_granted(void **state)
{
    CLEANUP(mem) char *value = repeated('x', 1000000);
    CLEANUP(mem) char *alone = formatted("x {\"a\":\"%s\"}", value);
    CLEANUP(mem)
    char *beside = formatted(
        "transaction {\"actions\":[" ACTION ",{\"type\":\"x\",\"data\":{\"a\":\"%s\"}}]}", value);
    CLEANUP(mem)
    char *rules = costly_rules("<deny command='blockdev-backup'/><allow command='transaction'/>");
    Grant grants[] = {grant_of("x", 1), grant_of("blockdev-backup", 1)};
    Judging judging;

    (void)state;
    judging_start(&judging, rules, NULL);
    grants_add(&grants[0]);
    grants_add(&grants[1]);
    assert_false(judging_try_qmp(&judging, alone));
    assert_string_equal(judging.answer.rule, "guard:too-much-work");
    assert_false(judging_try_qmp(&judging, beside));
    check_left(&grants[0], 1);
    check_left(&grants[1], 1);
    judging_end(&judging);
}

/* Somebody who takes uses of a grant just when they were read. */
typedef struct Thief {
    const Grant *grant;
    unsigned rules; /* that were tried */
    unsigned from; /* steals from this one on */
    uint32_t stolen;
} Thief;

/* A DecideObserver: each decision tries one rule, and the first one knows of no grant yet. */
static void steal(void *data, const Operation *operation, const Policy *policy, const Rule *rule,
                  bool matched)
{
    GrantStore store = GRANT_STORE_INIT(grants_path);
    Thief *thief = data;
    GrantTake taken = {.grant = thief->grant, .count = 1};

    if (++thief->rules >= thief->from &&
        grant_store_take(&store, &taken, 1, grant_clock(), NULL) == 1)
        thief->stolen++;
    grant_store_close(&store);
}

typedef struct RaceRow {
    const char *name;
    uint32_t uses;
    bool has_other; /* there is a second grant */
    bool passes;
    uint32_t stolen;
} RaceRow;

static const RaceRow race_rows[] = {
    {"the last use is raced away", 1, false, false, 1},
    {"a use is raced away", 2, false, true, 1},
    {"the last use is raced away, and there is another grant", 1, true, true, 1},
};

static void test_race_row(void **state)
{
    const RaceRow *row = *state;
    Grant grant = grant_of("quit", row->uses);
    Grant other = grant_of("quit", 1);
    Thief thief = {.grant = &grant, .from = 2};
    Judging judging;

    judging_start(&judging, NO_QUIT, NULL);
    grants_add(&grant);
    if (row->has_other)
        grants_add(&other);
    judging.call.observer = steal;
    judging.call.observer_data = &thief;
    assert_int_equal(judging_try_qmp(&judging, "quit"), row->passes);
    assert_int_equal(thief.stolen, row->stolen);
    check_left(&grant, 0);
    if (row->has_other)
        check_left(&other, 0);
    if (!row->passes)
        assert_has_word(judging.answer.message, " is spent");
    assert_int_equal(judging.decisions, 1);
    judging_end(&judging);
}

/* What refuses a grant is told in the record, and to the caller unless it is another's. */
typedef struct RefusedRow {
    const char *name;
    GrantState grant_state;
    const char *user; /* NULL: anybody's */
    uint64_t started; /* of the run */
    int64_t expires_in;
    const char *reason;
    bool is_told;
} RefusedRow;

static const RefusedRow refused_rows[] = {
    {"revoked", GRANT_REVOKED, NULL, 77, 60000, "revoked", true},
    {"another run", GRANT_GIVEN, NULL, 78, 60000, "for another run", true},
    {"ended", GRANT_ENDED, NULL, 77, 60000, "for another run", true},
    {"expired", GRANT_EXPIRED, NULL, 77, 60000, "expired", true},
    {"another's", GRANT_GIVEN, "bob", 77, 60000, "for another caller", false},
};

static void test_refused_row(void **state)
{
    const RefusedRow *row = *state;
    Grant grant = grant_of("quit", 1);
    CLEANUP(mem)
    char *wanted = formatted("{\"grant\":\"%s\",\"reason\":\"%s\"}", grant.id, row->reason);
    Judging judging;

    judging_start(&judging, NO_QUIT, NULL);
    grant.state = (int32_t)row->grant_state;
    grant.run.started = row->started;
    grant.expires = grant_clock() + row->expires_in;
    if (row->user) {
        grant.caller_kind = GRANT_USER;
        snprintf(grant.caller, sizeof(grant.caller), "%s", row->user);
    }
    grants_add(&grant);
    assert_false(judging_try_qmp(&judging, "quit"));
    judging_assert_json(&judging, "refused-grant", wanted);
    assert_int_equal(strstr(judging.answer.message, grant.id) != NULL, row->is_told);
    /* What has nothing to do with it is not mentioned. */
    assert_false(judging_try_qmp(&judging, "quit {\"x\":1}"));
    assert_true(judging_try_qmp(&judging, "stop"));
    judging_assert_json(&judging, "refused-grant", NULL);
    judging_end(&judging);
}

static void test_expired_is_recorded_once(void **state)
{
    Grant grant = grant_of("quit", 1);
    Grant other = grant_of("stop", 1);
    Judging judging;

    (void)state;
    judging_start(&judging, NO_QUIT, NULL);
    grant.expires = grant_clock() - 1;
    grants_add(&grant);
    grants_add(&other);
    judging.is_dry = true;
    assert_false(judging_try_qmp(&judging, "quit"));
    assert_int_equal(grants_find(grant.id).state, GRANT_GIVEN);
    judging.is_dry = false;
    for (int i = 0; i < 3; i++) {
        assert_false(judging_try_qmp(&judging, "quit"));
        assert_int_equal(judging.expired, 1);
        assert_has_word(judging.answer.message, " is expired");
    }
    assert_int_equal(grants_find(grant.id).state, GRANT_EXPIRED);
    assert_int_equal(grants_find(other.id).state, GRANT_GIVEN);
    judging_end(&judging);
}

static void test_confirmed_groups(void **state)
{
    Grant grant = grant_of("quit", 2);
    Grant confirmed = grant_of("quit", 2);
    Judging judging;

    (void)state;
    judging_start(&judging, "(confirm='@guest-power')" NO_QUIT, NULL);
    grants_add(&grant);
    assert_false(judging_try_qmp(&judging, "quit"));
    assert_has_word(judging.answer.message, " is unconfirmed");
    snprintf(confirmed.confirmed_by, sizeof(confirmed.confirmed_by), "carol");
    grants_add(&confirmed);
    assert_true(judging_try_qmp(&judging, "quit"));
    check_left(&grant, 2);
    check_left(&confirmed, 1);
    judging_end(&judging);
}

/* Only the host's policy asks for a second person, and it always does. */
static void test_domain_confirms_nothing(void **state)
{
    Grant grant = grant_of("quit", 1);
    Judging judging;

    (void)state;
    judging_start(&judging, "(confirm='@guest-power')<delegate/>", "<deny/>");
    grants_add(&grant);
    assert_false(judging_try_qmp(&judging, "quit"));
    judging_end(&judging);
}

/* A store that cannot be read has no grants. */
static void test_store_cannot_be_read(void **state)
{
    Grant grant = grant_of("quit", 1);
    CLEANUP(mem) char *command = NULL;
    Judging judging;

    (void)state;
    judging_start(&judging, NO_QUIT, NULL);
    grants_add(&grant);
    command = formatted("chmod 0777 %s", grants_directory);
    assert_int_equal(system(command), 0);
    assert_false(judging_try_qmp(&judging, "quit"));
    judging.call.grants = NULL;
    assert_false(judging_try_qmp(&judging, "quit"));
    assert_true(judging_try_qmp(&judging, "stop"));
    judging_end(&judging);
}

/* What was taken stays taken, though nothing passes without a record. */
static void test_unrecorded(void **state)
{
    Grant grant = grant_of("quit", 2);
    Judging judging;

    (void)state;
    judging_start(&judging, NO_QUIT, NULL);
    grants_add(&grant);
    judging.recorded = RECORDED_IN_LOG;
    assert_false(judging_try_qmp(&judging, "quit"));
    assert_has_word(judging.answer.message, "the audit trail cannot be written");
    check_left(&grant, 1);
    judging_end(&judging);
}

int main(void)
{
    int failed;

    grants_make_folder();
    unit_add("denied, then granted", test_denied_then_granted, NULL);
    UNIT_ADD_ROWS(takes_rows, test_takes_row);
    unit_add("too few uses are told", test_too_few_uses_are_told, NULL);
    unit_add("two grants", test_two_grants, NULL);
    unit_add("uses of several grants", test_uses_of_several_grants, NULL);
    unit_add("too many grants", test_too_many_grants, NULL);
    unit_add("never granted", test_never_granted, NULL);
    unit_add("too much work is not granted", test_too_much_work_is_not_granted, NULL);
    UNIT_ADD_ROWS(race_rows, test_race_row);
    UNIT_ADD_ROWS(refused_rows, test_refused_row);
    unit_add("expired is recorded once", test_expired_is_recorded_once, NULL);
    unit_add("confirmed groups", test_confirmed_groups, NULL);
    unit_add("a domain confirms nothing", test_domain_confirms_nothing, NULL);
    unit_add("the store cannot be read", test_store_cannot_be_read, NULL);
    unit_add("unrecorded", test_unrecorded, NULL);
    failed = unit_run("settle");
    grants_remove_folder();
    return failed;
}
