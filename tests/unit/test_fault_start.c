/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every allocation fails in turn while a domain's start is judged, a user's groups are read, and a
 * grant's record is made: no finding is lost on the way, and no half of a record is there.
 */
#include "unit.h"

#include "audit/grant.h"
#include "faults.h"
#include "grants.h"
#include "start/start.h"
#include "util/cleanup.h"
#include "util/unix_groups.h"
#include "util/user_name.h"

#include <libxml/xmlmemory.h>
#include <stdlib.h>
#include <string.h>

/* More than anything here takes. */
#define FAULTS_MAX 20000

/* Runs @once with the fault in each place, until nothing is left to fail; it says what failed. */
static void with_each_allocation(bool (*once)(const void *data, unsigned nth, bool stays),
                                 const void *data)
{
    for (int stays = 0; stays < 2; stays++) {
        unsigned nth = 0;

        while (once(data, ++nth, stays) && nth < FAULTS_MAX)
            ;
        assert_in_range(nth, 2, FAULTS_MAX - 1);
    }
}

/* ---- a start */

typedef struct StartRow {
    const char *name;
    const char *inside; /* of the domain */
    const char *host; /* rules */
    bool passes;
} StartRow;

#define LINE(arguments) "<qemu:commandline>" arguments "</qemu:commandline>"
#define ARG(value) "<qemu:arg value='" value "'/>"

static const StartRow rows[] = {
    {"nothing to say", "<title>x</title>", "", true},
    {"warnings",
     LINE(ARG("-qmp") ARG("unix:/run/x,server=on")
              ARG("-S") "<qemu:env name='A' value='b'/>") "<qemu:override/><devices><emulator>/x</"
                                                          "emulator></devices>",
     "", true},
    {"what is refused behind what is not",
     LINE(ARG("-S") ARG("-chardev") ARG("socket,id=c,host=h,port=1") ARG("-mon") ARG("chardev=c")),
     "", false},
    {"JSON on the command line",
     LINE(ARG("-chardev") ARG("{\"backend\":\"socket\",\"id\":\"c\",\"path\":\"/tmp/y\"}")
              ARG("-mon") ARG("{\"chardev\":\"c\",\"mode\":\"control\"}") ARG("-netdev")
                  ARG("{\"type\":\"tap\",\"id\":\"n\",\"script\":\"/bin/x\"}")),
     "<start><refuse finding='host-exec'/></start>", false},
    {"one path of the guard's",
     "<devices><serial type='file'><source path='/etc/libvirt/qmp-guard/policy.xml'/></serial>"
     "</devices>",
     "<start><refuse finding='guard-path'/></start>", false},
    {"the same as a text",
     "<devices><channel type='pty'><source>/tmp/../etc/libvirt/qmp-guard/x </source></channel>"
     "</devices>",
     "<start><refuse finding='guard-path'/></start>", false},
    {"a program",
     "<devices><interface type='ethernet'><script path='/tmp/x'/></interface></devices>",
     "<start><refuse finding='host-exec'/></start>", false},
    {"no confinement",
     "<seclabel type='none'/><seclabel type='static' model='dac'><label>0:0</label></seclabel>",
     "<start><refuse finding='confinement'/></start>", false},
    {"a policy that is invalid",
     "<metadata><policy xmlns='" POLICY_NAMESPACE "' mode='x'/></metadata>",
     "<start><refuse finding='policy-invalid'/></start>", false},
    {"a policy", "<metadata><policy xmlns='" POLICY_NAMESPACE "'><deny/></policy></metadata>", "",
     true},
    {"XML that is none", "<", "", false},
};

static int count_record(void *data, const AuditRecord *record)
{
    unsigned *records = data;

    if (!record->line || !record->json)
        return -1;
    ++*records;
    return 0;
}

typedef struct Started {
    const StartCall *call;
    bool passes;
    unsigned records;
} Started;

static bool start_once(const void *data, unsigned nth, bool stays)
{
    const Started *whole = data;
    unsigned records = 0;
    StartAnswer answer;
    bool failed;

    faults_allocation(nth, stays);
    start_judge(whole->call, count_record, &records, &answer);
    failed = faults_end();
    if (answer.passes && (!whole->passes || records < whole->records))
        fail_msg("allocation %u: it passes, with %u records of %u", nth, records, whole->records);
    start_answer_clear(&answer);
    return failed;
}

static const char *try_start(const void *data)
{
    const Started *whole = data;
    unsigned records = 0;
    StartAnswer answer;

    start_judge(whole->call, count_record, &records, &answer);
    if (!answer.passes)
        return NULL;
    return whole->passes && records >= whole->records ? NULL : "it passes";
}

/* First the guard's own allocations, then libxml2's as well. */
static void test_start(void **state)
{
    const StartRow *row = *state;
    Policy *host = policy_of(POLICY_HOST, "", row->host);
    CLEANUP(mem)
    char *xml = formatted("<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
                          "<name>n</name><uuid>1-2</uuid>%s</domain>",
                          row->inside);
    StartCall call = {.operation = "prepare",
                      .domain_name = "demo",
                      .xml = xml,
                      .length = strlen(xml),
                      .host = host,
                      .is_host_file = true};
    Started whole = {.call = &call};
    StartAnswer answer;

    start_judge(&call, count_record, &whole.records, &answer);
    whole.passes = answer.passes;
    start_answer_clear(&answer);
    assert_int_equal(whole.passes, row->passes);
    xmlMemSetup(free, faults_spared_malloc, faults_spared_realloc, faults_spared_strdup);
    with_each_allocation(start_once, &whole);
    xmlMemSetup(free, malloc, realloc, strdup);
    assert_true(faults_in_children(try_start, &whole) > 10);
    policy_unref(host);
}

/* ---- users */

/* A name service that has no memory may say of another group that it has no name, of root's not. */
static bool groups_once(const void *data, unsigned nth, bool stays)
{
    UnixGroups groups = {0};
    bool failed;
    int result;

    faults_allocation(nth, stays);
    result = unix_groups_read("root", 1, &groups);
    failed = faults_end();
    if (result == 0)
        assert_string_equal(groups.n_names > 0 ? groups.names[0] : "", "root");
    else
        assert_null(groups.names);
    unix_groups_clear(&groups);
    return failed;
}

static void test_groups(void **state)
{
    UnixGroups groups = {0};

    /* libc's first question is not to be without memory: it dies of that. */
    assert_int_equal(unix_groups_read("root", 1, &groups), 0);
    unix_groups_clear(&groups);
    with_each_allocation(groups_once, NULL);
}

static bool name_once(const void *data, unsigned nth, bool stays)
{
    char name[32] = "";
    bool failed;
    int result;

    faults_allocation(nth, stays);
    result = user_name_read(0, name, sizeof(name));
    failed = faults_end();
    assert_string_equal(name, result == 0 ? "root" : "");
    return failed;
}

static void test_name(void **state)
{
    char name[5];

    assert_int_equal(user_name_read(0, name, sizeof(name)), 0);
    assert_int_equal(user_name_read(0, name, sizeof(name) - 1), -1);
    assert_int_equal(user_name_read(4294967294u, name, sizeof(name)), -1);
    with_each_allocation(name_once, NULL);
}

/* ---- a grant's record */

static bool record_once(const void *data, unsigned nth, bool stays)
{
    AuditRecord record;
    bool failed;

    faults_allocation(nth, stays);
    audit_grant_make(data, &record);
    failed = faults_end();
    if (record.line) {
        CLEANUP(json) json_object *object = json_tokener_parse(record.json);

        assert_has_word(record.line, "demo");
        for (size_t i = 0; i < 4; i++)
            assert_non_null(json_object_object_get(
                object, (const char *const[]){"event", "step", "grant", "domain"}[i]));
    }
    audit_record_clear(&record);
    return failed;
}

static void test_record(void **state)
{
    Grant grant = grant_of("inject-nmi", 2);
    GrantEvent event = {.step = STEP_CONFIRMED, .grant = &grant, .by = "bob", .now = grant_clock()};

    snprintf(grant.domain, sizeof(grant.domain), "demo");
    snprintf(grant.confirmed_by, sizeof(grant.confirmed_by), "bob");
    with_each_allocation(record_once, &event);
    *grant.command = '\0'; /* a text's */
    with_each_allocation(record_once, &event);
}

int main(void)
{
    policy_profile("baseline");
    policy_empty();
    UNIT_ADD_ROWS(rows, test_start);
    unit_add("a user's groups", test_groups, NULL);
    unit_add("a user's name", test_name, NULL);
    unit_add("a grant's record", test_record, NULL);
    return unit_run("fault_start");
}
