/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies that are valid, and what becomes of them. Those that are not: test_policy_error.c. */
#include "unit.h"

#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

#define NS "xmlns='" POLICY_NAMESPACE "'"

typedef struct PolicyRow {
    const char *name;
    PolicyKind kind;
    const char *text;
    const char *described; /* as described() writes it */
} PolicyRow;

static const PolicyRow rows[] = {
    {"empty", POLICY_DOMAIN, "<policy " NS "/>", "domain enforce"},
    {"any prefix", POLICY_DOMAIN,
     "<qg:policy xmlns:qg='" POLICY_NAMESPACE "'><qg:deny/></qg:policy>",
     "domain enforce; 1 deny all id=domain:deny#1"},
    {"no namespace, as libvirt hands it out", POLICY_DOMAIN, "<policy><deny/></policy>",
     "domain enforce; 1 deny all id=domain:deny#1"},
    {"no namespace, arguments", POLICY_DOMAIN,
     "<policy><deny><argument name='a' match='b'/></deny></policy>",
     "domain enforce; 1 deny all a~b id=domain:deny#1"},
    {"XML declaration", POLICY_DOMAIN, "<?xml version='1.0' encoding='UTF-8'?>\n<policy " NS "/>",
     "domain enforce"},
    {"byte order mark", POLICY_HOST, "\xef\xbb\xbf<policy " NS "/>", "host enforce"},
    {"comments and space", POLICY_DOMAIN,
     "<!-- a -->\n<policy " NS ">\n <!-- b -->\n <deny><!-- c --> </deny>\n</policy>\n<!-- d -->",
     "domain enforce; 4 deny all id=domain:deny#1"},
    {"mode enforce", POLICY_DOMAIN, "<policy " NS " mode='enforce'/>", "domain enforce"},
    {"mode audit", POLICY_DOMAIN, "<policy " NS " mode='audit'/>", "domain audit"},
    {"mode audit of the host", POLICY_HOST, "<policy " NS " mode='audit'/>", "host audit"},
    {"domain-mode any", POLICY_HOST, "<policy " NS " domain-mode='any'/>", "host enforce"},
    {"domain-mode enforce", POLICY_HOST, "<policy " NS " domain-mode='enforce'/>",
     "host enforce domains-enforced"},
    {"profile by name", POLICY_HOST, "<policy " NS " profile='baseline'/>",
     "host enforce baseline complete"},
    {"several profiles", POLICY_DOMAIN, "<policy profile='baseline no-user-auth  closed'/>",
     "domain enforce baseline no-user-auth closed complete"},
    {"four profiles", POLICY_DOMAIN, "<policy profile='baseline no-user-auth observe restricted'/>",
     "domain enforce baseline no-user-auth observe restricted complete"},
    {"profile without a default", POLICY_DOMAIN, "<policy profile='no-user-auth'/>",
     "domain enforce no-user-auth"},
    {"profile", POLICY_PROFILE, "<policy " NS " name='mine'><deny group='@safe'/></policy>",
     "mine enforce; 1 deny all group=@safe id=mine:@safe"},
    {"profile with a default", POLICY_PROFILE, "<policy " NS " default='allow' name='mine'/>",
     "mine enforce default=allow complete"},
    {"profile with the default warn", POLICY_PROFILE, "<policy " NS " default='warn' name='m'/>",
     "m enforce default=warn complete"},
    {"profile with the default deny", POLICY_PROFILE, "<policy " NS " default='deny' name='m'/>",
     "m enforce default=deny complete"},
    {"profile that builds on another", POLICY_PROFILE,
     "<policy " NS " profile='baseline' name='m'/>", "m enforce baseline complete"},
    {"each kind of rule", POLICY_HOST,
     "<policy " NS ">\n<allow/>\n<warn/>\n<deny/>\n<delegate/></policy>",
     "host enforce; 2 allow all id=host:allow#1; 3 warn all id=host:warn#2; "
     "4 deny all id=host:deny#3; 5 delegate all id=host:delegate#4"},
    {"command means qmp", POLICY_DOMAIN, "<policy><allow command='quit'/></policy>",
     "domain enforce; 1 allow qmp command=quit id=domain:quit#1"},
    {"command and channel", POLICY_DOMAIN,
     "<policy><allow command='info *' channel='hmp'/></policy>",
     "domain enforce; 1 allow hmp command=info * id=domain:info *#1"},
    {"channel before command", POLICY_DOMAIN,
     "<policy><allow channel='agent' command='guest-?'/></policy>",
     "domain enforce; 1 allow agent command=guest-? id=domain:guest-?#1"},
    {"group means every channel", POLICY_DOMAIN, "<policy><deny group='@host'/></policy>",
     "domain enforce; 1 deny all group=@host id=domain:@host#1"},
    {"group and channel", POLICY_DOMAIN, "<policy><deny group='@host' channel='hmp'/></policy>",
     "domain enforce; 1 deny hmp group=@host id=domain:@host#1"},
    {"group and command", POLICY_DOMAIN, "<policy><deny group='@host' command='*'/></policy>",
     "domain enforce; 1 deny qmp command=* group=@host id=domain:*#1"},
    {"channel alone", POLICY_DOMAIN, "<policy><deny channel='qmp'/></policy>",
     "domain enforce; 1 deny qmp id=domain:deny#1"},
    {"user, group of users and purpose", POLICY_DOMAIN,
     "<policy><allow user='alice' unix-group='ops' purpose='bug 7'/></policy>",
     "domain enforce unix-groups; "
     "1 allow all user=alice unix-group=ops purpose=bug 7 id=domain:allow#1"},
    {"two conditions on arguments", POLICY_DOMAIN,
     "<policy><allow command='x'><argument name='a' match='1*'/>"
     "<argument match='/?' name='b'/></allow></policy>",
     "domain enforce; 1 allow qmp command=x a~1* b~/? id=domain:x#1"},
    {"references to characters", POLICY_DOMAIN,
     "<policy><deny command='&lt;&#x65;&amp;'/></policy>",
     "domain enforce; 1 deny qmp command=<e& id=domain:<e&#1"},
    {"rules are numbered by place, not by name", POLICY_DOMAIN,
     "<policy><deny command='a'/><allow command='a'/></policy>",
     "domain enforce; 1 deny qmp command=a id=domain:a#1; "
     "1 allow qmp command=a id=domain:a#2"},
    {"callers by other names", POLICY_DOMAIN,
     "<policy><allow sasl='bob@EXAMPLE' x509='CN=b,O=c' selinux='*:virtd_t:s0*'/></policy>",
     "domain enforce; 1 allow all sasl=bob@EXAMPLE x509=CN=b,O=c selinux=*:virtd_t:s0* "
     "id=domain:allow#1"},
    {"libvirt's permission", POLICY_DOMAIN,
     "<policy><warn command='quit' require='native'/><allow require='native'/></policy>",
     "domain enforce; 1 warn qmp command=quit native id=domain:quit#1; "
     "1 allow all native id=domain:allow#2"},
    {"a limit", POLICY_DOMAIN, "<policy><limit command='quit' count='3' per='5m'/><deny/></policy>",
     "domain enforce; 1 deny all id=domain:deny#1; "
     "1 deny qmp command=quit id=domain:limit:quit#1 count=3 seconds=300"},
    {"limits of the host", POLICY_HOST,
     "<policy " NS ">\n<limit count='1' per='1s'/>\n<limit group='@guest-power' sasl='b' "
     "count='1000' per='24h'><argument name='a' match='b'/></limit></policy>",
     "host enforce; 2 deny all id=host:limit:*#1 count=1 seconds=1; "
     "3 deny all group=@guest-power sasl=b a~b id=host:limit:@guest-power#2 count=1000 "
     "seconds=86400"},
    {"a limit asks for UNIX groups", POLICY_DOMAIN,
     "<policy><limit unix-group='ops' count='1' per='1d'/></policy>",
     "domain enforce unix-groups; "
     "1 deny all unix-group=ops id=domain:limit:*#1 count=1 seconds=86400"},
    {"groups to confirm", POLICY_HOST, "<policy " NS " confirm=' @memory-dump  @query '/>",
     "host enforce confirm @query @memory-dump"},
};

static void describe_rule(FILE *out, const Rule *rule)
{
    static const unsigned all = (1u << CHANNEL_COUNT) - 1;

    fprintf(out, "; %u %s", rule->line, rule_kind_name(rule->kind));
    if (rule->channels == all)
        fputs(" all", out);
    for (int channel = 0; rule->channels != all && channel < CHANNEL_COUNT; channel++) {
        if (rule->channels & (1u << channel))
            fprintf(out, " %s", channel_name((Channel)channel));
    }
    if (rule->command)
        fprintf(out, " command=%s", rule->command);
    if (rule->group_name)
        fprintf(out, " group=%s", rule->group_name);
    if (rule->user)
        fprintf(out, " user=%s", rule->user);
    if (rule->unix_group)
        fprintf(out, " unix-group=%s", rule->unix_group);
    if (rule->sasl)
        fprintf(out, " sasl=%s", rule->sasl);
    if (rule->x509)
        fprintf(out, " x509=%s", rule->x509);
    if (rule->selinux)
        fprintf(out, " selinux=%s", rule->selinux);
    if (rule->requires_native)
        fputs(" native", out);
    if (rule->purpose)
        fprintf(out, " purpose=%s", rule->purpose);
    for (size_t i = 0; i < rule->n_arguments; i++)
        fprintf(out, " %s~%s", rule->arguments[i].name, rule->arguments[i].match);
    fprintf(out, " id=%s", rule->id);
}

static void describe_confirmed(FILE *out, GroupSet confirmed)
{
    CLEANUP(json) json_object *names = group_name_list(confirmed);

    if (confirmed)
        fputs(" confirm", out);
    for (size_t i = 0; i < json_object_array_length(names); i++)
        fprintf(out, " %s", json_object_get_string(json_object_array_get_idx(names, i)));
}

/* Everything that a policy says, on one line. */
static char *described(const Policy *policy)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    fprintf(out, "%s %s%s%s", policy->origin, policy->mode == MODE_AUDIT ? "audit" : "enforce",
            policy->enforces_domains ? " domains-enforced" : "",
            policy->names_unix_groups ? " unix-groups" : "");
    for (size_t i = 0; i < policy->n_profiles; i++)
        fprintf(out, " %s", policy->profiles[i]->origin);
    if (policy->has_default)
        fprintf(out, " default=%s", verdict_name(policy->otherwise));
    if (policy->is_complete)
        fputs(" complete", out);
    describe_confirmed(out, policy->confirmed_groups);
    for (size_t i = 0; i < policy->n_rules; i++)
        describe_rule(out, &policy->rules[i]);
    for (size_t i = 0; i < policy->n_limits; i++) {
        describe_rule(out, &policy->limits[i].rule);
        fprintf(out, " count=%u seconds=%u", policy->limits[i].count, policy->limits[i].seconds);
    }
    fclose(out);
    return text;
}

static void test_row(void **state)
{
    const PolicyRow *row = *state;
    CLEANUP(mem) char *text = NULL;
    PolicyError error = {0};
    Policy *policy = policy_parse(row->text, strlen(row->text), row->kind, &error);

    if (!policy)
        fail_msg("line %u: %s", error.line, error.reason.text);
    text = described(policy);
    assert_string_equal(text, row->described);
    assert_int_equal(policy->kind, row->kind);
    policy_unref(policy);
}

/* A rule's group is what the catalogue says that it is. */
static void test_group_set(void **state)
{
    Policy *policy = policy_of(POLICY_DOMAIN, "", "<deny group='@host'/><deny command='x'/>");

    (void)state;
    assert_int_equal(policy->rules[0].groups, group_find("@host")->set);
    assert_int_equal(policy->rules[1].groups, 0);
    policy_unref(policy);
}

static void test_references(void **state)
{
    Policy *policy = policy_of(POLICY_DOMAIN, "", "<deny/>");

    (void)state;
    assert_ptr_equal(policy_ref(policy), policy);
    policy_unref(policy);
    /* Still there: the sanitizer would tell. */
    assert_string_equal(policy->rules[0].id, "domain:deny#1");
    policy_unref(policy);
    policy_unref(NULL);
}

static void test_profiles(void **state)
{
    const Policy *baseline = policy_profile("baseline");

    (void)state;
    assert_non_null(baseline);
    assert_string_equal(baseline->origin, "baseline");
    assert_int_equal(baseline->kind, POLICY_PROFILE);
    assert_int_equal(baseline->otherwise, VERDICT_DENY);
    assert_ptr_equal(policy_profile("baseline"), baseline);
    assert_true(baseline->is_complete);
    assert_null(policy_profile("nonesuch"));
    assert_null(policy_profile("Baseline"));
    assert_null(policy_profile(""));
}

/* Each profile that ships can be read, and the switches alone leave something open. */
static void test_each_profile(void **state)
{
    static const char *const names[] = {"baseline",     "restricted",      "observe",     "closed",
                                        "confidential", "no-unrestricted", "no-user-auth"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const Policy *profile = policy_profile(names[i]);

        if (!profile)
            fail_msg("there is no profile '%s'", names[i]);
        assert_int_equal(profile->is_complete, strncmp(names[i], "no-", 3) != 0);
    }
}

/* Stands in for the policy of a domain that has none. */
static void test_empty(void **state)
{
    const Policy *policy = policy_empty();

    (void)state;
    assert_non_null(policy);
    assert_ptr_equal(policy_empty(), policy);
    assert_int_equal(policy->n_rules, 0);
    assert_int_equal(policy->n_profiles, 0);
    assert_int_equal(policy->mode, MODE_ENFORCE);
    assert_string_equal(policy->origin, "domain");
}

static void test_shipped_default(void **state)
{
    PolicyError error = {0};
    Policy *policy = policy_shipped_default(&error);
    CLEANUP(mem) char *text = NULL;

    (void)state;
    assert_non_null(policy);
    text = described(policy);
    assert_string_equal(text, "host enforce baseline complete; 1 delegate all id=host:delegate#1");
    policy_unref(policy);
}

/* Zero is closed wherever a verdict or a rule comes from forgotten memory. */
static void test_zero_is_closed(void **state)
{
    (void)state;
    assert_int_equal(VERDICT_DENY, 0);
    assert_int_equal(RULE_DENY, 0);
    assert_int_equal(MODE_ENFORCE, 0);
    assert_int_equal(POLICY_DOMAIN, 0);
    assert_true(VERDICT_DENY < VERDICT_AUDIT && VERDICT_AUDIT < VERDICT_GRANT &&
                VERDICT_GRANT < VERDICT_WARN && VERDICT_WARN < VERDICT_ALLOW);
    assert_string_equal(verdict_name(VERDICT_DENY), "deny");
    assert_string_equal(verdict_name(VERDICT_AUDIT), "audit");
    assert_string_equal(verdict_name(VERDICT_GRANT), "grant");
    assert_string_equal(verdict_name(VERDICT_WARN), "warn");
    assert_string_equal(verdict_name(VERDICT_ALLOW), "allow");
}

int main(void)
{
    UNIT_ADD_ROWS(rows, test_row);
    unit_add("a rule's groups", test_group_set, NULL);
    unit_add("references", test_references, NULL);
    unit_add("profiles", test_profiles, NULL);
    unit_add("each profile that ships", test_each_profile, NULL);
    unit_add("the empty policy", test_empty, NULL);
    unit_add("the shipped default", test_shipped_default, NULL);
    unit_add("zero is closed", test_zero_is_closed, NULL);
    return unit_run("policy");
}
