/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status: what the checks of the host make of facts, and how results are reported. */
#include "unit.h"

#include "status/report.h"
#include "util/cleanup.h"

#include <string.h>
#include <sys/stat.h>

static FileFacts file_of(mode_t mode)
{
    return (FileFacts){.knowledge = KNOWN, .mode = mode, .size = 1000, .others_pass = true};
}

static HostFacts sound;

/* A host on which nothing is wrong. */
static void make_sound(void)
{
    sound = (HostFacts){
        .daemon = {.knowledge = KNOWN,
                   .pid = 12,
                   .name = "libvirtd",
                   .marks = {.is_guarded = true, .had_host_file = true}},
        .preload = {.knowledge = KNOWN, .is_set = true, .is_asserted = true},
        .log = {.knowledge = KNOWN, .source = 1, .output = 1},
        .hook = file_of(S_IFREG | 0755),
        .hook_directory = file_of(S_IFDIR | 0755),
        .policy_file = file_of(S_IFREG | 0644),
        .policy_directory = file_of(S_IFDIR | 0755),
        .policy = {.knowledge = KNOWN, .is_valid = true},
        .trail_directory = file_of(S_IFDIR | 0700),
        .trail = file_of(S_IFREG | 0600),
        .trail_head = file_of(S_IFREG | 0600),
        .is_head_sound = true,
        .grants_directory = file_of(S_IFDIR | 0700),
    };
}

/* What a row does to the sound host. */
#define CHANGES(X)                                                                                 \
    X(nothing, (void)f)                                                                            \
    X(not_active, f->daemon.marks.is_guarded = false)                                              \
    X(outdated, f->daemon.marks.is_outdated = true)                                                \
    X(marks_unread, f->daemon.knowledge = NOT_KNOWN)                                               \
    X(no_unit, f->preload.knowledge = NOT_THERE)                                                   \
    X(unit_unread, f->preload.knowledge = NOT_KNOWN)                                               \
    X(not_preloaded, f->preload.is_set = false)                                                    \
    X(not_asserted, f->preload.is_asserted = false)                                                \
    X(no_hook, f->hook.knowledge = NOT_THERE)                                                      \
    X(hook_unseen, f->hook.knowledge = NOT_KNOWN)                                                  \
    X(hook_directory, f->hook.mode = S_IFDIR | 0755)                                               \
    X(hook_not_executable, f->hook.mode = S_IFREG | 0644)                                          \
    X(hook_not_roots, f->hook.uid = 1000)                                                          \
    X(hook_group_writes, f->hook.mode = S_IFREG | 0775)                                            \
    X(hook_others_write, f->hook.mode = S_IFREG | 0757)                                            \
    X(hook_beside_others, f->hook_directory.mode = S_IFDIR | 0777)                                 \
    X(hook_above_unseen, f->hook_directory.knowledge = NOT_KNOWN)                                  \
    X(log_unread, f->log.knowledge = NOT_KNOWN)                                                    \
    X(log_info, f->log.source = f->log.output = 2)                                                 \
    X(log_filter_warning, f->log.source = 3)                                                       \
    X(log_output_warning, f->log.output = 3)                                                       \
    X(log_filter_error, f->log.source = 4)                                                         \
    X(log_output_error, f->log.output = 4)                                                         \
    X(policy_unseen, f->policy_file.knowledge = NOT_KNOWN)                                         \
    X(policy_unread, f->policy.knowledge = NOT_KNOWN)                                              \
    X(no_policy, f->policy_file.knowledge = NOT_THERE; f->daemon.marks.had_host_file = false)      \
    X(policy_gone, f->policy_file.knowledge = NOT_THERE)                                           \
    X(policy_not_roots, f->policy_file.uid = 1)                                                    \
    X(policy_group_writes, f->policy_file.mode = S_IFREG | 0664)                                   \
    X(policy_beside_others, f->policy_directory.uid = 7)                                           \
    X(policy_invalid, f->policy.is_valid = false)                                                  \
    X(policy_audits, f->policy.only_audits = true)                                                 \
    X(directory_unseen, f->trail_directory.knowledge = NOT_KNOWN)                                  \
    X(no_directory, f->trail_directory.knowledge = NOT_THERE)                                      \
    X(directory_is_file, f->trail_directory.mode = S_IFREG | 0700)                                 \
    X(directory_read, f->trail_directory.mode = S_IFDIR | 0750)                                    \
    X(directory_written, f->trail_directory.mode = S_IFDIR | 0770)                                 \
    X(directory_not_roots, f->trail_directory.uid = 3)                                             \
    X(trail_unseen, f->trail.knowledge = NOT_KNOWN)                                                \
    X(no_trail, f->trail.knowledge = NOT_THERE)                                                    \
    X(trail_is_directory, f->trail.mode = S_IFDIR | 0600)                                          \
    X(trail_read, f->trail.mode = S_IFREG | 0604)                                                  \
    X(trail_written, f->trail.mode = S_IFREG | 0620)                                               \
    X(trail_not_roots, f->trail.uid = 104)                                                         \
    X(head_unseen, f->trail_head.knowledge = NOT_KNOWN)                                            \
    X(head_gone, f->trail_head.knowledge = NOT_THERE)                                              \
    X(no_chain, f->trail_head.knowledge = NOT_THERE; f->trail.knowledge = NOT_THERE)               \
    X(empty_chain, f->trail_head.knowledge = NOT_THERE; f->trail.size = 0)                         \
    X(head_damaged, f->is_head_sound = false)                                                      \
    X(head_written, f->trail_head.mode = S_IFREG | 0602)                                           \
    X(grants_unseen, f->grants_directory.knowledge = NOT_KNOWN)                                    \
    X(no_grants, f->grants_directory.knowledge = NOT_THERE)                                        \
    X(grants_is_file, f->grants_directory.mode = S_IFREG | 0700)                                   \
    X(grants_read, f->grants_directory.mode = S_IFDIR | 0755)                                      \
    X(grants_written, f->grants_directory.mode = S_IFDIR | 0777)                                   \
    X(grants_not_roots, f->grants_directory.uid = 1)

#define DEFINE_CHANGE(name, statement)                                                             \
    static void change_##name(HostFacts *f)                                                        \
    {                                                                                              \
        statement;                                                                                 \
    }
CHANGES(DEFINE_CHANGE)

typedef struct CheckRow {
    const char *name;
    const char *check;
    void (*change)(HostFacts *facts);
    CheckResult result;
    const char *word; /* of the detail */
} CheckRow;

#define ROW(check, change, result, word)                                                           \
    {                                                                                              \
        check ": " #change, check, change_##change, result, word                                   \
    }

static const CheckRow rows[] = {
    ROW("guard-live", nothing, CHECK_PASS, "libvirtd, process 12"),
    ROW("guard-live", not_active, CHECK_FAIL, "not active in libvirtd, process 12"),
    ROW("guard-live", outdated, CHECK_WARN, "before the plugin was upgraded"),
    ROW("guard-live", marks_unread, CHECK_UNKNOWN, "not known"),
    ROW("preload-set", nothing, CHECK_PASS, "by the unit"),
    ROW("preload-set", no_unit, CHECK_WARN, "no unit"),
    ROW("preload-set", unit_unread, CHECK_UNKNOWN, "not known"),
    ROW("preload-set", not_preloaded, CHECK_FAIL, "does not preload"),
    ROW("preload-set", not_asserted, CHECK_WARN, "when the guard is missing"),
    ROW("hook-installed", nothing, CHECK_PASS, "root's"),
    ROW("hook-installed", no_hook, CHECK_FAIL, "not installed"),
    ROW("hook-installed", hook_unseen, CHECK_UNKNOWN, "not known"),
    ROW("hook-installed", hook_directory, CHECK_FAIL, "not a regular file"),
    ROW("hook-installed", hook_not_executable, CHECK_FAIL, "not executable"),
    ROW("hook-installed", hook_not_roots, CHECK_FAIL, "uid 1000"),
    ROW("hook-installed", hook_group_writes, CHECK_FAIL, "0775"),
    ROW("hook-installed", hook_others_write, CHECK_FAIL, "0757"),
    ROW("hook-installed", hook_beside_others, CHECK_FAIL, "its directory: mode 0777"),
    ROW("hook-installed", hook_above_unseen, CHECK_UNKNOWN, "not known"),
    ROW("log-level", nothing, CHECK_PASS, "INFO"),
    ROW("log-level", log_info, CHECK_PASS, "INFO"),
    ROW("log-level", log_unread, CHECK_UNKNOWN, "not known"),
    ROW("log-level", log_filter_warning, CHECK_WARN, "by log_filters"),
    ROW("log-level", log_output_warning, CHECK_WARN, "by log_outputs"),
    ROW("log-level", log_filter_error, CHECK_FAIL, "by log_filters"),
    ROW("log-level", log_output_error, CHECK_FAIL, "by log_outputs"),
    ROW("host-policy", nothing, CHECK_PASS, "root's, mode 0644"),
    ROW("host-policy", policy_unseen, CHECK_UNKNOWN, "not known"),
    ROW("host-policy", policy_unread, CHECK_UNKNOWN, "not known"),
    ROW("host-policy", no_policy, CHECK_WARN, "no file"),
    ROW("host-policy", policy_gone, CHECK_FAIL, "gone"),
    ROW("host-policy", policy_not_roots, CHECK_FAIL, "uid 1"),
    ROW("host-policy", policy_group_writes, CHECK_FAIL, "0664"),
    ROW("host-policy", policy_beside_others, CHECK_FAIL, "its directory: belongs to uid 7"),
    ROW("host-policy", policy_invalid, CHECK_FAIL, "invalid"),
    ROW("host-policy", policy_audits, CHECK_WARN, "audit"),
    ROW("trail-directory", nothing, CHECK_PASS, "0700"),
    ROW("trail-directory", directory_unseen, CHECK_UNKNOWN, "not known"),
    ROW("trail-directory", no_directory, CHECK_WARN, "not there"),
    ROW("trail-directory", directory_is_file, CHECK_FAIL, "not a directory"),
    ROW("trail-directory", directory_read, CHECK_WARN, "may read"),
    ROW("trail-directory", directory_written, CHECK_FAIL, "may write"),
    ROW("trail-directory", directory_not_roots, CHECK_FAIL, "uid 3"),
    ROW("trail-file", nothing, CHECK_PASS, "0600"),
    ROW("trail-file", trail_unseen, CHECK_UNKNOWN, "not known"),
    ROW("trail-file", no_trail, CHECK_WARN, "not there"),
    ROW("trail-file", trail_is_directory, CHECK_FAIL, "not a regular file"),
    ROW("trail-file", trail_read, CHECK_WARN, "may read"),
    ROW("trail-file", trail_written, CHECK_FAIL, "may write"),
    ROW("trail-file", trail_not_roots, CHECK_FAIL, "uid 104"),
    ROW("trail-chain", nothing, CHECK_PASS, "0600"),
    ROW("trail-chain", head_unseen, CHECK_UNKNOWN, "not known"),
    ROW("trail-chain", trail_unseen, CHECK_UNKNOWN, "not known"),
    ROW("trail-chain", head_gone, CHECK_FAIL, "gone"),
    ROW("trail-chain", no_chain, CHECK_WARN, "no record"),
    ROW("trail-chain", empty_chain, CHECK_WARN, "no record"),
    ROW("trail-chain", head_damaged, CHECK_FAIL, "damaged"),
    ROW("trail-chain", head_written, CHECK_FAIL, "may write"),
    ROW("grants-directory", nothing, CHECK_PASS, "0700"),
    ROW("grants-directory", grants_unseen, CHECK_UNKNOWN, "not known"),
    ROW("grants-directory", no_grants, CHECK_PASS, "not there"),
    ROW("grants-directory", grants_is_file, CHECK_FAIL, "not a directory"),
    ROW("grants-directory", grants_read, CHECK_WARN, "may read"),
    ROW("grants-directory", grants_written, CHECK_FAIL, "may write"),
    ROW("grants-directory", grants_not_roots, CHECK_FAIL, "uid 1"),
};

static const HostCheck *find_check(const char *name)
{
    for (size_t i = 0; i < host_check_count; i++) {
        if (strcmp(host_checks[i].name, name) == 0)
            return &host_checks[i];
    }
    fail_msg("there is no check %s", name);
    return NULL;
}

static void test_row(void **state)
{
    const CheckRow *row = *state;
    HostFacts facts = sound;
    Reason detail = {""};

    row->change(&facts);
    assert_int_equal(find_check(row->check)->judge(&facts, &detail), row->result);
    assert_has_word(detail.text, row->word);
}

/* What was never gathered has not passed. */
static void test_nothing_known(void **state)
{
    const HostFacts facts = {0};

    (void)state;
    for (size_t i = 0; i < host_check_count; i++) {
        Reason detail = {""};

        assert_int_equal(host_checks[i].judge(&facts, &detail), CHECK_UNKNOWN);
        assert_has_word(detail.text, "not known");
    }
}

static bool has_row(const char *check, CheckResult result)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(rows[i].check, check) == 0 && rows[i].result == result)
            return true;
    }
    return false;
}

static void assert_row(const char *check, CheckResult result)
{
    if (!has_row(check, result))
        fail_msg("no row for %s: %s%s", check, check_result_name(result),
                 result == CHECK_UNKNOWN ? ", as it is not known" : "");
}

static void test_rows_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < host_check_count; i++) {
        const char *name = host_checks[i].name;

        assert_row(name, CHECK_PASS);
        assert_row(name, CHECK_UNKNOWN);
        assert_row(name, CHECK_FAIL);
        if (strcmp(name, "guard-live") != 0 && strcmp(name, "hook-installed") != 0)
            assert_row(name, CHECK_WARN);
        assert_true(strlen(host_checks[i].remedy) > 0);
    }
}

static const char *member(json_object *row, const char *name)
{
    return json_object_get_string(json_object_object_get(row, name));
}

static json_object *reported(const HostFacts *facts, bool is_root, size_t *ret_failed)
{
    json_object *all = json_object_new_array();

    report_host(all, facts, is_root);
    assert_int_equal(json_object_array_length(all), host_check_count);
    *ret_failed = 0;
    for (size_t i = 0; i < host_check_count; i++)
        *ret_failed += strcmp(member(json_object_array_get_idx(all, i), "result"), "FAIL") == 0;
    return all;
}

static void test_report(void **state)
{
    HostFacts facts = sound;
    CLEANUP(json) json_object *good = NULL;
    CLEANUP(json) json_object *bad = NULL;
    json_object *first;
    size_t n_failed;

    (void)state;
    good = reported(&facts, true, &n_failed);
    assert_int_equal(n_failed, 0);
    assert_false(report_has_failure(good));
    first = json_object_array_get_idx(good, 0);
    assert_json(first, "{\"scope\":\"host\",\"domain\":null,\"check\":\"guard-live\",\"result\":"
                       "\"PASS\",\"detail\":\"active in libvirtd, process 12\",\"remedy\":null}");

    facts.daemon.marks.is_guarded = false;
    bad = reported(&facts, true, &n_failed);
    assert_int_equal(n_failed, 1);
    assert_true(report_has_failure(bad));
    first = json_object_array_get_idx(bad, 0);
    assert_string_equal(member(first, "remedy"), host_checks[0].remedy);
}

static void test_report_unknown(void **state)
{
    const HostFacts facts = {0};
    CLEANUP(json) json_object *users = NULL;
    CLEANUP(json) json_object *roots = NULL;
    size_t n_failed;

    (void)state;
    users = reported(&facts, false, &n_failed);
    assert_false(report_has_failure(users));
    roots = reported(&facts, true, &n_failed);
    for (size_t i = 0; i < host_check_count; i++) {
        json_object *users_row = json_object_array_get_idx(users, i);
        json_object *roots_row = json_object_array_get_idx(roots, i);

        assert_string_equal(member(users_row, "result"), "WARN");
        assert_string_equal(member(users_row, "remedy"), "run as root");
        assert_string_equal(member(roots_row, "result"), "WARN");
        assert_string_not_equal(member(roots_row, "remedy"), "run as root");
    }
}

int main(void)
{
    make_sound();
    UNIT_ADD_ROWS(rows, test_row);
    unit_add("what is not known does not pass", test_nothing_known, NULL);
    unit_add("each check has its rows", test_rows_are_complete, NULL);
    unit_add("report", test_report, NULL);
    unit_add("report of what is not known", test_report_unknown, NULL);
    return unit_run("status_host");
}
