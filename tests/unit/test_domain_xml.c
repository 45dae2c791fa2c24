/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is read from a domain's XML, and what is no domain's XML. */
#include "unit.h"

#include "domain/domain_xml.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

#define QEMU "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
#define DOMAIN(inside) "<domain type='kvm' " QEMU ">" inside "</domain>"
#define AGENT "org.qemu.guest_agent.0"
#define CHANNEL(name, alias)                                                                       \
    "<channel type='unix'><target type='virtio' name='" name "'/><alias name='" alias              \
    "'/></channel>"
#define POLICY_NS "xmlns:qg='" POLICY_NAMESPACE "'"

typedef struct ReadRow {
    const char *name;
    const char *text;
    const char *wanted; /* as described_as() has it */
} ReadRow;

static const ReadRow read_rows[] = {
    {"nothing in it", "<domain/>", ""},
    {"name", DOMAIN("<name>demo</name>"), "name=demo"},
    {"the first name", DOMAIN("<name>a</name><name>b</name>"), "name=a"},
    {"empty name", DOMAIN("<name/>"), "name="},
    {"name with characters by number", DOMAIN("<name>a&lt;&#10;b</name>"), "name=a<\nb"},
    {"name in CDATA", DOMAIN("<name><![CDATA[<!DOCTYPE x>]]></name>"), "name=<!DOCTYPE x>"},
    {"name elsewhere", DOMAIN("<devices><name>a</name></devices>"), ""},
    {"name of another namespace", DOMAIN("<name xmlns='urn:x'>a</name>"), ""},
    {"uuid", DOMAIN("<uuid>1-2</uuid>"), "uuid=1-2"},
    {"emulator", DOMAIN("<devices><emulator>/x</emulator></devices>"), "emulator=/x"},
    {"the first emulator",
     DOMAIN("<devices><disk/><emulator>/a</emulator><emulator>/b</emulator></devices>"),
     "emulator=/a"},
    {"emulator in the second devices",
     DOMAIN("<devices/><devices><emulator>/a</emulator></devices>"), "emulator=/a"},
    {"emulator elsewhere", DOMAIN("<emulator>/a</emulator>"), ""},
    {"emulator of another namespace",
     DOMAIN("<devices><qemu:emulator>/a</qemu:emulator></devices>"), ""},
    {"confidential", DOMAIN("<launchSecurity type='sev'/>"), "confidential"},
    {"arguments",
     DOMAIN("<qemu:commandline><qemu:arg value='-qmp'/><qemu:arg value='tcp::4'/>"
            "</qemu:commandline>"),
     "arg=-qmp arg=tcp::4"},
    {"arguments of several command lines",
     DOMAIN("<qemu:commandline><qemu:arg value='a'/></qemu:commandline><name>n</name>"
            "<qemu:commandline><qemu:arg value='b'/><qemu:env name='E'/></qemu:commandline>"),
     "name=n arg=a arg=b env=E"},
    {"nine arguments",
     DOMAIN("<qemu:commandline><qemu:arg value='1'/><qemu:arg value='2'/><qemu:arg value='3'/>"
            "<qemu:arg value='4'/><qemu:arg value='5'/><qemu:arg value='6'/><qemu:arg value='7'/>"
            "<qemu:arg value='8'/><qemu:arg value='9'/></qemu:commandline>"),
     "arg=1 arg=2 arg=3 arg=4 arg=5 arg=6 arg=7 arg=8 arg=9"},
    {"another prefix",
     "<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:commandline>"
     "<q:arg value='a'/></q:commandline></domain>",
     "arg=a"},
    {"prefix of its own",
     "<domain><commandline xmlns='http://libvirt.org/schemas/domain/qemu/1.0'><arg value='a'/>"
     "</commandline></domain>",
     "arg=a"},
    {"the same prefix, another namespace",
     "<domain xmlns:qemu='urn:x'><qemu:commandline><qemu:arg value='a'/></qemu:commandline>"
     "</domain>",
     ""},
    {"no namespace", DOMAIN("<commandline><arg value='a'/></commandline>"), ""},
    {"argument without a namespace",
     DOMAIN("<qemu:commandline><arg value='a'/></qemu:commandline>"), ""},
    {"argument outside", DOMAIN("<qemu:arg value='a'/>"), "change=arg"},
    {"argument elsewhere",
     DOMAIN("<devices><qemu:commandline><qemu:arg value='a'/></qemu:commandline></devices>"), ""},
    {"argument without a value", DOMAIN("<qemu:commandline><qemu:arg/></qemu:commandline>"),
     "arg="},
    {"argument with characters by number",
     DOMAIN("<qemu:commandline><qemu:arg value='a&apos;&#9;b'/></qemu:commandline>"), "arg=a'\tb"},
    {"commented out",
     DOMAIN("<!-- <qemu:commandline/> --><qemu:commandline><!-- "
            "<qemu:arg value='a'/> --></qemu:commandline>"),
     ""},
    {"variables",
     DOMAIN("<qemu:commandline><qemu:env name='A' value='1'/><qemu:env name='B'/>"
            "</qemu:commandline>"),
     "env=A env=B"},
    {"variable without a name",
     DOMAIN("<qemu:commandline><qemu:env value='1'/></qemu:commandline>"), "env="},
    {"other elements of QEMU's",
     DOMAIN("<qemu:override><qemu:device/></qemu:override><qemu:capabilities/>"
            "<qemu:deprecation/>"),
     "change=override change=capabilities change=deprecation"},
    {"no policy", DOMAIN("<metadata><x xmlns='urn:x'/></metadata>"), ""},
    {"policy", DOMAIN("<metadata><qg:policy " POLICY_NS "/></metadata>"), "policy"},
    {"policy behind others",
     DOMAIN("<metadata><x xmlns='urn:x'/> <policy xmlns='" POLICY_NAMESPACE "'/></metadata>"),
     "policy"},
    {"policy whose prefix is declared outside",
     "<domain " POLICY_NS "><metadata><qg:policy><qg:deny/></qg:policy></metadata></domain>",
     "policy"},
    {"policy of the next version",
     DOMAIN("<metadata><policy xmlns='urn:qmp-guard:policy:2'/></metadata>"), ""},
    {"policy without a namespace", DOMAIN("<metadata><policy/></metadata>"), ""},
    {"policy elsewhere", DOMAIN("<qg:policy " POLICY_NS "/>"), ""},
    {"policy inside something else",
     DOMAIN("<metadata><x xmlns='urn:x'><qg:policy " POLICY_NS "/></x></metadata>"), ""},
    {"agent", DOMAIN("<devices>" CHANNEL(AGENT, "channel0") "</devices>"),
     "agent=" AGENT " agent=channel0 agent="},
    {"agent behind another",
     DOMAIN("<devices>" CHANNEL("x", "channel0") CHANNEL(AGENT, "channel1") "</devices>"),
     "agent=" AGENT " agent=channel1"},
    {"agent in the second devices",
     DOMAIN("<devices>" CHANNEL("x", "channel0") "</devices><devices><channel><target name='" AGENT
                                                 "'/></channel></devices>"),
     "agent=" AGENT},
    {"agent elsewhere", DOMAIN(CHANNEL(AGENT, "channel0")), ""},
    {"another number", DOMAIN("<devices>" CHANNEL("org.qemu.guest_agent.1", "a") "</devices>"), ""},
    {"channel without a name", DOMAIN("<devices><channel><target/></channel></devices>"), ""},
    {"declaration", "<?xml version='1.0' encoding='UTF-8'?>\n<domain/>", ""},
    {"comments around", "<!-- <!DOCTYPE x> --><domain/><!-- a -->", ""},
};

static void describe_list(FILE *out, const char *name, const StringList *list)
{
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, " %s=%s", name, list->items[i]);
}

static char *described_as(const DomainXml *domain)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    if (domain->name)
        fprintf(out, " name=%s", domain->name);
    if (domain->uuid)
        fprintf(out, " uuid=%s", domain->uuid);
    if (domain->emulator)
        fprintf(out, " emulator=%s", domain->emulator);
    fputs(domain->is_confidential ? " confidential" : "", out);
    fputs(domain->policy_xml ? " policy" : "", out);
    describe_list(out, "arg", &domain->arguments);
    describe_list(out, "env", &domain->environment);
    describe_list(out, "agent", &domain->agent_channels);
    describe_list(out, "change", &domain->changes);
    fclose(out);
    return text;
}

/* Reads a copy without a NUL behind it, so that reading on is seen by the sanitizer. */
static int read_copy(const char *text, size_t length, DomainXml *ret, Reason *why)
{
    CLEANUP(mem) char *copy = malloc(length ? length : 1);

    assert_non_null(copy);
    memcpy(copy, text, length);
    return domain_xml_read(copy, length, ret, why);
}

static void test_read_row(void **state)
{
    const ReadRow *row = *state;
    CLEANUP(mem) char *described = NULL;
    DomainXml domain = {0};
    Reason why = {""};

    if (read_copy(row->text, strlen(row->text), &domain, &why) < 0)
        fail_msg("%s", why.text);
    described = described_as(&domain);
    assert_string_equal(described[0] ? described + 1 : described, row->wanted);
    domain_xml_clear(&domain);
    assert_null(domain.name);
    assert_int_equal(domain.arguments.count, 0);
}

typedef struct ErrorRow {
    const char *name;
    const char *text;
    size_t length;
    const char *because;
} ErrorRow;

static const ErrorRow error_rows[] = {
    {"empty", BYTES(""), "empty"},
    {"blank", BYTES(" \n"), "not well-formed"},
    {"no XML", BYTES("hello"), "not well-formed"},
    {"line of a fault", BYTES("<domain>\n<name></domain>"), "line 2"},
    {"element without an end", BYTES("<domain>"), "not well-formed"},
    {"two domains", BYTES("<domain/><domain/>"), "not well-formed"},
    {"text behind", BYTES("<domain/>x"), "not well-formed"},
    {"NUL", BYTES("<domain/>\0"), "NUL"},
    {"NUL inside", BYTES("<domain><name>a\0b</name></domain>"), "NUL"},
    {"another root", BYTES("<network/>"), "not the XML of a domain"},
    {"root in capitals", BYTES("<Domain/>"), "not the XML of a domain"},
    {"several domains", BYTES("<domains><domain/></domains>"), "not the XML of a domain"},
    {"root of a namespace", BYTES("<domain xmlns='urn:x'/>"), "not the XML of a domain"},
    {"root with a prefix", BYTES("<x:domain xmlns:x='urn:x'/>"), "not the XML of a domain"},
    {"DOCTYPE", BYTES("<!DOCTYPE domain>\n<domain/>"), "DOCTYPE"},
    {"DOCTYPE behind a comment", BYTES("<!-- x --> <!DOCTYPE domain><domain/>"), "DOCTYPE"},
    {"DOCTYPE with an entity",
     BYTES("<!DOCTYPE domain [<!ENTITY a 'b'>]><domain><name>&a;</name></domain>"), "DOCTYPE"},
    {"DOCTYPE with a default",
     BYTES("<!DOCTYPE domain [<!ATTLIST domain type CDATA 'x'>]><domain/>"), "DOCTYPE"},
    {"DOCTYPE with a file", BYTES("<!DOCTYPE domain SYSTEM '/etc/passwd'><domain/>"), "DOCTYPE"},
    {"DOCTYPE and more faults", BYTES("<!DOCTYPE domain><domain>"), "DOCTYPE"},
    {"entity that is not declared", BYTES("<domain><name>&a;</name></domain>"), "not well-formed"},
    {"attribute twice", BYTES("<domain><a b='c' b='d'/></domain>"), "not well-formed"},
    {"byte E9", BYTES("<domain><name>\xe9</name></domain>"), "not well-formed"},
    {"overlong slash", BYTES("<domain><name>\xc0\xaf</name></domain>"), "not well-formed"},
    {"byte E9 that is declared",
     BYTES("<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>\xe9</name></domain>"),
     "not well-formed"},
    {"UTF-16", BYTES("\xff\xfe<\0d\0o\0m\0a\0i\0n\0/\0>\0"), "NUL"},
    {"UTF-7",
     BYTES("<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE domain+AD4APA-domain/+AD4-"),
     "not well-formed"},
};

static void test_error_row(void **state)
{
    const ErrorRow *row = *state;
    DomainXml domain = {0};
    Reason why = {"unset"};

    assert_int_equal(read_copy(row->text, row->length, &domain, &why), -1);
    assert_has_word(why.text, row->because);
    assert_null(strchr(why.text, '\n'));
    assert_null(domain.name);
}

static Policy *policy_in(const char *text)
{
    DomainXml domain = {0};
    PolicyError error = {0};
    Policy *policy;

    assert_int_equal(read_copy(text, strlen(text), &domain, NULL), 0);
    assert_non_null(domain.policy_xml);
    policy = policy_parse(domain.policy_xml, strlen(domain.policy_xml), POLICY_DOMAIN, &error);
    if (!policy)
        fail_msg("%s: %s", domain.policy_xml, error.reason.text);
    domain_xml_clear(&domain);
    return policy;
}

/* The element that is cut out is a document of its own, and says the same. */
static void check_policy(const char *xml)
{
    Policy *alone = policy_of(POLICY_DOMAIN, "mode='audit'", "<deny command='quit'/><warn/>");
    Policy *cut = policy_in(xml);

    assert_int_equal(cut->n_rules, 2);
    assert_string_equal(cut->digest, alone->digest);
    policy_unref(alone);
    policy_unref(cut);
}

static void test_policy(void **state)
{
    (void)state;
    check_policy(DOMAIN("<metadata>\n <qg:policy " POLICY_NS " mode='audit'>\n"
                        "  <qg:deny command='quit'/> <!-- a --> <qg:warn/>\n </qg:policy>\n"
                        "</metadata>"));
    check_policy(DOMAIN("<metadata><policy xmlns='" POLICY_NAMESPACE "' mode='audit'>"
                        "<deny command='quit'/><warn/></policy></metadata>"));
}

/* So does libvirt print it when a definition declares the prefix at its root. */
static void test_outer_prefix(void **state)
{
    (void)state;
    check_policy(DOMAIN("<metadata " POLICY_NS "><qg:policy mode='audit'>"
                        "<qg:deny command='quit'/><qg:warn/></qg:policy></metadata>"));
}

static void test_size(void **state)
{
    size_t most = DOMAIN_XML_BYTES_MAX;
    CLEANUP(mem) char *text = repeated(' ', most + 1);
    DomainXml domain = {0};
    Reason why = {"unset"};

    (void)state;
    assert_int_equal(most, 33554432);
    memcpy(text, "<domain>", strlen("<domain>"));
    memcpy(text + most - strlen("</domain>"), "</domain>", strlen("</domain>"));
    assert_int_equal(domain_xml_read(text, most + 1, &domain, &why), -1);
    assert_has_word(why.text, "larger than 33554432 bytes");
    /* One that is as large as may be is looked at: libxml2 has a limit of its own for a text. */
    assert_int_equal(domain_xml_read(text, most, &domain, &why), -1);
    assert_has_word(why.text, "not well-formed");
}

int main(void)
{
    UNIT_ADD_ROWS(read_rows, test_read_row);
    UNIT_ADD_ROWS(error_rows, test_error_row);
    unit_add("the policy that is cut out", test_policy, NULL);
    unit_add("its prefix is declared outside", test_outer_prefix, NULL);
    unit_add("32 MiB and one byte more", test_size, NULL);
    return unit_run("domain_xml");
}
