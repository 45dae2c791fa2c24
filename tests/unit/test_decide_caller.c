/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules for callers by each of their names; what is not known may be whom a <deny> means. */
#include "unit.h"

#include "decide.h"
#include "util/cleanup.h"

#include <string.h>

static const char *const groups[] = {"staff", "ops"};

#define NAMES                                                                                      \
    .label = "l", .user = "u", .sasl = "s", .x509 = "CN=x,O=y",                                    \
    .selinux = "system_u:system_r:mgmt_t:s0", .unix_groups = groups, .n_unix_groups = 2

static const Caller all_known = {NAMES};
static const Caller none_known = {.label = "uid:77", .claimed = "u"};
static const Caller user_only = {.label = "u", .user = "u"};

/* Whether a rule with @condition matches, as an <allow> (or <warn>) and as a <deny>. */
typedef struct CallerRow {
    const char *condition;
    const Caller *caller;
    bool allows;
    bool denies;
} CallerRow;

static const CallerRow rows[] = {
    {"", &all_known, true, true},
    {"", &none_known, true, true},

    {"user='u'", &all_known, true, true},
    {"user='v'", &all_known, false, false},
    {"user='U'", &all_known, false, false},
    {"user='l'", &all_known, false, false},
    {"user='s'", &all_known, false, false},
    {"user='*'", &all_known, false, false},
    {"user='u'", &none_known, false, true},
    {"user='uid:77'", &none_known, false, true},

    {"unix-group='ops'", &all_known, true, true},
    {"unix-group='wheel'", &all_known, false, false},
    {"unix-group='op'", &all_known, false, false},
    {"unix-group='ops'", &user_only, false, false},
    {"unix-group='ops'", &none_known, false, true},

    {"sasl='s'", &all_known, true, true},
    {"sasl='u'", &all_known, false, false},
    {"sasl='*'", &all_known, false, false},
    {"sasl='u'", &user_only, false, true},
    {"sasl='s'", &none_known, false, true},

    {"x509='CN=x,O=y'", &all_known, true, true},
    {"x509='CN=x'", &all_known, false, false},
    {"x509='CN=x,*'", &all_known, false, false},
    {"x509='O=y,CN=x'", &all_known, false, false},
    {"x509='CN=x,O=y'", &user_only, false, true},

    {"selinux='system_u:system_r:mgmt_t:s0'", &all_known, true, true},
    {"selinux='*:mgmt_t:*'", &all_known, true, true},
    {"selinux='*:mgmt_?:s0'", &all_known, true, true},
    {"selinux='*:mgmt_t'", &all_known, false, false},
    {"selinux='*'", &all_known, true, true},
    {"selinux='*:mgmt_t:*'", &user_only, false, true},
    {"selinux='*'", &none_known, false, true},

    /* All conditions hold, or there is no match; one that is not known takes no other away. */
    {"user='u' sasl='s' x509='CN=x,O=y' selinux='*'", &all_known, true, true},
    {"user='u' sasl='t'", &all_known, false, false},
    {"user='u' sasl='s'", &user_only, false, true},
    {"user='v' sasl='s'", &user_only, false, false},
    {"user='u' unix-group='ops' selinux='*:mgmt_t:*'", &none_known, false, true},
};

static void check(const CallerRow *row, const char *kind, bool matches)
{
    CLEANUP(mem) char *rule = formatted("<%s command='stop' %s/>", kind, row->condition);
    Policy *host = policy_of(POLICY_HOST, "profile='closed'", rule);
    Request *request = request_of_short(CHANNEL_QMP, "stop");
    Question question = {.request = request, .caller = row->caller, .host = host};
    Decision decision = decide(&question);

    if ((decision.rule == &host->rules[0]) != matches)
        fail_msg("<%s %s> %s", kind, row->condition, matches ? "does not match" : "matches");
    question.ignores_index = true;
    assert_ptr_equal(decide(&question).rule, decision.rule);
    request_free(request);
    policy_unref(host);
}

static void test_row(void **state)
{
    const CallerRow *row = *state;

    check(row, "allow", row->allows);
    check(row, "warn", row->allows);
    check(row, "delegate", false);
    check(row, "deny", row->denies);
}

/* A limit counts what a <deny> would stop. */
static void test_limit_row(void **state)
{
    const CallerRow *row = *state;
    CLEANUP(mem)
    char *rules = formatted("<limit command='stop' count='1' per='1s' %s/>", row->condition);
    Policy *host = policy_of(POLICY_HOST, "", rules);
    Request *request = request_of_short(CHANNEL_QMP, "stop");
    Question question = {.request = request, .caller = row->caller, .host = host};
    const Operation *first;
    size_t work = 0;

    assert_int_equal(decide_amount(&question, &host->limits[0], &work, &first), row->denies);
    request_free(request);
    policy_unref(host);
}

int main(void)
{
    UNIT_ADD_ROWS(rows, test_row);
    UNIT_ADD_ROWS(rows, test_limit_row);
    return unit_run("decide_caller");
}
