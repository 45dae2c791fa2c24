/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A decision takes bounded work, whoever wrote the policy and however many operations
 * the request has; what is told of it on the way; and how its rule is called.
 */
#include "unit.h"

#include "decide.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

static const char *const many_groups[100] = {
    [0 ... 99] = "a-group-with-a-name-like-the-others-1",
};

static const Caller alice = {
    .label = "alice", .user = "alice", .unix_groups = many_groups, .n_unix_groups = 100};

/* @head, @count times @part with @between between them, and @tail. */
static char *series(const char *head, const char *part, size_t count, const char *between,
                    const char *tail)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    fputs(head, out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s", i ? between : "", part);
    fputs(tail, out);
    fclose(out);
    return text;
}

static Decision decide_for(const Policy *host, const Policy *domain, const char *json)
{
    Request *request = request_of(CHANNEL_QMP, json);
    Question question = {.request = request, .caller = &alice, .host = host, .domain = domain};
    Decision decision = decide(&question);

    /* What it borrows from the request is not looked at any more. */
    decision.operation = NULL;
    request_free(request);
    return decision;
}

/* Whoever finds that nothing decides, no rule and no profile, denies. */
static void test_nothing_decides(void **state)
{
    Policy *host = policy_of(POLICY_HOST, "", "<allow/><delegate/>");
    Request *request = request_of(CHANNEL_QMP, "{\"execute\":\"query-status\"}");
    Question question = {.request = request, .caller = &alice, .host = host};

    (void)state;
    assert_int_equal(decide(&question).verdict, VERDICT_ALLOW);
    question.domain = question.domain_profile = policy_empty();
    assert_int_equal(decide(&question).verdict, VERDICT_DENY);
    request_free(request);
    policy_unref(host);
}

typedef struct WorkRow {
    const char *name;
    const char *rule; /* none of these matches */
    size_t n_rules;
    const char *action;
    size_t n_actions;
    bool gives_up;
} WorkRow;

static const WorkRow work_rows[] = {
    {"a usual request", "<deny command='x*'/>", 100, "{\"type\":\"a\"}", 10, false},
    {"many rules", "<deny command='x*y*z'/>", 19999, "{\"type\":\"a\"}", 1, false},
    {"many operations", "<deny command='x*'/>", 20, "{\"type\":\"a\"}", 256, false},
    {"many rules on many operations", "<deny command='*x'/>", 19999,
     "{\"type\":\"aaaaaaaaaaaaaaaaaaaa\"}", 256, true},
    /* Nothing of what follows is a pattern that takes steps. */
    {"many users on many operations", "<deny user='bob'/>", 19999, "{\"type\":\"a\"}", 256, true},
    {"many groups on many operations", "<deny unix-group='a-group-with-a-name-like-the-others-2'/>",
     15000, "{\"type\":\"a\"}", 100, true},
    {"many groups of commands on many operations", "<deny group='@agent-user-auth'/>", 19999,
     "{\"type\":\"a\"}", 256, true},
    {"many absent arguments on many operations", "<deny><argument name='x' match='y'/></deny>",
     18000, "{\"type\":\"a\"}", 256, true},
};

static void check_work(const char *rules, const char *actions, bool gives_up)
{
    Policy *host = policy_of(POLICY_HOST, "", "<delegate/>");
    Policy *domain = policy_of(POLICY_DOMAIN, "", rules);
    CLEANUP(mem)
    char *json = formatted("{\"execute\":\"transaction\",\"arguments\":{\"actions\":"
                           "[%s]}}",
                           actions);
    Decision decision = decide_for(host, domain, json);

    assert_int_equal(decision.cause == CAUSE_WORK, gives_up);
    if (gives_up) {
        assert_int_equal(decision.verdict, VERDICT_DENY);
        assert_ptr_equal(decision.policy, domain);
    }
    policy_unref(host);
    policy_unref(domain);
}

static void test_work_row(void **state)
{
    const WorkRow *row = *state;
    CLEANUP(mem) char *rules = series("", row->rule, row->n_rules, "", "<allow/>");
    CLEANUP(mem) char *actions = series("", row->action, row->n_actions, ",", "");

    check_work(rules, actions, row->gives_up);
}

/* Stars that meet an empty text take no step, but time. */
static void test_stars_on_nothing(void **state)
{
    CLEANUP(mem) char *stars = repeated('*', 1000);
    CLEANUP(mem)
    char *rule = formatted("<deny><argument name='x' match='%s'/>"
                           "<argument name='y' match='*'/></deny>",
                           stars);
    CLEANUP(mem) char *rules = series("", rule, 900, "", "<allow/>");
    CLEANUP(mem) char *actions = series("", "{\"type\":\"a\",\"data\":{\"x\":\"\"}}", 200, ",", "");

    (void)state;
    check_work(rules, actions, true);
}

/* One long value against patterns that each have to walk it. */
static void check_long_value(size_t n_rules, const char *attributes, bool gives_up)
{
    CLEANUP(mem) char *value = repeated('x', 1000000);
    CLEANUP(mem)
    char *json = formatted("{\"execute\":\"stop\",\"arguments\":{\"a\":\"%s\"}}", value);
    CLEANUP(mem)
    char *rules = series("", "<deny><argument name='a' match='*y'/></deny>", n_rules, "",
                         "<allow/>");
    Policy *host = policy_of(POLICY_HOST, attributes, rules);
    Decision decision = decide_for(host, NULL, json);

    assert_int_equal(decision.cause == CAUSE_WORK, gives_up);
    assert_int_equal(decision.verdict, gives_up ? VERDICT_DENY : VERDICT_ALLOW);
    assert_non_null(decision.rule);
    policy_unref(host);
}

static void test_long_value(void **state)
{
    (void)state;
    check_long_value(3, "", false);
    check_long_value(40, "", true);
    /* Nobody knows what a policy that only audits would have said either. */
    check_long_value(40, "mode='audit'", true);
}

/* The host's and the domain's rules share one budget, and so do all operations. */
static void test_shared_budget(void **state)
{
    CLEANUP(mem) char *value = repeated('x', 1000000);
    CLEANUP(mem)
    char *json = formatted("{\"execute\":\"stop\",\"arguments\":{\"a\":\"%s\"}}", value);
    CLEANUP(mem)
    char *rules = series("", "<deny><argument name='a' match='*y'/></deny>", 12, "", "<allow/>");
    Policy *host = policy_of(POLICY_HOST, "", rules);
    Policy *domain = policy_of(POLICY_DOMAIN, "", rules);

    (void)state;
    assert_int_equal(decide_for(host, NULL, json).cause, CAUSE_RULE);
    assert_int_equal(decide_for(host, domain, json).cause, CAUSE_WORK);
    policy_unref(host);
    policy_unref(domain);
}

typedef struct Notes {
    FILE *out;
} Notes;

static void note(void *data, const Operation *operation, const Policy *policy, const Rule *rule,
                 bool matched)
{
    const Notes *notes = data;

    assert_ptr_equal(&policy->rules[rule - policy->rules], rule);
    fprintf(notes->out, "%s %s%s\n", operation->command, rule->id, matched ? " +" : "");
}

/* Each rule that is tried is told of once, in order, up to the one that decides. */
static void test_observer(void **state)
{
    static const char wanted[] = "stop host:quit#1\n"
                                 "stop host:stop#2 +\n"
                                 "stop domain:cont#1\n"
                                 "stop baseline:@dangerous\n"
                                 "stop baseline:@memory-dump\n"
                                 "stop baseline:@privileged +\n";
    CLEANUP(mem) char *told = NULL;
    size_t size;
    Notes notes = {open_memstream(&told, &size)};
    Policy *host = policy_of(POLICY_HOST, "", "<deny command='quit'/><delegate command='stop'/>");
    Policy *domain = policy_of(POLICY_DOMAIN, "", "<deny command='cont'/>");
    Request *request = request_of(CHANNEL_QMP, "{\"execute\":\"stop\"}");
    Question question = {.request = request,
                         .caller = &alice,
                         .host = host,
                         .domain = domain,
                         .observer = note,
                         .observer_data = &notes};
    Decision decision = decide(&question);

    (void)state;
    fclose(notes.out);
    assert_string_equal(told, wanted);
    assert_string_equal(decision.rule->id, "baseline:@privileged");
    assert_ptr_equal(decision.policy, policy_profile("baseline"));
    request_free(request);
    policy_unref(host);
    policy_unref(domain);
}

/* The operation that gave the verdict is the part, not the whole. */
static void test_part(void **state)
{
    Policy *host = policy_of(POLICY_HOST, "", "<deny command='blockdev-backup'/>");
    Request *request = request_of(CHANNEL_QMP,
                                  "{\"execute\":\"transaction\",\"arguments\":{\"actions\":"
                                  "[{\"type\":\"abort\"},{\"type\":\"blockdev-backup\"},"
                                  "{\"type\":\"blockdev-backup\"}]}}");
    Question question = {.request = request, .caller = &alice, .host = host};
    Decision decision = decide(&question);

    (void)state;
    assert_int_equal(decision.verdict, VERDICT_DENY);
    assert_ptr_equal(decision.operation, &request->operations[2]);
    request_free(request);
    policy_unref(host);
}

typedef struct DefaultRow {
    const char *name;
    const char *attributes;
    Verdict wanted;
    const char *rule;
} DefaultRow;

/* A profile without a default has no say on what it does not name: baseline has. */
static const DefaultRow default_rows[] = {
    {"no default", "name='mine'", VERDICT_WARN, "baseline:@privileged"},
    {"default deny", "name='mine' default='deny'", VERDICT_DENY, "mine:default"},
    {"default warn", "name='mine' default='warn'", VERDICT_WARN, "mine:default"},
    {"default allow", "name='mine' default='allow'", VERDICT_ALLOW, "mine:default"},
    {"the default of a profile below", "name='mine' profile='closed'", VERDICT_DENY,
     "closed:default"},
    {"the default of a profile below comes first", "name='mine' profile='closed' default='allow'",
     VERDICT_DENY, "closed:default"},
    {"no default here or below", "name='mine' profile='no-user-auth'", VERDICT_WARN,
     "baseline:@privileged"},
};

static void test_default_row(void **state)
{
    const DefaultRow *row = *state;
    Policy *profile = policy_of(POLICY_PROFILE, row->attributes, "<deny command='cont'/>");
    Policy *host = policy_of(POLICY_HOST, "", "<deny command='quit'/>");
    char buffer[64];
    Decision decision;

    /* Only those that ship can be named. */
    host->profiles[host->n_profiles++] = profile;
    host->is_complete = profile->is_complete;
    decision = decide_for(host, NULL, "{\"execute\":\"stop\"}");
    assert_int_equal(decision.verdict, row->wanted);
    assert_string_equal(decision_rule_id(&decision, buffer, sizeof(buffer)), row->rule);
    decision = decide_for(host, NULL, "{\"execute\":\"cont\"}");
    assert_int_equal(decision.verdict, VERDICT_DENY);
    assert_string_equal(decision_rule_id(&decision, buffer, sizeof(buffer)), "mine:cont");
    policy_unref(host);
    policy_unref(profile);
}

static void test_zero_decision(void **state)
{
    Decision decision = {0};
    char buffer[64];

    (void)state;
    assert_int_equal(decision.verdict, VERDICT_DENY);
    assert_string_equal(decision_rule_id(&decision, buffer, sizeof(buffer)), "guard:default");
}

int main(void)
{
    UNIT_ADD_ROWS(work_rows, test_work_row);
    unit_add("stars on nothing", test_stars_on_nothing, NULL);
    unit_add("one long value", test_long_value, NULL);
    unit_add("one budget for all", test_shared_budget, NULL);
    unit_add("observer", test_observer, NULL);
    unit_add("the part that decides", test_part, NULL);
    UNIT_ADD_ROWS(default_rows, test_default_row);
    unit_add("nothing decides", test_nothing_decides, NULL);
    unit_add("zero decision", test_zero_decision, NULL);
    return unit_run("decide_work");
}
