/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The <start> element: how it is read, what makes it invalid, and what a rule matches. */
#include "unit.h"

#include "start/finding.h"
#include "start/start.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

#define OPEN "<policy xmlns='" POLICY_NAMESPACE "'>\n"
#define CLOSE "</policy>"
#define START(rules) OPEN "<start>" rules "</start>" CLOSE

#define PLENTY ((size_t)1000000)

typedef struct ErrorRow {
    const char *name;
    const char *text;
    PolicyKind kind;
    unsigned line;
    const char *because;
} ErrorRow;

static const ErrorRow error_rows[] = {
    {"in a domain's policy", OPEN "\n<start/>" CLOSE, POLICY_DOMAIN, 3, "belongs in a host policy"},
    {"twice", OPEN "<start/>\n<start/>" CLOSE, POLICY_HOST, 3, "a second <start>"},
    {"inside itself", OPEN "<start>\n<start/></start>" CLOSE, POLICY_HOST, 3,
     "unknown element <start>"},
    {"inside a rule", OPEN "<deny>\n<start/></deny>" CLOSE, POLICY_HOST, 3,
     "unknown element <start>"},
    {"attribute", OPEN "<start mode='audit'/>" CLOSE, POLICY_HOST, 2,
     "unknown attribute 'mode' of <start>"},
    {"of another namespace", OPEN "<start xmlns='urn:x'/>" CLOSE, POLICY_HOST, 2,
     "<start> is not in the namespace"},
    {"rule of another namespace", START("\n<warn xmlns='urn:x'/>"), POLICY_HOST, 3,
     "<warn> is not in the namespace"},
    {"rule of requests", START("\n<deny/>"), POLICY_HOST, 3,
     "unknown element <deny>: <start> has <refuse>, <warn>, <ignore>"},
    {"rule in capitals", START("<Warn/>"), POLICY_HOST, 2, "unknown element <Warn>"},
    {"start rule outside", OPEN "\n<refuse/>" CLOSE, POLICY_HOST, 3, "unknown element <refuse>"},
    {"text", START("\nx"), POLICY_HOST, 3, "inside <start>"},
    {"text behind a rule", START("<warn/>\nx"), POLICY_HOST, 3, "inside <start>"},
    {"text in a rule", START("\n<warn>x</warn>"), POLICY_HOST, 3, "inside <warn>"},
    {"CDATA", START("<![CDATA[ x ]]>"), POLICY_HOST, 2, "inside <start>"},
    {"processing instruction", START("\n<?x?>"), POLICY_HOST, 3, "inside <start>"},
    {"processing instruction in a rule", START("<warn>\n<?x?></warn>"), POLICY_HOST, 3,
     "inside <warn>"},
    {"element in a rule", START("<warn>\n<argument name='a' match='b'/></warn>"), POLICY_HOST, 3,
     "<warn> has nothing inside it"},
    {"unknown finding", START("\n<warn finding='monitor'/>"), POLICY_HOST, 3,
     "there is no finding 'monitor'"},
    {"finding with a slip", START("<warn finding='host-exe'/>"), POLICY_HOST, 2,
     "did you mean 'host-exec'?"},
    {"finding in capitals", START("<warn finding='Argument'/>"), POLICY_HOST, 2, "no finding"},
    {"two findings", START("<warn finding='argument override'/>"), POLICY_HOST, 2, "no finding"},
    {"finding with a star", START("<warn finding='*'/>"), POLICY_HOST, 2, "no finding"},
    {"empty finding", START("<warn finding=''/>"), POLICY_HOST, 2, "'finding' of <warn> is empty"},
    {"unknown attribute", START("\n<warn command='quit'/>"), POLICY_HOST, 3,
     "unknown attribute 'command' of <warn>"},
    {"attribute in capitals", START("<warn Finding='argument'/>"), POLICY_HOST, 2,
     "unknown attribute 'Finding'"},
    {"test of a request's argument", START("<warn finding='argument' value='x'/>"), POLICY_HOST, 2,
     "unknown attribute 'value'"},
    {"attribute of another namespace", START("<warn x:finding='argument' xmlns:x='urn:x'/>"),
     POLICY_HOST, 2, "unknown attribute 'finding'"},
    {"empty match", START("<warn finding='argument' match=''/>"), POLICY_HOST, 2, "is empty"},
    {"match with brackets", START("<warn finding='argument' match='[a]'/>"), POLICY_HOST, 2,
     "[...]"},
    {"empty prefix", START("<warn finding='emulator' prefix=''/>"), POLICY_HOST, 2, "is empty"},
    {"relative prefix", START("\n<warn finding='emulator' prefix='usr'/>"), POLICY_HOST, 3,
     "prefix 'usr' is not an absolute path"},
    {"match without a finding", START("\n<warn match='x'/>"), POLICY_HOST, 3,
     "'match' and 'prefix' need a 'finding' that has a value"},
    {"prefix without a finding", START("<warn prefix='/x'/>"), POLICY_HOST, 2, "need a 'finding'"},
    {"match of a finding without a value", START("<warn finding='policy-invalid' match='x'/>"),
     POLICY_HOST, 2, "need a 'finding'"},
    {"prefix of a finding without a value", START("<warn finding='unguarded-daemon' prefix='/'/>"),
     POLICY_HOST, 2, "need a 'finding'"},
    {"attribute twice", START("<warn finding='argument' finding='override'/>"), POLICY_HOST, 2,
     "not well-formed"},
};

static void test_error_row(void **state)
{
    const ErrorRow *row = *state;
    PolicyError error = {.line = 7777, .reason = {"unset"}};
    Policy *policy = policy_parse(row->text, strlen(row->text), row->kind, &error);

    if (policy)
        fail_msg("'%s' is taken", row->text);
    assert_has_word(error.reason.text, row->because);
    assert_int_equal(error.line, row->line);
    assert_false(error.is_transient);
}

typedef struct ReadRow {
    const char *name;
    const char *rules;
    const char *wanted; /* action and id of each */
} ReadRow;

static const ReadRow read_rows[] = {
    {"no start", "<deny/>", ""},
    {"empty", "<start/>", ""},
    {"comment only", "<start><!-- <refuse/> --></start>", ""},
    {"each action", "<start><refuse/><warn/><ignore/></start>",
     "refuse host:start#1 warn host:start#2 ignore host:start#3"},
    {"findings", "<start><warn finding='argument'/><refuse finding='emulator'/></start>",
     "warn host:argument#1 refuse host:emulator#2"},
    {"match and prefix",
     "<start><ignore finding='unix-monitor' match='*.sock' prefix='/run'/></start>",
     "ignore host:unix-monitor#1"},
    {"between other rules", "<deny/><start><warn/></start><allow/>", "warn host:start#1"},
    {"comments inside", "<start><warn><!-- x --></warn> <!-- y --> <warn> </warn></start>",
     "warn host:start#1 warn host:start#2"},
};

static char *described_as(const Policy *policy)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    for (size_t i = 0; i < policy->n_start_rules; i++)
        fprintf(out, "%s%s %s", i ? " " : "", start_action_name(policy->start_rules[i].action),
                policy->start_rules[i].id);
    fclose(out);
    return text;
}

static void test_read_row(void **state)
{
    const ReadRow *row = *state;
    Policy *policy = policy_of(POLICY_HOST, "", row->rules);
    CLEANUP(mem) char *described = described_as(policy);

    assert_string_equal(described, row->wanted);
    policy_unref(policy);
}

/* The order matters, and is what design and documents say. */
static void test_baseline(void **state)
{
    CLEANUP(mem) char *described = described_as(policy_profile("baseline"));

    (void)state;
    assert_string_equal(described,
                        "refuse baseline:network-monitor refuse baseline:unguarded-daemon"
                        " refuse baseline:guard-path"
                        " ignore baseline:emulator ignore baseline:emulator"
                        " ignore baseline:emulator ignore baseline:emulator"
                        " warn baseline:start");
}

/* Each kind can be named, and its names are all different. */
static void test_kinds(void **state)
{
    (void)state;
    for (int kind = 0; kind < FINDING_KIND_COUNT; kind++) {
        const FindingInfo *info = finding_info((FindingKind)kind);
        CLEANUP(mem) char *rules = formatted("<start><warn finding='%s'/></start>", info->name);
        Policy *policy = policy_of(POLICY_HOST, "", rules);

        assert_int_equal(finding_kind_from_name(info->name), kind);
        assert_int_equal(policy->start_rules[0].kind, kind);
        assert_true(*info->help && *info->remedy);
        policy_unref(policy);
    }
    assert_int_equal(finding_kind_from_name("nonesuch"), -1);
    assert_int_equal(finding_kind_from_name(""), -1);
}

/* <start> with @count rules. */
static char *many_rules(size_t count)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    fputs(OPEN "<start>", out);
    for (size_t i = 0; i < count; i++)
        fputs("\n<warn/>", out);
    fputs("</start>" CLOSE, out);
    fclose(out);
    return text;
}

static void test_count(void **state)
{
    CLEANUP(mem) char *most = many_rules(1000);
    CLEANUP(mem) char *more = many_rules(1001);
    PolicyError error = {0};
    Policy *policy = policy_parse(most, strlen(most), POLICY_HOST, &error);

    (void)state;
    assert_non_null(policy);
    assert_int_equal(policy->n_start_rules, 1000);
    assert_string_equal(policy->start_rules[999].id, "host:start#1000");
    policy_unref(policy);
    assert_null(policy_parse(more, strlen(more), POLICY_HOST, &error));
    assert_has_word(error.reason.text, "more than 1000 rules in <start>");
    assert_int_equal(error.line, 1003);
}

typedef struct MatchRow {
    const char *name;
    const char *tests; /* a rule on unix-monitor */
    const char *value;
    bool refuses; /* does <refuse> match? */
    bool ignores; /* does <ignore>? */
} MatchRow;

static const MatchRow match_rows[] = {
    {"no test", "", "/run/x", true, true},
    {"no test, no value", "", "", true, true},
    {"match", "match='/run/*'", "/run/x", true, true},
    {"match is all of it", "match='run'", "/run/x", false, false},
    {"match another", "match='/run/*'", "/tmp/x", false, false},
    {"match without a star", "match='/run/x'", "/run/x", true, true},
    {"star matches a slash", "match='/run/*'", "/run/a/b", true, true},
    {"question mark", "match='/run/?'", "/run/x", true, true},
    {"question mark is one byte", "match='/run/?'", "/run/", false, false},
    {"match nothing", "match='*'", "", true, true},
    {"letter case counts", "match='/RUN/*'", "/run/x", false, false},
    {"match steps upwards", "match='/run/*'", "/run/../etc/x", true, false},
    {"match steps upwards at the end", "match='/run/*'", "/run/x/..", true, false},
    {"match two dots in a name", "match='/run/*'", "/run/a..b", true, true},
    {"match the step itself", "match='/run/../x'", "/run/../x", true, true},
    {"prefix", "prefix='/run'", "/run/x", true, true},
    {"prefix itself", "prefix='/run'", "/run", true, true},
    {"prefix with a slash", "prefix='/run/'", "/run/x", true, true},
    {"prefix of a name", "prefix='/run'", "/running/x", false, false},
    {"prefix steps out", "prefix='/run'", "/run/../etc/x", false, false},
    {"prefix steps in", "prefix='/run'", "/etc/../run/x", true, false},
    {"prefix, doubled slashes", "prefix='/run'", "//run//x", true, true},
    {"prefix, single dots", "prefix='/run'", "/./run/./x", true, true},
    {"prefix that is not normal", "prefix='/etc/../run/.'", "/run/x", true, true},
    {"prefix that is all", "prefix='/'", "/x", true, true},
    {"prefix above all", "prefix='/run'", "/../../run/x", true, false},
    {"prefix, relative", "prefix='/run'", "run/x", true, false},
    {"prefix, abstract", "prefix='/run'", "@/run/x", false, false},
    {"prefix that is all, abstract", "prefix='/'", "@x", true, false},
    {"prefix, no path", "prefix='/'", "", true, false},
    {"match and prefix", "match='*.sock' prefix='/run'", "/run/x.sock", true, true},
    {"match and another prefix", "match='*.sock' prefix='/run'", "/tmp/x.sock", false, false},
    {"another match and prefix", "match='*.sock' prefix='/run'", "/run/x", false, false},
};

/* A rule <@action finding='unix-monitor' @tests/>, and the policy that holds it. */
static Policy *rule_of(const char *action, const char *tests)
{
    CLEANUP(mem)
    char *rules = formatted("<start><%s finding='unix-monitor' %s/></start>", action, tests);

    return policy_of(POLICY_HOST, "", rules);
}

static bool matches(const char *action, const char *tests, const char *value, size_t budget)
{
    Policy *policy = rule_of(action, tests);
    bool result = start_rule_matches(policy->start_rules, FINDING_UNIX_MONITOR, value, &budget);

    policy_unref(policy);
    return result;
}

static void test_match_row(void **state)
{
    const MatchRow *row = *state;

    assert_int_equal(matches("refuse", row->tests, row->value, PLENTY), row->refuses);
    assert_int_equal(matches("ignore", row->tests, row->value, PLENTY), row->ignores);
    /* To warn is to let pass. */
    assert_int_equal(matches("warn", row->tests, row->value, PLENTY), row->ignores);
}

static void test_other_kind(void **state)
{
    Policy *policy = rule_of("refuse", "");
    size_t budget = PLENTY;

    (void)state;
    for (int kind = 0; kind < FINDING_KIND_COUNT; kind++)
        assert_int_equal(start_rule_matches(policy->start_rules, kind, "/x", &budget),
                         kind == FINDING_UNIX_MONITOR);
    policy_unref(policy);
}

/* Without a budget only what refuses matches, and what needs none. */
static void test_budget(void **state)
{
    CLEANUP(mem) char *value = repeated('a', 3000);

    (void)state;
    assert_true(matches("refuse", "match='/run/*'", "/tmp/x", 0));
    assert_false(matches("ignore", "match='/tmp/*'", "/tmp/x", 0));
    assert_false(matches("warn", "match='/tmp/*'", "/tmp/x", 0));
    assert_true(matches("refuse", "", "/tmp/x", 0));
    assert_true(matches("ignore", "", "/tmp/x", 0));
    assert_true(matches("refuse", "match='*a*a*b'", value, 1000));
    assert_false(matches("refuse", "match='*a*a*b'", value, PLENTY * 100));
    assert_false(matches("ignore", "match='*a*a*a'", value, 1000));
    assert_true(matches("ignore", "match='*a*a*a'", value, PLENTY * 100));
}

typedef struct OrderRow {
    const char *name;
    const char *rules; /* inside <start> of the host policy; NULL: it has none */
    const char *emulator;
    StartAction action;
    const char *rule;
} OrderRow;

static const OrderRow order_rows[] = {
    {"baseline ignores the usual", NULL, "/usr/bin/qemu-system-x86_64", START_IGNORE,
     "baseline:emulator"},
    {"baseline warns of others", NULL, "/tmp/x", START_WARN, "baseline:start"},
    {"an empty start", "", "/tmp/x", START_WARN, "baseline:start"},
    {"the host's stand in front", "<refuse finding='emulator'/>", "/usr/bin/qemu-system-x86_64",
     START_REFUSE, "host:emulator#1"},
    {"the first wins", "<ignore finding='emulator'/><refuse finding='emulator'/>", "/tmp/x",
     START_IGNORE, "host:emulator#1"},
    {"the first wins, the other way", "<refuse finding='emulator'/><ignore finding='emulator'/>",
     "/tmp/x", START_REFUSE, "host:emulator#1"},
    {"any finding", "<refuse/>", "/tmp/x", START_REFUSE, "host:start#1"},
    {"any finding in front", "<ignore/><refuse finding='emulator'/>", "/tmp/x", START_IGNORE,
     "host:start#1"},
    {"one that does not match is passed by",
     "<ignore finding='emulator' prefix='/opt'/><refuse finding='emulator'/>", "/tmp/x",
     START_REFUSE, "host:emulator#2"},
    {"of another finding", "<refuse finding='argument'/>", "/tmp/x", START_WARN, "baseline:start"},
    {"prefix", "<ignore finding='emulator' prefix='/opt'/>", "/opt/q/x", START_IGNORE,
     "host:emulator#1"},
    {"a step upwards goes first", "<ignore finding='emulator' match='/opt/*'/>", "/opt/../tmp/x",
     START_WARN, "baseline:start"},
    {"a step upwards goes first, to the usual", NULL, "/tmp/../usr/bin/kvm", START_WARN,
     "baseline:start"},
    {"a step upwards from the usual", NULL, "/usr/bin/qemu-system-x86_64/../../../tmp/x",
     START_WARN, "baseline:start"},
    {"a relative path is not the usual", NULL, "usr/bin/kvm", START_WARN, "baseline:start"},
};

static void test_order_row(void **state)
{
    const OrderRow *row = *state;
    CLEANUP(mem) char *rules = row->rules ? formatted("<start>%s</start>", row->rules) : strdup("");
    CLEANUP(mem)
    char *xml = formatted("<domain><devices><emulator>%s</emulator></devices></domain>",
                          row->emulator);
    Policy *host = policy_of(POLICY_HOST, "", rules);
    StartCall call = {.operation = "prepare", .xml = xml, .length = strlen(xml), .host = host};
    CLEANUP(mem) StartAnswer *answer = calloc(1, sizeof(*answer));

    assert_non_null(answer);
    start_judge(&call, NULL, NULL, answer);
    assert_int_equal(answer->findings.count, 1);
    assert_string_equal(start_action_name(answer->findings.items[0].action),
                        start_action_name(row->action));
    assert_string_equal(answer->findings.items[0].rule, row->rule);
    assert_int_equal(answer->passes, row->action != START_REFUSE);
    start_answer_clear(answer);
    policy_unref(host);
}

int main(void)
{
    UNIT_ADD_ROWS(error_rows, test_error_row);
    UNIT_ADD_ROWS(read_rows, test_read_row);
    unit_add("the profile baseline", test_baseline, NULL);
    unit_add("each kind of finding", test_kinds, NULL);
    unit_add("1000 and 1001 rules", test_count, NULL);
    UNIT_ADD_ROWS(match_rows, test_match_row);
    unit_add("other kinds", test_other_kind, NULL);
    unit_add("the budget is used up", test_budget, NULL);
    UNIT_ADD_ROWS(order_rows, test_order_row);
    return unit_run("start_rule");
}
