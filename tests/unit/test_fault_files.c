/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every call on a file fails in turn, and every allocation of a policy's reader: the trail takes no
 * half record for a whole one, a grant gets no use back, and a policy is the whole one or none.
 */
#include "unit.h"

#include "audit/trail.h"
#include "faults.h"
#include "grants.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <libxml/xmlmemory.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLS_MAX 200

static const char *const fault_names[FILE_FAULT_COUNT] = {"EIO", "ENOSPC", "EMFILE", "EACCES",
                                                          "short"};

/* Runs @once with each fault in each place, until nothing is left to fail. */
static void with_each_fault(void (*once)(FileFault fault, unsigned nth, bool stays, bool *failed))
{
    for (int fault = 0; fault < FILE_FAULT_COUNT; fault++) {
        for (int stays = 0; stays < 2; stays++) {
            unsigned nth = 0;
            bool failed;

            do {
                once((FileFault)fault, ++nth, stays, &failed);
            } while (failed && nth < CALLS_MAX);
            if (nth < 2 || nth == CALLS_MAX)
                fail_msg("%s: %u calls", fault_names[fault], nth);
        }
    }
}

/* ---- the trail */

static char trail_file[96];
static char head_file[112];

static Trail trail_of(void)
{
    return (Trail){.path = trail_file,
                   .head_path = head_file,
                   .lock = PTHREAD_MUTEX_INITIALIZER,
                   .records.fd = -1,
                   .head.fd = -1};
}

static char *trail_contents(void)
{
    CLEANUP(fd) int fd = open(trail_file, O_RDONLY);
    char *text = calloc(1, 8192);

    assert_true(fd >= 0 && text);
    assert_true(read(fd, text, 8191) >= 0);
    return text;
}

/* Each line is a whole record, linked to the one before it, or no record at all. */
static unsigned check_chain(void)
{
    CLEANUP(mem) char *text = trail_contents();
    TrailHead before = {0};
    unsigned count = 0;
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        CLEANUP(json) json_object *object = json_tokener_parse(line);
        char chain[DIGEST_TEXT_SIZE];
        size_t hashed;
        TrailHead head;

        if (!object)
            continue;
        assert_int_equal(trail_read_end(line, strlen(line), &hashed, &head), 0);
        trail_chain(before.chain, line, hashed, chain);
        assert_string_equal(head.chain, chain);
        assert_int_equal(head.seq, before.seq + 1);
        before = head;
        count++;
    }
    return count;
}

static void append_to(Trail *trail, const char *json)
{
    Reason why = {""};

    if (trail_append(trail, json, &why) < 0)
        fail_msg("%s", why.text);
}

static void append(const char *json)
{
    Trail trail = trail_of();

    append_to(&trail, json);
    trail_close(&trail);
}

/* A trail that holds two records; @knows_end: its writer has written them itself. */
static Trail trail_of_two(bool knows_end)
{
    Trail trail = trail_of();

    grants_empty();
    append_to(&trail, "{\"a\":1}");
    append_to(&trail, "{\"a\":2}");
    if (!knows_end) {
        trail_close(&trail);
        trail = trail_of();
    }
    return trail;
}

/* The writer goes on behind the fault, and so does another. */
static void check_after(Trail *trail, int result, unsigned count, const Reason *why)
{
    if (result < 0)
        assert_true(*why->text);
    append_to(trail, "{\"a\":\"the next\"}");
    assert_int_equal(check_chain(), count + 1);
    trail_close(trail);
    append("{\"a\":\"another's\"}");
    assert_int_equal(check_chain(), count + 2);
}

static void append_with(FileFault fault, unsigned nth, bool stays, bool knows_end, bool *failed)
{
    Trail trail = trail_of_two(knows_end);
    Reason why = {""};
    unsigned count;
    int result;

    faults_file(fault, nth, stays);
    result = trail_append(&trail, "{\"a\":\"the one that fails\"}", &why);
    *failed = faults_end();
    count = check_chain();
    if (count != (result == 0 ? 3u : 2u))
        fail_msg("%s, call %u: returned %d with %u records", fault_names[fault], nth, result,
                 count);
    check_after(&trail, result, count, &why);
}

static void append_first(FileFault fault, unsigned nth, bool stays, bool *failed)
{
    append_with(fault, nth, stays, false, failed);
}

static void append_again(FileFault fault, unsigned nth, bool stays, bool *failed)
{
    append_with(fault, nth, stays, true, failed);
}

static void test_trail(void **state)
{
    with_each_fault(append_first);
    with_each_fault(append_again);
}

/* As append_with(), but it is memory that fails. */
static bool append_without_memory(unsigned nth, bool stays, bool knows_end)
{
    Trail trail = trail_of_two(knows_end);
    Reason why = {""};
    unsigned count;
    bool failed;
    int result;

    faults_allocation(nth, stays);
    result = trail_append(&trail, "{\"a\":\"the one that fails\"}", &why);
    failed = faults_end();
    count = check_chain();
    assert_int_equal(count, result == 0 ? 3 : 2);
    check_after(&trail, result, count, &why);
    return failed;
}

static void test_trail_and_memory(void **state)
{
    for (int way = 0; way < 4; way++) {
        unsigned nth = 0;

        while (append_without_memory(++nth, way & 1, way & 2) && nth < CALLS_MAX)
            ;
        assert_in_range(nth, 2, CALLS_MAX - 1);
    }
}

/* ---- grants */

static void take_once(FileFault fault, unsigned nth, bool stays, bool *failed)
{
    Grant grant = grant_of("stop", 3);
    Grant other = grant_of("cont", 3);
    GrantStore store = GRANT_STORE_INIT(grants_path);
    GrantTake takes[] = {{.grant = &grant, .count = 1}, {.grant = &other, .count = 2}};
    int result;

    grants_empty();
    grants_add(&grant);
    grants_add(&other);
    faults_file(fault, nth, stays);
    result = grant_store_take(&store, takes, COUNT_OF(takes), grant_clock(), NULL);
    *failed = faults_end();
    grant_store_close(&store);
    if (fault == FAULT_SHORT && result != 1)
        return; /* half of a slot was written: it is no grant any more */
    assert_in_range(grants_find(grant.id).left, 2, result == 1 ? 2 : 3);
    assert_in_range(grants_find(other.id).left, 1, result == 1 ? 1 : 3);
}

static void test_take(void **state)
{
    with_each_fault(take_once);
}

static void read_once(FileFault fault, unsigned nth, bool stays, bool *failed)
{
    Grant grant = grant_of("stop", 3);
    GrantStore store = GRANT_STORE_INIT(grants_path);
    CLEANUP(mem) Grant *grants = NULL;
    size_t count = 0;

    grants_empty();
    grants_add(&grant);
    faults_file(fault, nth, stays);
    (void)grant_store_read(&store, NULL, &grants, &count, NULL);
    *failed = faults_end();
    grant_store_close(&store);
    assert_in_range(count, 0, 1);
    if (count == 1)
        assert_memory_equal(grants, &grant, sizeof(grant));
}

static void test_read(void **state)
{
    with_each_fault(read_once);
}

/* Whoever adds one must not take away another's, nor give back what was used of it. */
static void add_once(FileFault fault, unsigned nth, bool stays, bool *failed)
{
    Grant first = grant_of("stop", 3);
    Grant second = grant_of("cont", 2);
    GrantStore store = GRANT_STORE_INIT(grants_path);
    GrantTake take = {.grant = &first, .count = 1};
    Reason why = {""};
    int result;

    grants_empty();
    grants_add(&first);
    assert_int_equal(grant_store_take(&store, &take, 1, grant_clock(), &why), 1);
    grant_store_close(&store);
    faults_file(fault, nth, stays);
    result = grant_store_add(&store, &second, grant_clock(), &why);
    *failed = faults_end();
    grant_store_close(&store);
    if (fault != FAULT_SHORT)
        assert_int_equal(grants_find(first.id).left, 2);
    if (result == 0)
        assert_int_equal(grants_find(second.id).left, 2);
    else
        assert_true(*why.text);
}

static void test_add(void **state)
{
    with_each_fault(add_once);
}

static bool mark_revoked(Grant *grant, void *data)
{
    (void)data;
    grant->state = GRANT_REVOKED;
    return true;
}

/* What says that it was revoked stays so; what could not be is what it was. */
static void revoke_once(FileFault fault, unsigned nth, bool stays, bool *failed)
{
    Grant grant = grant_of("stop", 3);
    GrantStore store = GRANT_STORE_INIT(grants_path);
    CLEANUP(mem) Grant *changed = NULL;
    size_t count = 0;
    int result;

    grants_empty();
    grants_add(&grant);
    faults_file(fault, nth, stays);
    result = grant_store_change(&store, mark_revoked, NULL, &changed, &count, NULL);
    *failed = faults_end();
    grant_store_close(&store);
    if (fault == FAULT_SHORT)
        return;
    if (result == 0)
        assert_int_equal(count, 1);
    assert_int_equal(grants_find(grant.id).state, count == 1 ? GRANT_REVOKED : GRANT_GIVEN);
}

static void test_revoke(void **state)
{
    with_each_fault(revoke_once);
}

/* ---- policies */

static char *policy_text;
static size_t policy_length;

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void check_same_rule(const Rule *rule, const Rule *whole)
{
    assert_int_equal(rule->kind, whole->kind);
    assert_int_equal(rule->channels, whole->channels);
    assert_int_equal(rule->groups, whole->groups);
    assert_int_equal(rule->n_arguments, whole->n_arguments);
    assert_true(is_same_text(rule->id, whole->id) && is_same_text(rule->command, whole->command) &&
                is_same_text(rule->user, whole->user) &&
                is_same_text(rule->record, whole->record) &&
                is_same_text(rule->unix_group, whole->unix_group));
    for (size_t i = 0; i < rule->n_arguments; i++) {
        const Condition *condition = &rule->arguments[i];
        const Condition *wanted = &whole->arguments[i];

        assert_true(is_same_text(condition->name, wanted->name) &&
                    is_same_text(condition->match, wanted->match) &&
                    is_same_text(condition->prefix, wanted->prefix) &&
                    is_same_text(condition->value, wanted->value));
    }
}

static void check_same_policy(const Policy *policy, const Policy *whole)
{
    assert_string_equal(policy->digest, whole->digest);
    assert_int_equal(policy->n_rules, whole->n_rules);
    assert_int_equal(policy->n_limits, whole->n_limits);
    assert_int_equal(policy->n_start_rules, whole->n_start_rules);
    assert_int_equal(policy->n_profiles, whole->n_profiles);
    assert_int_equal(policy->mode, whole->mode);
    for (size_t i = 0; i < policy->n_rules; i++)
        check_same_rule(&policy->rules[i], &whole->rules[i]);
}

static Policy *parse_policy(PolicyError *error)
{
    return policy_parse(policy_text, policy_length, POLICY_HOST, error);
}

/* What a reader without memory may answer: the whole policy, or that it is to be asked again. */
static bool is_sound_answer(const Policy *policy, const Policy *whole, const PolicyError *error)
{
    if (policy)
        check_same_policy(policy, whole);
    return policy || error->is_transient;
}

/* The guard's own allocations; libxml2's never fail here. */
static void test_policy(void **state)
{
    PolicyError error = {0};
    Policy *whole = parse_policy(&error);

    if (!whole)
        fail_msg("%s", error.reason.text);
    xmlMemSetup(free, faults_spared_malloc, faults_spared_realloc, faults_spared_strdup);
    for (int stays = 0; stays < 2; stays++) {
        bool failed;
        unsigned nth = 0;

        do {
            Policy *policy;

            faults_allocation(++nth, stays);
            policy = parse_policy(&error);
            failed = faults_end();
            if (!is_sound_answer(policy, whole, &error))
                fail_msg("allocation %u: %s", nth, error.reason.text);
            policy_unref(policy);
        } while (failed);
        assert_true(nth > 20);
    }
    xmlMemSetup(free, malloc, realloc, strdup);
    policy_unref(whole);
}

static const char *try_policy(const void *data)
{
    const Policy *whole = data;
    PolicyError error = {0};
    const Policy *policy = parse_policy(&error);

    if (policy)
        return strcmp(policy->digest, whole->digest) == 0 ? NULL : "another policy";
    return error.is_transient ? NULL : "told to be invalid";
}

/* The same with libxml2's own: what must not be is a policy with a piece missing. */
static void test_policy_and_libxml(void **state)
{
    PolicyError error = {0};
    Policy *whole = parse_policy(&error);

    assert_true(faults_in_children(try_policy, whole) > 100);
    policy_unref(whole);
}

static char policy_file[96];

static void host_file_once(FileFault fault, unsigned nth, bool stays, bool *failed)
{
    PolicyError error = {0};
    Policy *whole = parse_policy(&error);
    Policy *policy = NULL;
    int found;

    faults_file(fault, nth, stays);
    found = policy_read_host_file(policy_file, &policy, &error);
    *failed = faults_end();
    if (found == 1)
        check_same_policy(policy, whole);
    else if (found == 0 || !error.is_transient || policy)
        fail_msg("%s, call %u: %d, %s", fault_names[fault], nth, found, error.reason.text);
    policy_unref(policy);
    policy_unref(whole);
}

static void test_host_file(void **state)
{
    with_each_fault(host_file_once);
}

static void read_example(const char *path)
{
    int fd = open(path, O_RDONLY);
    int copy;

    policy_text = calloc(1, POLICY_BYTES_MAX);
    policy_length = (size_t)read(fd, policy_text, POLICY_BYTES_MAX);
    close(fd);
    snprintf(policy_file, sizeof(policy_file), "%s.policy", grants_directory);
    copy = open(policy_file, O_WRONLY | O_CREAT, 0600);
    if (write(copy, policy_text, policy_length) < 0)
        perror(policy_file);
    close(copy);
}

int main(int argc, char **argv)
{
    int failed;

    grants_make_folder();
    snprintf(trail_file, sizeof(trail_file), "%s/audit.log", grants_directory);
    snprintf(head_file, sizeof(head_file), "%s/audit.log.head", grants_directory);
    policy_profile("baseline");
    read_example(argc > 1 ? argv[1] : "");
    unit_add("a policy, without memory", test_policy, NULL);
    unit_add("a policy, without memory for libxml2 either", test_policy_and_libxml, NULL);
    unit_add("the host policy's file", test_host_file, NULL);
    unit_add("the trail", test_trail, NULL);
    unit_add("the trail, without memory", test_trail_and_memory, NULL);
    unit_add("grants are read", test_read, NULL);
    unit_add("uses are taken", test_take, NULL);
    unit_add("a grant is given", test_add, NULL);
    unit_add("a grant is revoked", test_revoke, NULL);
    failed = unit_run("fault_files");
    free(policy_text);
    grants_remove_folder();
    return failed;
}
