/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What makes a policy invalid, on which line, and why. Each has its like in test_policy.c. */
#include "unit.h"

#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

#define NS "xmlns='" POLICY_NAMESPACE "'"
#define OPEN "<policy " NS ">\n"
#define CLOSE "</policy>"

typedef struct ErrorRow {
    const char *name;
    PolicyKind kind;
    const char *text;
    size_t length;
    unsigned line; /* 0: no line is to blame */
    const char *because;
} ErrorRow;

#define DOMAIN(name, text, line, because)                                                          \
    {                                                                                              \
        name, POLICY_DOMAIN, BYTES(text), line, because                                            \
    }
#define HOST(name, text, line, because)                                                            \
    {                                                                                              \
        name, POLICY_HOST, BYTES(text), line, because                                              \
    }
#define PROFILE(name, text, line, because)                                                         \
    {                                                                                              \
        name, POLICY_PROFILE, BYTES(text), line, because                                           \
    }

static const ErrorRow document_rows[] = {
    DOMAIN("nothing", "", 1, "not well-formed"),
    DOMAIN("no XML", "hello", 1, "not well-formed"),
    DOMAIN("element without an end", OPEN "<deny>\n" CLOSE, 3, "not well-formed"),
    DOMAIN("two elements", "<policy/>\n<policy/>", 2, "not well-formed"),
    DOMAIN("text behind", "<policy/>\nx", 2, "not well-formed"),
    DOMAIN("NUL behind", "<policy/>\0", 0, "NUL"),
    DOMAIN("NUL and more behind", "<policy/>\0<x", 0, "NUL"),
    DOMAIN("NUL inside", "<policy>\0</policy>", 0, "NUL"),
    DOMAIN("attribute twice", OPEN "<deny user='a' user='b'/>" CLOSE, 2, "not well-formed"),
    DOMAIN("attribute without quotes", OPEN "<deny user=a/>" CLOSE, 2, "not well-formed"),
    DOMAIN("prefix that is not declared", OPEN "<x:deny/>" CLOSE, 2, ""),
    DOMAIN("DOCTYPE", "<!DOCTYPE policy>\n<policy/>", 0, "DOCTYPE"),
    DOMAIN("DOCTYPE in small letters", "<!doctype policy>\n<policy/>", 1, "not well-formed"),
    DOMAIN("DOCTYPE with an entity", "<!DOCTYPE policy [<!ENTITY a 'b'>]>\n<policy/>", 0,
           "DOCTYPE"),
    DOMAIN("DOCTYPE with a file", "<!DOCTYPE policy SYSTEM '/etc/passwd'>\n<policy/>", 0,
           "DOCTYPE"),
    DOMAIN("entity that is not declared", OPEN "<deny command='&a;'/>" CLOSE, 2, "not well-formed"),
    DOMAIN("entity as text", OPEN "&a;" CLOSE, 2, "not well-formed"),
    DOMAIN("UTF-16, little endian", "\xff\xfe<\0p\0o\0l\0i\0c\0y\0/\0>\0", 0, "NUL"),
    DOMAIN("UTF-16, big endian", "\xfe\xff\0<\0p\0o\0l\0i\0c\0y\0/\0>", 0, "NUL"),
    DOMAIN("UTF-16 without a mark", "<\0p\0o\0l\0i\0c\0y\0/\0>\0", 0, "NUL"),
    DOMAIN("DOCTYPE in UTF-16",
           "\xff\xfe<\0!\0D\0O\0C\0T\0Y\0P\0E\0 \0p\0o\0l\0i\0c\0y\0>\0<\0p\0o\0l\0i\0c\0y\0/\0>\0",
           0, "NUL"),
    DOMAIN("DOCTYPE in UTF-7",
           "<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE policy+AD4APA-policy/+AD4-", 1,
           "not well-formed"),
    DOMAIN("byte E9", OPEN "<deny user='\xe9'/>" CLOSE, 2, "not well-formed"),
    DOMAIN("overlong slash", OPEN "<deny user='\xc0\xaf'/>" CLOSE, 2, "not well-formed"),
    DOMAIN("control character", OPEN "<deny user='\x01'/>" CLOSE, 2, "not well-formed"),
    DOMAIN("reference to U+0000", OPEN "<deny user='&#0;'/>" CLOSE, 2, "not well-formed"),
};

static const ErrorRow element_rows[] = {
    DOMAIN("another root", "\n<policies " NS "/>", 2, "not <policy>"),
    DOMAIN("a rule as the root", "<deny " NS "/>", 1, "not <policy>"),
    DOMAIN("root of another namespace", "<policy xmlns='urn:x'/>", 1, "not <policy>"),
    DOMAIN("root of the next version", "<policy xmlns='urn:qmp-guard:policy:2'/>", 1,
           "not <policy>"),
    HOST("no namespace in a host policy", "<policy/>", 1, "not <policy>"),
    PROFILE("no namespace in a profile", "<policy name='x'/>", 1, "not <policy>"),
    HOST("rule without a namespace in a host policy",
         "<qg:policy xmlns:qg='" POLICY_NAMESPACE "'>\n<deny/></qg:policy>", 2,
         "<deny> is not in the namespace"),
    DOMAIN("rule without a namespace in a policy with one",
           "<qg:policy xmlns:qg='" POLICY_NAMESPACE "'>\n<deny/></qg:policy>", 2,
           "<deny> is not in the namespace"),
    DOMAIN("argument without a namespace in a policy with one",
           "<qg:policy xmlns:qg='" POLICY_NAMESPACE "'><qg:deny>\n<argument name='a' match='b'/>"
           "</qg:deny></qg:policy>",
           2, "<argument> is not in the namespace"),
    DOMAIN("rule of another namespace", OPEN "<deny xmlns='urn:x'/>" CLOSE, 2,
           "<deny> is not in the namespace"),
    DOMAIN("rule of another namespace, none around it", "<policy>\n<deny xmlns='urn:x'/>" CLOSE, 2,
           "<deny> is not in the namespace"),
    DOMAIN("unknown rule", OPEN "<permit/>" CLOSE, 2, "unknown element <permit>"),
    DOMAIN("rule in capitals", OPEN "<Deny/>" CLOSE, 2, "unknown element <Deny>"),
    DOMAIN("policy inside", OPEN "<policy/>" CLOSE, 2, "unknown element <policy>"),
    DOMAIN("argument outside", OPEN "<argument name='a' match='b'/>" CLOSE, 2,
           "unknown element <argument>"),
    DOMAIN("the first fault is told", OPEN "<deny/>\n<x/>\n<y/>" CLOSE, 3, "<x>"),
    DOMAIN("delegate in a domain", OPEN "<delegate/>" CLOSE, 2, "host policy"),
    PROFILE("delegate in a profile", "<policy " NS " name='x'>\n<delegate/>" CLOSE, 2,
            "host policy"),
    DOMAIN("rule in a rule", OPEN "<deny>\n<allow/></deny>" CLOSE, 3, "unknown element <allow>"),
    DOMAIN("element in an argument",
           OPEN "<deny><argument name='a' match='b'>\n<x/></argument></deny>" CLOSE, 3, "argument"),
    DOMAIN("argument in an argument",
           OPEN "<deny><argument name='a' match='b'><argument name='a' match='b'/></argument>"
                "</deny>" CLOSE,
           2, "nothing inside"),
    DOMAIN("text", OPEN "x" CLOSE, 2, "inside <policy>"),
    DOMAIN("text behind a rule", OPEN "<deny/>\nx" CLOSE, 3, "inside <policy>"),
    DOMAIN("text in a rule", OPEN "<deny>x</deny>" CLOSE, 2, "inside <deny>"),
    DOMAIN("text in an argument",
           OPEN "<deny><argument name='a' match='b'>x</argument></deny>" CLOSE, 2,
           "inside <argument>"),
    DOMAIN("reference to a character as text", OPEN "&#65;" CLOSE, 2, "inside <policy>"),
    DOMAIN("CDATA", OPEN "<![CDATA[<allow/>]]>" CLOSE, 2, "inside <policy>"),
    DOMAIN("processing instruction", OPEN "<?allow all?>" CLOSE, 2, "inside <policy>"),
    DOMAIN("processing instruction in a rule", OPEN "<deny>\n<?x?></deny>" CLOSE, 3,
           "inside <deny>"),
};

static const ErrorRow attribute_rows[] = {
    DOMAIN("unknown attribute", "<policy " NS " version='1'/>", 1, "unknown attribute 'version'"),
    DOMAIN("unknown attribute of a rule", OPEN "<deny commands='x'/>" CLOSE, 2,
           "unknown attribute 'commands' of <deny>"),
    DOMAIN("attribute in capitals", OPEN "<deny Command='x'/>" CLOSE, 2,
           "unknown attribute 'Command'"),
    DOMAIN("unknown attribute of an argument",
           OPEN "<deny><argument name='a' match='b' type='c'/></deny>" CLOSE, 2,
           "unknown attribute 'type' of <argument>"),
    DOMAIN("attribute of the policy on a rule", OPEN "<deny mode='audit'/>" CLOSE, 2,
           "unknown attribute 'mode'"),
    DOMAIN("attribute of a rule on the policy", "<policy " NS " user='a'/>", 1,
           "unknown attribute 'user'"),
    DOMAIN("attribute of another namespace", OPEN "<deny x:command='x' xmlns:x='urn:x'/>" CLOSE, 2,
           "unknown attribute 'command'"),
    DOMAIN("attribute with our prefix",
           "<q:policy xmlns:q='" POLICY_NAMESPACE "'>\n<q:deny q:command='x'/></q:policy>", 2,
           "unknown attribute 'command'"),
    DOMAIN("attribute of XML itself", OPEN "<deny xml:lang='en'/>" CLOSE, 2,
           "unknown attribute 'lang'"),
    DOMAIN("mode that is none", "<policy " NS " mode='permissive'/>", 1, "mode 'permissive'"),
    DOMAIN("mode in capitals", "<policy " NS " mode='Audit'/>", 1, "mode 'Audit'"),
    DOMAIN("empty mode", "<policy " NS " mode=''/>", 1, "'mode' of <policy> is empty"),
    PROFILE("mode of a profile", "<policy " NS " name='x' mode='audit'/>", 1, "attribute 'mode'"),
    HOST("domain-mode that is none", "<policy " NS " domain-mode='audit'/>", 1,
         "domain-mode 'audit'"),
    DOMAIN("domain-mode of a domain", "<policy " NS " domain-mode='any'/>", 1,
           "attribute 'domain-mode'"),
    PROFILE("domain-mode of a profile", "<policy " NS " name='x' domain-mode='any'/>", 1,
            "attribute 'domain-mode'"),
    DOMAIN("name of a domain's policy", "<policy " NS " name='x'/>", 1, "attribute 'name'"),
    HOST("name of a host policy", "<policy " NS " name='x'/>", 1, "attribute 'name'"),
    DOMAIN("default of a domain's policy", "<policy " NS " default='deny'/>", 1,
           "attribute 'default'"),
    HOST("default of a host policy", "<policy " NS " default='allow'/>", 1, "attribute 'default'"),
    PROFILE("profile without a name", "<policy " NS "/>", 1, "needs the attribute 'name'"),
    PROFILE("profile with an empty name", "<policy " NS " name=''/>", 1, "is empty"),
    PROFILE("default that is none", "<policy " NS " name='x' default='pass'/>", 1,
            "default 'pass'"),
    PROFILE("default audit", "<policy " NS " name='x' default='audit'/>", 1, "default 'audit'"),
    DOMAIN("profile that is not there", "<policy " NS " profile='nonesuch'/>", 1,
           "no profile 'nonesuch'"),
    DOMAIN("profile in capitals", "<policy " NS " profile='Baseline'/>", 1, "no profile"),
    DOMAIN("empty profile", "<policy " NS " profile=''/>", 1, "is empty"),
    DOMAIN("one profile of two that is not there", "<policy " NS " profile='baseline nonesuch'/>",
           1, "no profile 'nonesuch'"),
    DOMAIN("profiles with a comma", "<policy " NS " profile='baseline,closed'/>", 1,
           "no profile 'baseline,closed'"),
    DOMAIN("five profiles",
           "<policy " NS " profile='baseline closed observe restricted confidential'/>", 1,
           "more than 4 profiles"),
    DOMAIN("profile of space", "<policy " NS " profile=' '/>", 1, "names none"),
    PROFILE("profile that is itself", "<policy " NS " name='mine' profile='mine'/>", 1,
            "no profile 'mine'"),
    DOMAIN("channel that is none", OPEN "<deny channel='qga'/>" CLOSE, 2, "channel 'qga'"),
    DOMAIN("channel in capitals", OPEN "<deny channel='QMP'/>" CLOSE, 2, "channel 'QMP'"),
    DOMAIN("two channels", OPEN "<deny channel='qmp,hmp'/>" CLOSE, 2, "channel 'qmp,hmp'"),
    DOMAIN("empty channel", OPEN "<deny channel=''/>" CLOSE, 2, "is empty"),
    DOMAIN("group that is not there", OPEN "<deny group='@hosts'/>" CLOSE, 2, "group '@hosts'"),
    DOMAIN("group without its @", OPEN "<deny group='host'/>" CLOSE, 2, "group 'host'"),
    DOMAIN("group with a star", OPEN "<deny group='@*'/>" CLOSE, 2, "group '@*'"),
    DOMAIN("empty group", OPEN "<deny group=''/>" CLOSE, 2, "is empty"),
    DOMAIN("empty command", OPEN "<deny command=''/>" CLOSE, 2, "is empty"),
    DOMAIN("command with brackets", OPEN "<deny command='[a-z]*'/>" CLOSE, 2, "[...]"),
    DOMAIN("command with a closing bracket", OPEN "<deny command='a]'/>" CLOSE, 2, "[...]"),
    DOMAIN("empty user", OPEN "<deny user=''/>" CLOSE, 2, "is empty"),
    DOMAIN("empty group of users", OPEN "<deny unix-group=''/>" CLOSE, 2, "is empty"),
    DOMAIN("empty purpose", OPEN "<deny purpose=''/>" CLOSE, 2, "is empty"),
    DOMAIN("argument without a name", OPEN "<deny><argument match='b'/></deny>" CLOSE, 2,
           "the attribute 'name'"),
    DOMAIN("argument without a match", OPEN "<deny>\n<argument name='a'/></deny>" CLOSE, 3,
           "one of 'match', 'prefix', 'value', 'max'"),
    DOMAIN("empty name of an argument", OPEN "<deny><argument name='' match='b'/></deny>" CLOSE, 2,
           "is empty"),
    DOMAIN("empty match", OPEN "<deny><argument name='a' match=''/></deny>" CLOSE, 2, "is empty"),
    DOMAIN("match with brackets", OPEN "<deny><argument name='a' match='[a]'/></deny>" CLOSE, 2,
           "[...]"),
    DOMAIN("empty SASL name", OPEN "<deny sasl=''/>" CLOSE, 2, "is empty"),
    DOMAIN("empty certificate", OPEN "<deny x509=''/>" CLOSE, 2, "is empty"),
    DOMAIN("empty SELinux context", OPEN "<deny selinux=''/>" CLOSE, 2, "is empty"),
    DOMAIN("SELinux context with brackets", OPEN "<deny selinux='*:c[0-9]'/>" CLOSE, 2, "[...]"),
    DOMAIN("what is required is none", OPEN "<allow require='libvirt'/>" CLOSE, 2,
           "require 'libvirt' is not 'native'"),
    DOMAIN("nothing is required", OPEN "<allow require=''/>" CLOSE, 2, "is empty"),
    DOMAIN("require in capitals", OPEN "<warn require='Native'/>" CLOSE, 2, "require 'Native'"),
    DOMAIN("require on a deny", OPEN "<deny require='native'/>" CLOSE, 2,
           "'require' belongs to <allow> and <warn>"),
    HOST("require on a delegate", OPEN "<delegate require='native'/>" CLOSE, 2,
         "'require' belongs to <allow> and <warn>"),
    HOST("group to confirm that is not there", "<policy " NS " confirm='@host @memory-dumb'/>", 1,
         "no group '@memory-dumb'; did you mean '@memory-dump'?"),
    HOST("groups to confirm with a comma", "<policy " NS " confirm='@host,@dangerous'/>", 1,
         "no group '@host,@dangerous'"),
    HOST("nothing to confirm", "<policy " NS " confirm=''/>", 1, "is empty"),
    HOST("blanks to confirm", "<policy " NS " confirm='  '/>", 1, "names none"),
    DOMAIN("confirm in a domain's policy", "<policy " NS " confirm='@host'/>", 1,
           "'confirm' does not belong in a domain's policy"),
    PROFILE("confirm in a profile", "<policy " NS " name='x' confirm='@host'/>", 1,
            "'confirm' does not belong in a profile's policy"),
    HOST("unrecorded what", "<policy " NS "\nunrecorded='none'/>", 2,
         "unrecorded 'none': it is query, deny or allow"),
    HOST("repeat that is no number", "<policy " NS " repeat='5s'/>", 1, "repeat '5s'"),
    HOST("repeat below nothing", "<policy " NS " repeat='-1'/>", 1, "repeat '-1'"),
    HOST("repeat with a blank", "<policy " NS " repeat=' 1'/>", 1, "repeat ' 1'"),
    HOST("repeat above an hour", "<policy " NS " repeat='3601'/>", 1, "repeat '3601'"),
    HOST("repeat above a long", "<policy " NS " repeat='18446744073709551617'/>", 1,
         "repeat '1844"),
    HOST("record of a secret", OPEN "<allow record='id password'/>" CLOSE, 2,
         "the value of 'password' is never recorded"),
    DOMAIN("max that is no number", OPEN "<deny><argument name='a' max='many'/></deny>" CLOSE, 2,
           "max 'many' is not a whole number"),
    DOMAIN("max of a fraction", OPEN "<deny><argument name='a' max='1.5'/></deny>" CLOSE, 2,
           "max '1.5'"),
    DOMAIN("max with a sign", OPEN "<deny><argument name='a' max='+1'/></deny>" CLOSE, 2,
           "max '+1'"),
    DOMAIN("max of a sign", OPEN "<deny><argument name='a' max='-'/></deny>" CLOSE, 2, "max '-'"),
    DOMAIN("max above a long",
           OPEN "<deny><argument name='a' max='9223372036854775808'/></deny>" CLOSE, 2,
           "max '9223"),
};

#define LIMIT(attributes) OPEN "<limit command='quit' " attributes "/>" CLOSE
#define BAD_COUNT(name, count)                                                                     \
    DOMAIN(name, LIMIT("count='" count "' per='60s'"), 2, "is not a number from 1 to 1000")
#define BAD_PER(name, per)                                                                         \
    DOMAIN(name, LIMIT("count='1' per='" per "'"), 2, "is not a time like 60s, 5m or 1h")

static const ErrorRow limit_rows[] = {
    DOMAIN("limit without a count", LIMIT("per='60s'"), 2, "'count' and 'per'"),
    DOMAIN("limit without a time", LIMIT("count='1'"), 2, "'count' and 'per'"),
    BAD_COUNT("count of nothing", "0"),
    BAD_COUNT("count below nothing", "-1"),
    BAD_COUNT("count above 1000", "1001"),
    BAD_COUNT("count above a long", "18446744073709551617"),
    BAD_COUNT("count with a sign", "+5"),
    BAD_COUNT("count with a blank", " 5"),
    BAD_COUNT("count with a blank behind", "5 "),
    BAD_COUNT("count in hexadecimal", "0x5"),
    BAD_COUNT("count of a fraction", "1.5"),
    DOMAIN("empty count", LIMIT("count='' per='60s'"), 2, "is empty"),
    BAD_PER("time without a unit", "60"),
    BAD_PER("time of nothing", "0s"),
    BAD_PER("time above a day", "86401s"),
    BAD_PER("time of two days", "2d"),
    BAD_PER("time above a long", "9223372036854775807d"),
    BAD_PER("time below nothing", "-60s"),
    BAD_PER("time of two parts", "1h30m"),
    BAD_PER("time with a blank", "60 s"),
    BAD_PER("time in a unit that is none", "1w"),
    DOMAIN("empty time", LIMIT("count='1' per=''"), 2, "is empty"),
    BAD_PER("time in milliseconds", "100ms"),
    PROFILE("limit in a profile",
            "<policy " NS " name='x'>\n<limit command='quit' count='1' per='60s'/>" CLOSE, 2,
            "<limit> belongs in a domain's or the host's policy"),
    DOMAIN("require on a limit", LIMIT("count='1' per='60s' require='native'"), 2,
           "unknown attribute 'require' of <limit>"),
    HOST("record on a limit", LIMIT("count='1' per='60s' record='id'"), 2,
         "unknown attribute 'record' of <limit>"),
    DOMAIN("purpose on a limit", LIMIT("count='1' per='60s' purpose='x'"), 2,
           "unknown attribute 'purpose' of <limit>"),
    DOMAIN("rule in a limit", OPEN "<limit count='1' per='60s'>\n<deny/></limit>" CLOSE, 3,
           "unknown element <deny> in a rule"),
    DOMAIN("limit in a rule", OPEN "<deny>\n<limit count='1' per='60s'/></deny>" CLOSE, 3,
           "unknown element <limit> in a rule"),
    DOMAIN("count on a rule", OPEN "<deny count='1'/>" CLOSE, 2, "unknown attribute 'count'"),
    DOMAIN("time on a rule", OPEN "<deny per='60s'/>" CLOSE, 2, "unknown attribute 'per'"),
    DOMAIN("limit with brackets in its command",
           OPEN "<limit command='[q]*' count='1' per='60s'/>" CLOSE, 2, "[...]"),
    DOMAIN("limit with a group that is not there",
           OPEN "<limit group='@powers' count='1' per='60s'/>" CLOSE, 2, "no group '@powers'"),
};

static void test_row(void **state)
{
    const ErrorRow *row = *state;
    CLEANUP(mem) char *copy = malloc(row->length ? row->length : 1);
    PolicyError error = {.line = 7777, .reason = {"unset"}};
    Policy *policy;

    /* Without a NUL behind it, so that reading on is seen by the sanitizer. */
    assert_non_null(copy);
    memcpy(copy, row->text, row->length);
    policy = policy_parse(copy, row->length, row->kind, &error);
    if (policy)
        fail_msg("'%s' is taken", row->text);
    assert_has_word(error.reason.text, row->because);
    assert_string_not_equal(error.reason.text, "unset");
    assert_int_equal(error.line, row->line);
}

/* Takes @text and gives what is wrong with it; an empty reason when nothing is. */
static PolicyError error_of(const char *text)
{
    PolicyError error = {0};
    Policy *policy = policy_parse(text, strlen(text), POLICY_DOMAIN, &error);

    if (policy)
        error = (PolicyError){0};
    policy_unref(policy);
    return error;
}

static void check_limit(const char *good, const char *bad, const char *because)
{
    PolicyError error = error_of(good);

    assert_string_equal(error.reason.text, "");
    error = error_of(bad);
    assert_has_word(error.reason.text, because);
}

static void test_value_length(void **state)
{
    static const char *const formats[] = {
        "<policy><deny command='%s'/></policy>",
        "<policy><deny user='%s'/></policy>",
        "<policy><deny unix-group='%s'/></policy>",
        "<policy><deny purpose='%s'/></policy>",
        "<policy><deny sasl='%s'/></policy>",
        "<policy><deny x509='%s'/></policy>",
        "<policy><deny selinux='%s'/></policy>",
        "<policy><limit user='%s' count='1' per='1s'/></policy>",
        "<policy><deny><argument name='%s' match='x'/></deny></policy>",
        "<policy><deny><argument name='x' match='%s'/></deny></policy>"};
    CLEANUP(mem) char *longest = repeated('x', 1024);
    CLEANUP(mem) char *longer = repeated('x', 1025);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        int cut = (int)(strstr(formats[i], "%s") - formats[i]);
        const char *behind = formats[i] + cut + 2;
        CLEANUP(mem) char *good = formatted("%.*s%s%s", cut, formats[i], longest, behind);
        CLEANUP(mem) char *bad = formatted("%.*s%s%s", cut, formats[i], longer, behind);

        check_limit(good, bad, "longer than 1024 bytes");
    }
}

/* <policy>, and @element @count times, each on a line of its own. */
static char *many(size_t count, const char *element)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    fputs("<policy>", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "\n%s", element);
    fputs("</policy>", out);
    fclose(out);
    return text;
}

static void test_rule_count(void **state)
{
    CLEANUP(mem) char *at_limit = many(20000, "<deny/>");
    CLEANUP(mem) char *over = many(20001, "<deny/>");

    (void)state;
    check_limit(at_limit, over, "more than 20000 rules");
    assert_int_equal(error_of(over).line, 20002);
}

static void test_limit_count(void **state)
{
    CLEANUP(mem) char *at_limit = many(64, "<limit count='1000' per='24h'/>");
    CLEANUP(mem) char *over = many(65, "<limit count='1000' per='24h'/>");

    (void)state;
    check_limit(at_limit, over, "more than 64 limits");
    assert_int_equal(error_of(over).line, 66);
}

static void test_bytes(void **state)
{
    size_t fixed = strlen("<policy></policy>");
    CLEANUP(mem) char *space = repeated(' ', 1048576 - fixed);
    CLEANUP(mem) char *at_limit = formatted("<policy>%s</policy>", space);
    CLEANUP(mem) char *over = formatted("<policy> %s</policy>", space);

    (void)state;
    check_limit(at_limit, over, "larger than 1048576 bytes");
}

/* libxml2's time grows with the square of a tag's attributes. */
static void test_crowded_tag(void **state)
{
    CLEANUP(mem) char *most = repeated('=', 255);
    CLEANUP(mem)
    char *at_limit = formatted("<policy><deny user='%s'/><deny user='%s'/></policy>", most, most);
    CLEANUP(mem) char *over = formatted("<policy><deny user='%s='/></policy>", most);

    (void)state;
    check_limit(at_limit, over, "equals signs");
}

/* A policy that is wrong stays so; one that could not be read may do better the next time. */
static void test_transience(void **state)
{
    PolicyError error = {.is_transient = true};

    (void)state;
    assert_null(policy_parse("<policy", 7, POLICY_DOMAIN, &error));
    assert_false(error.is_transient);
    assert_null(policy_parse("<policy x='1'/>", 15, POLICY_DOMAIN, &error));
    assert_false(error.is_transient);
}

/* libxml2 keeps 16 bits of an element's line; above, it guesses from the node behind. */
static void test_line_above_65535(void **state)
{
    CLEANUP(mem) char *lines = repeated('\n', 70000);
    CLEANUP(mem) char *text = formatted("<policy>%s<deny user=''/>\n</policy>", lines);

    (void)state;
    assert_in_range(error_of(text).line, 70001, 70002);
}

static void test_deep_nesting(void **state)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    for (int i = 0; i < 100000; i++)
        fputs("<policy>", out);
    fclose(out);
    assert_has_word(error_of(text).reason.text, "not well-formed");
    free(text);
}

static void test_reason_is_cut(void **state)
{
    CLEANUP(mem) char *longest = repeated('x', 1000);
    CLEANUP(mem) char *text = formatted("<policy><deny group='@%s'/></policy>", longest);
    PolicyError error = error_of(text);

    (void)state;
    assert_has_word(error.reason.text, "there is no group '@xxx");
    assert_int_equal(strlen(error.reason.text), sizeof(error.reason.text) - 1);
}

int main(void)
{
    UNIT_ADD_ROWS(document_rows, test_row);
    UNIT_ADD_ROWS(element_rows, test_row);
    UNIT_ADD_ROWS(attribute_rows, test_row);
    UNIT_ADD_ROWS(limit_rows, test_row);
    unit_add("values of 1024 and 1025 bytes", test_value_length, NULL);
    unit_add("20000 and 20001 rules", test_rule_count, NULL);
    unit_add("64 and 65 limits", test_limit_count, NULL);
    unit_add("1048576 and 1048577 bytes", test_bytes, NULL);
    unit_add("256 and 257 equals signs", test_crowded_tag, NULL);
    unit_add("nothing here is transient", test_transience, NULL);
    unit_add("a line above 65535", test_line_above_65535, NULL);
    unit_add("deep nesting", test_deep_nesting, NULL);
    unit_add("a long reason is cut", test_reason_is_cut, NULL);
    return unit_run("policy_error");
}
