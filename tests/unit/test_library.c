/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libqmpguard from outside, without a daemon: its judgements, and what it says of wrong calls. */
#include <qmpguard.h>

#include "unit.h"

#include "util/cleanup.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NS "xmlns='urn:qmp-guard:policy:1'"

#define NMI "{\"execute\":\"inject-nmi\"}"

static QmpguardPolicy *policy_read(const char *host, const char *domain)
{
    QmpguardPolicy *policy = NULL;
    QmpguardError error;

    if (qmpguard_policy_read(host, domain, &policy, &error) != QMPGUARD_OK)
        fail_msg("%s", error.text);
    assert_int_equal(error.code, QMPGUARD_OK);
    assert_string_equal(error.text, "");
    return policy;
}

static QmpguardQuestion question_of(const char *text)
{
    return (QmpguardQuestion){.size = sizeof(QmpguardQuestion), .text = text, .user = "root"};
}

/* The names, each behind a blank. */
static char *joined(const char *const *names)
{
    char *text = formatted("%s", "");

    for (; *names; names++) {
        CLEANUP(mem) char *before = text;

        text = formatted("%s %s", before, *names);
    }
    return text;
}

typedef struct JudgeRow {
    const char *name;
    const char *host;
    const char *domain;
    QmpguardQuestion question; /* the size is set by the test, as the user if nobody is named */
    int verdict;
    const char *rule;
    const char *command;
    const char *command_class;
    const char *group; /* one of them */
} JudgeRow;

static const char *const ops[] = {"staff", "ops", NULL};
static const char *const no_group[] = {NULL};

#define OPS_ONLY "<policy " NS "><allow command='inject-nmi' unix-group='ops'/></policy>"

static const JudgeRow judge_rows[] = {
    {"safe",
     NULL,
     NULL,
     {.text = "{\"execute\":\"query-status\"}"},
     QMPGUARD_ALLOW,
     "baseline:@safe",
     "query-status",
     "safe",
     "@query"},
    {"privileged",
     NULL,
     NULL,
     {.text = "{\"execute\":\"system_reset\"}"},
     QMPGUARD_WARN,
     "baseline:@privileged",
     "system_reset",
     "privileged",
     "@privileged"},
    {"dangerous",
     NULL,
     NULL,
     {.text = NMI},
     QMPGUARD_DENY,
     "baseline:@dangerous",
     "inject-nmi",
     "dangerous",
     "@dangerous"},
    {"inside another",
     NULL,
     NULL,
     {.text = "{\"execute\":\"transaction\",\"arguments\":{\"actions\":[{\"type\":\"abort\","
              "\"data\":{}},{\"type\":\"inject-nmi\",\"data\":{}}]}}"},
     QMPGUARD_DENY,
     "baseline:@dangerous",
     "inject-nmi",
     "dangerous",
     "@dangerous"},
    {"HMP",
     NULL,
     NULL,
     {.channel = QMPGUARD_HMP, .text = "info  status"},
     QMPGUARD_DENY,
     "baseline:@dangerous",
     "info status",
     "dangerous",
     "@dangerous"},
    {"agent",
     NULL,
     NULL,
     {.channel = QMPGUARD_AGENT, .text = "{\"execute\":\"guest-ping\"}"},
     QMPGUARD_ALLOW,
     "baseline:@safe",
     "guest-ping",
     "safe",
     "@safe"},
    {"unreadable",
     NULL,
     NULL,
     {.text = "{"},
     QMPGUARD_DENY,
     "request:unreadable",
     NULL,
     NULL,
     NULL},
    {"by the domain",
     NULL,
     "<policy " NS "><allow command='inject-nmi'/></policy>",
     {.text = NMI},
     QMPGUARD_ALLOW,
     "domain:inject-nmi#1",
     "inject-nmi",
     "dangerous",
     "@dangerous"},
    {"by the host",
     "<policy " NS "><deny command='inject-nmi'/><delegate/></policy>",
     "<policy " NS "><allow command='inject-nmi'/></policy>",
     {.text = NMI},
     QMPGUARD_DENY,
     "host:inject-nmi#1",
     "inject-nmi",
     "dangerous",
     "@dangerous"},
    {"only audited",
     NULL,
     "<policy " NS " mode='audit'/>",
     {.text = NMI},
     QMPGUARD_AUDIT,
     "baseline:@dangerous",
     "inject-nmi",
     "dangerous",
     "@dangerous"},
    {"confidential",
     NULL,
     NULL,
     {.is_confidential = 1,
      .text = "{\"execute\":\"dump-guest-memory\",\"arguments\":{"
              "\"paging\":false,\"protocol\":\"file:/x\"}}"},
     QMPGUARD_DENY,
     "confidential:@host",
     "dump-guest-memory",
     NULL,
     "@memory-dump"},
    {"user",
     NULL,
     "<policy " NS "><allow command='inject-nmi' user='alice'/></policy>",
     {.text = NMI, .user = "alice"},
     QMPGUARD_ALLOW,
     "domain:inject-nmi#1",
     "inject-nmi",
     "dangerous",
     NULL},
    {"another user",
     NULL,
     "<policy " NS "><allow command='inject-nmi' user='alice'/></policy>",
     {.text = NMI, .user = "bob"},
     QMPGUARD_DENY,
     "baseline:@dangerous",
     "inject-nmi",
     "dangerous",
     NULL},
    {"SASL",
     NULL,
     "<policy " NS "><allow command='inject-nmi' sasl='alice@REALM'/></policy>",
     {.text = NMI, .sasl = "alice@REALM"},
     QMPGUARD_ALLOW,
     "domain:inject-nmi#1",
     "inject-nmi",
     "dangerous",
     NULL},
    {"X.509",
     NULL,
     "<policy " NS "><allow command='inject-nmi' x509='CN=alice'/></policy>",
     {.text = NMI, .x509 = "CN=alice"},
     QMPGUARD_ALLOW,
     "domain:inject-nmi#1",
     "inject-nmi",
     "dangerous",
     NULL},
    {"a user of another name service",
     NULL,
     "<policy " NS "><allow command='inject-nmi' user='alice'/></policy>",
     {.text = NMI, .sasl = "alice"},
     QMPGUARD_DENY,
     "baseline:@dangerous",
     "inject-nmi",
     "dangerous",
     NULL},
    {"SELinux",
     NULL,
     "<policy " NS "><allow command='inject-nmi' selinux='*:ops_t:*'/></policy>",
     {.text = NMI, .user = "bob", .selinux = "u:r:ops_t:s0"},
     QMPGUARD_ALLOW,
     "domain:inject-nmi#1",
     "inject-nmi",
     "dangerous",
     NULL},
    {"groups that are given",
     NULL,
     OPS_ONLY,
     {.text = NMI, .user = "no-such-user-here", .unix_groups = ops},
     QMPGUARD_ALLOW,
     "domain:inject-nmi#1",
     "inject-nmi",
     "dangerous",
     NULL},
    {"no group",
     NULL,
     OPS_ONLY,
     {.text = NMI, .user = "root", .unix_groups = no_group},
     QMPGUARD_DENY,
     "baseline:@dangerous",
     "inject-nmi",
     "dangerous",
     NULL},
    {"groups of this host",
     NULL,
     "<policy " NS "><allow command='inject-nmi' unix-group='root'/></policy>",
     {.text = NMI},
     QMPGUARD_ALLOW,
     "domain:inject-nmi#1",
     "inject-nmi",
     "dangerous",
     NULL},
    {"groups that nobody knows",
     NULL,
     OPS_ONLY,
     {.text = NMI, .user = "no-such-user-here"},
     QMPGUARD_DENY,
     "guard:unknown-groups",
     "inject-nmi",
     "dangerous",
     NULL},
    {"groups that no rule asks for",
     NULL,
     NULL,
     {.text = "{\"execute\":\"query-status\"}", .user = "no-such-user-here"},
     QMPGUARD_ALLOW,
     "baseline:@safe",
     "query-status",
     "safe",
     NULL},
};

static void test_judge(void **state)
{
    const JudgeRow *row = *state;
    QmpguardPolicy *policy = policy_read(row->host, row->domain);
    QmpguardQuestion question = row->question;
    QmpguardAnswer *answer = NULL;
    QmpguardError error;

    question.size = sizeof(question);
    if (!question.user && !question.sasl && !question.x509)
        question.user = "root";
    assert_int_equal(qmpguard_judge(policy, &question, &answer, &error), QMPGUARD_OK);
    qmpguard_policy_free(policy); /* the answer does not need it */
    assert_string_equal(answer->rule, row->rule);
    assert_int_equal(answer->verdict, row->verdict);
    assert_int_equal(!answer->message, row->verdict != QMPGUARD_DENY);
    assert_has_word(answer->record, "QMP");
    if (row->command) {
        CLEANUP(mem) char *groups = joined(answer->groups);

        assert_string_equal(answer->command, row->command);
        if (row->command_class)
            assert_string_equal(answer->command_class, row->command_class);
        if (row->group)
            assert_has_word(groups, row->group);
        assert_non_null(answer->text);
    } else {
        assert_null(answer->command);
        assert_null(answer->command_class);
        assert_null(answer->groups[0]);
        assert_null(answer->text);
    }
    qmpguard_answer_free(answer);
}

typedef struct PolicyRow {
    const char *name;
    const char *host;
    const char *domain;
    unsigned int line;
    const char *word;
} PolicyRow;

static const PolicyRow policy_rows[] = {
    {"not XML", "<policy", NULL, 1, "the host policy is invalid"},
    {"an element that is none", NULL, "<policy " NS ">\n<frob/></policy>", 2,
     "the domain policy is invalid: line 2"},
    {"what only a host may say", NULL, "<policy " NS ">\n\n<delegate/></policy>", 3, "delegate"},
    {"the host's before the domain's", "<policy/>", "<policy/>", 1, "the host policy"},
    {"no line to blame", "<!DOCTYPE x><policy/>", NULL, 0, "the host policy is invalid: a policy"},
};

static void test_policy(void **state)
{
    const PolicyRow *row = *state;
    QmpguardPolicy *policy = (QmpguardPolicy *)(uintptr_t)1;
    QmpguardError error;

    assert_int_equal(qmpguard_policy_read(row->host, row->domain, &policy, &error),
                     QMPGUARD_ERROR_POLICY);
    assert_null(policy);
    assert_int_equal(error.code, QMPGUARD_ERROR_POLICY);
    assert_int_equal(error.line, row->line);
    assert_has_word(error.text, row->word);
    assert_int_equal(qmpguard_policy_read(row->host, row->domain, &policy, NULL),
                     QMPGUARD_ERROR_POLICY);
}

static void test_wrong_questions(void **state)
{
    QmpguardPolicy *policy = policy_read(NULL, NULL);
    QmpguardQuestion wrong[] = {question_of(NMI), question_of(NMI), question_of(NMI),
                                question_of(NULL), question_of(NMI)};
    QmpguardAnswer *answer;
    QmpguardError error;

    wrong[0].size = 0;
    wrong[1].channel = 3;
    wrong[2].channel = -1;
    wrong[4].user = NULL;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        answer = (QmpguardAnswer *)(uintptr_t)1;
        assert_int_equal(qmpguard_judge(policy, &wrong[i], &answer, &error),
                         QMPGUARD_ERROR_ARGUMENT);
        assert_null(answer);
        assert_true(*error.text);
    }
    wrong[0] = question_of(NMI);
    assert_int_equal(qmpguard_judge(NULL, wrong, &answer, NULL), QMPGUARD_ERROR_ARGUMENT);
    assert_int_equal(qmpguard_judge(policy, NULL, &answer, NULL), QMPGUARD_ERROR_ARGUMENT);
    assert_int_equal(qmpguard_judge(policy, wrong, NULL, NULL), QMPGUARD_ERROR_ARGUMENT);
    assert_int_equal(qmpguard_policy_read(NULL, NULL, NULL, NULL), QMPGUARD_ERROR_ARGUMENT);
    qmpguard_policy_free(policy);
    qmpguard_policy_free(NULL);
    qmpguard_answer_free(NULL);
    qmpguard_free(NULL);
}

/* A program that was built with a later header has members that this library does not know. */
static void test_later_question(void **state)
{
    struct LaterQuestion {
        QmpguardQuestion known;
        void *unknown;
    } later = {question_of(NMI), &later};
    QmpguardPolicy *policy = policy_read(NULL, NULL);
    QmpguardAnswer *answer;

    later.known.size = sizeof(later);
    assert_int_equal(qmpguard_judge(policy, &later.known, &answer, NULL), QMPGUARD_OK);
    assert_int_equal(answer->verdict, QMPGUARD_DENY);
    assert_int_equal(answer->size, sizeof(QmpguardAnswer));
    qmpguard_answer_free(answer);
    qmpguard_policy_free(policy);
}

static void test_wrong_executions(void **state)
{
    /* Never looked into: what is wrong is found before. */
    virDomainPtr domain = (virDomainPtr)(uintptr_t)1;
    QmpguardError error;
    char *reply = (char *)(uintptr_t)1;

    assert_int_equal(qmpguard_execute(NULL, QMPGUARD_QMP, NMI, 0, NULL, &reply, &error),
                     QMPGUARD_ERROR_ARGUMENT);
    assert_null(reply);
    assert_int_equal(qmpguard_execute(domain, QMPGUARD_QMP, NULL, 0, NULL, &reply, &error),
                     QMPGUARD_ERROR_ARGUMENT);
    assert_int_equal(qmpguard_execute(domain, QMPGUARD_QMP, NMI, 0, NULL, NULL, &error),
                     QMPGUARD_ERROR_ARGUMENT);
    assert_int_equal(qmpguard_execute(domain, 3, NMI, 0, NULL, &reply, &error),
                     QMPGUARD_ERROR_ARGUMENT);
    assert_int_equal(qmpguard_execute(domain, QMPGUARD_QMP, NMI, 2, "why", &reply, &error),
                     QMPGUARD_ERROR_ARGUMENT);
    assert_has_word(error.text, "flags");
    assert_int_equal(
        qmpguard_execute(domain, QMPGUARD_QMP, NMI, QMPGUARD_ALLOW_DANGEROUS, NULL, &reply, &error),
        QMPGUARD_ERROR_ARGUMENT);
    assert_has_word(error.text, "reason");
}

static void test_verdict_names(void **state)
{
    assert_string_equal(qmpguard_verdict_name(QMPGUARD_DENY), "deny");
    assert_string_equal(qmpguard_verdict_name(QMPGUARD_AUDIT), "audit");
    assert_string_equal(qmpguard_verdict_name(QMPGUARD_GRANT), "grant");
    assert_string_equal(qmpguard_verdict_name(QMPGUARD_WARN), "warn");
    assert_string_equal(qmpguard_verdict_name(QMPGUARD_ALLOW), "allow");
    assert_null(qmpguard_verdict_name(-1));
    assert_null(qmpguard_verdict_name(5));
}

/* Returns how many of its judgements were wrong. */
static void *judge_often(void *policy)
{
    const QmpguardQuestion question = question_of(NMI);
    uintptr_t wrong = 0;

    for (int i = 0; i < 200; i++) {
        QmpguardAnswer *answer;

        if (qmpguard_judge(policy, &question, &answer, NULL) != QMPGUARD_OK ||
            answer->verdict != QMPGUARD_WARN)
            wrong++;
        qmpguard_answer_free(answer);
    }
    return (void *)wrong;
}

static void test_threads(void **state)
{
    QmpguardPolicy *policy = policy_read(NULL,
                                         "<policy " NS "><warn command='inject-nmi'/></policy>");
    pthread_t threads[4];

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, judge_often, policy), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *wrong;

        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    qmpguard_policy_free(policy);
}

int main(void)
{
    UNIT_ADD_ROWS(judge_rows, test_judge);
    UNIT_ADD_ROWS(policy_rows, test_policy);
    unit_add("wrong questions", test_wrong_questions, NULL);
    unit_add("a later question", test_later_question, NULL);
    unit_add("wrong executions", test_wrong_executions, NULL);
    unit_add("names of verdicts", test_verdict_names, NULL);
    unit_add("threads", test_threads, NULL);
    return unit_run("library");
}
