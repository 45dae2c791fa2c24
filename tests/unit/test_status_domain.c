/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status: what the checks of a domain make of facts. */
#include "unit.h"

#include "status/report.h"
#include "util/cleanup.h"

#include <string.h>
#include <sys/stat.h>

static char name[] = "demo\n: guard";
static char network_reason[] = "-qmp opens a monitor that the network may reach";
static char unix_reason[] = "-qmp opens a monitor on the UNIX socket /tmp/x";
static char tls_reason[] = "-mon opens a monitor on TCP, with TLS";
static char other_reason[] = "-monitor opens a monitor outside libvirt's";
static char unix_path[] = "/tmp/x";
static char abstract_path[] = "@x";
static char no_path[] = "";

static ExtraMonitor network = {FINDING_NETWORK_MONITOR, network_reason, no_path, {0}};
static ExtraMonitor tls = {FINDING_TLS_MONITOR, tls_reason, no_path, {0}};
static ExtraMonitor other = {FINDING_OTHER_MONITOR, other_reason, no_path, {0}};
static ExtraMonitor abstract = {FINDING_UNIX_MONITOR, unix_reason, abstract_path, {0}};
static ExtraMonitor unseen = {FINDING_UNIX_MONITOR, unix_reason, unix_path, {0}};
static ExtraMonitor closed = {
    FINDING_UNIX_MONITOR, unix_reason, unix_path, {.knowledge = KNOWN, .mode = 0700}};
static ExtraMonitor hidden = {
    FINDING_UNIX_MONITOR, unix_reason, unix_path, {.knowledge = KNOWN, .mode = 0777}};
static ExtraMonitor open_to_all = {FINDING_UNIX_MONITOR,
                                   unix_reason,
                                   unix_path,
                                   {.knowledge = KNOWN, .mode = 0777, .others_pass = true}};
static ExtraMonitor groups = {FINDING_UNIX_MONITOR,
                              unix_reason,
                              unix_path,
                              {.knowledge = KNOWN, .mode = 0775, .others_pass = true}};
static ExtraMonitor several[3];

static DomainFacts sound;

/* A domain with which nothing is wrong. */
static void make_sound(void)
{
    sound = (DomainFacts){
        .name = name,
        .process = {.knowledge = KNOWN,
                    .uids = {64055, 64055, 64055, 64055},
                    .gids = {64055, 64055, 64055, 64055},
                    .seccomp = 2,
                    .no_new_privs = 1},
        .mount_namespace = {.knowledge = KNOWN, .is_own = true},
        .label = {.knowledge = KNOWN, .text = "system_u:system_r:svirt_t:s0:c1,c2"},
        .limits = {.knowledge = KNOWN, .text = "pids 4096"},
        .monitor = {.knowledge = KNOWN, .mode = S_IFSOCK | 0775, .uid = 64055},
        .extra_knowledge = KNOWN,
        .policy = {.knowledge = KNOWN, .is_valid = true},
    };
    several[0] = tls;
    several[1] = network;
    several[2] = other;
}

static void set_label(DomainFacts *facts, const char *text)
{
    strcpy(facts->label.text, text);
}

static void set_extra(DomainFacts *facts, ExtraMonitor *extra, size_t count)
{
    facts->extra = extra;
    facts->n_extra = count;
}

/* What a row does to the sound domain. */
#define CHANGES(X)                                                                                 \
    X(nothing, (void)f)                                                                            \
    X(process_unread, f->process.knowledge = NOT_KNOWN)                                            \
    X(real_root, f->process.uids[0] = 0)                                                           \
    X(effective_root, f->process.uids[1] = 0)                                                      \
    X(saved_root, f->process.uids[2] = 0)                                                          \
    X(file_root, f->process.uids[3] = 0)                                                           \
    X(root_group, f->process.gids[2] = 0)                                                          \
    X(further_root_group, f->process.in_root_group = true)                                         \
    X(mild, f->process.capabilities = UINT64_C(1) << 14)                                           \
    X(all_mild, f->process.capabilities = 0x1804400)                                               \
    X(network_admin, f->process.capabilities = UINT64_C(1) << 12)                                  \
    X(sys_admin, f->process.capabilities = UINT64_C(1) << 21 | UINT64_C(1) << 14)                  \
    X(newest, f->process.capabilities = UINT64_C(1) << 40)                                         \
    X(no_seccomp, f->process.seccomp = 0)                                                          \
    X(seccomp_unsaid, f->process.seccomp = -1)                                                     \
    X(new_privs, f->process.no_new_privs = 0)                                                      \
    X(new_privs_unsaid, f->process.no_new_privs = -1)                                              \
    X(namespace_unread, f->mount_namespace.knowledge = NOT_KNOWN)                                  \
    X(daemons_namespace, f->mount_namespace.is_own = false)                                        \
    X(label_unread, f->label.knowledge = NOT_KNOWN)                                                \
    X(no_label, f->label.knowledge = NOT_THERE)                                                    \
    X(apparmor, set_label(f, "libvirt-1ada012e-c5b6-4990-8739-80fa27edc370 (enforce)"))            \
    X(apparmor_complains, set_label(f, "libvirt-1ada012e-c5b6-4990-8739-80fa27edc370 (complain)")) \
    X(emulated, set_label(f, "system_u:system_r:svirt_tcg_t:s0:c1,c2"))                            \
    X(unconfined, set_label(f, "unconfined"))                                                      \
    X(unconfined_type, set_label(f, "unconfined_u:unconfined_r:unconfined_t:s0"))                  \
    X(daemons_profile, set_label(f, "libvirtd (enforce)"))                                         \
    X(limits_unread, f->limits.knowledge = NOT_KNOWN)                                              \
    X(no_limits, f->limits.knowledge = NOT_THERE)                                                  \
    X(monitor_unseen, f->monitor.knowledge = NOT_KNOWN)                                            \
    X(monitor_gone, f->monitor.knowledge = NOT_THERE)                                              \
    X(monitor_open, f->monitor.mode = S_IFSOCK | 0777; f->monitor.others_pass = true)              \
    X(monitor_groups, f->monitor.others_pass = true)                                               \
    X(monitor_hidden, f->monitor.mode = S_IFSOCK | 0777)                                           \
    X(monitor_anothers, f->monitor.uid = 1000)                                                     \
    X(monitor_roots, f->monitor.uid = 0)                                                           \
    X(arguments_unread, f->extra_knowledge = NOT_KNOWN)                                            \
    X(on_network, set_extra(f, &network, 1))                                                       \
    X(on_tls, set_extra(f, &tls, 1))                                                               \
    X(on_other, set_extra(f, &other, 1))                                                           \
    X(on_abstract, set_extra(f, &abstract, 1))                                                     \
    X(on_unseen, set_extra(f, &unseen, 1))                                                         \
    X(on_closed, set_extra(f, &closed, 1))                                                         \
    X(on_groups, set_extra(f, &groups, 1))                                                         \
    X(on_hidden, set_extra(f, &hidden, 1))                                                         \
    X(on_open, set_extra(f, &open_to_all, 1))                                                      \
    X(on_several, set_extra(f, several, 3))                                                        \
    X(policy_unread, f->policy.knowledge = NOT_KNOWN)                                              \
    X(no_policy, f->policy.knowledge = NOT_THERE)                                                  \
    X(policy_invalid, f->policy.is_valid = false)                                                  \
    X(policy_audits, f->policy.only_audits = true)

#define DEFINE_CHANGE(change, statement)                                                           \
    static void change_##change(DomainFacts *f)                                                    \
    {                                                                                              \
        statement;                                                                                 \
    }
CHANGES(DEFINE_CHANGE)

typedef struct CheckRow {
    const char *name;
    const char *check;
    void (*change)(DomainFacts *facts);
    CheckResult result;
    const char *word; /* of the detail */
} CheckRow;

#define ROW(check, change, result, word)                                                           \
    {                                                                                              \
        check ": " #change, check, change_##change, result, word                                   \
    }

static const CheckRow rows[] = {
    ROW("qemu-user", nothing, CHECK_PASS, "uid 64055"),
    ROW("qemu-user", process_unread, CHECK_UNKNOWN, "not known"),
    ROW("qemu-user", real_root, CHECK_FAIL, "root"),
    ROW("qemu-user", effective_root, CHECK_FAIL, "root"),
    ROW("qemu-user", saved_root, CHECK_FAIL, "root"),
    ROW("qemu-user", file_root, CHECK_FAIL, "root"),
    ROW("qemu-user", root_group, CHECK_WARN, "group"),
    ROW("qemu-user", further_root_group, CHECK_WARN, "group"),
    ROW("capabilities", nothing, CHECK_PASS, "none"),
    ROW("capabilities", process_unread, CHECK_UNKNOWN, "not known"),
    ROW("capabilities", mild, CHECK_WARN, "0000000000004000"),
    ROW("capabilities", all_mild, CHECK_WARN, "0000000001804400"),
    ROW("capabilities", network_admin, CHECK_FAIL, "0000000000001000"),
    ROW("capabilities", sys_admin, CHECK_FAIL, "0000000000204000"),
    ROW("capabilities", newest, CHECK_FAIL, "0000010000000000"),
    ROW("seccomp", nothing, CHECK_PASS, "a filter"),
    ROW("seccomp", process_unread, CHECK_UNKNOWN, "not known"),
    ROW("seccomp", no_seccomp, CHECK_WARN, "no filter"),
    ROW("seccomp", seccomp_unsaid, CHECK_UNKNOWN, "not known"),
    ROW("no-new-privs", nothing, CHECK_PASS, "set"),
    ROW("no-new-privs", process_unread, CHECK_UNKNOWN, "not known"),
    ROW("no-new-privs", new_privs, CHECK_WARN, "not set"),
    ROW("no-new-privs", new_privs_unsaid, CHECK_UNKNOWN, "not known"),
    ROW("mount-namespace", nothing, CHECK_PASS, "its own"),
    ROW("mount-namespace", namespace_unread, CHECK_UNKNOWN, "not known"),
    ROW("mount-namespace", daemons_namespace, CHECK_WARN, "the daemon's"),
    ROW("label", nothing, CHECK_PASS, "svirt_t"),
    ROW("label", apparmor, CHECK_PASS, "(enforce)"),
    ROW("label", emulated, CHECK_PASS, "svirt_tcg_t"),
    ROW("label", label_unread, CHECK_UNKNOWN, "not known"),
    ROW("label", no_label, CHECK_WARN, "neither"),
    ROW("label", apparmor_complains, CHECK_WARN, "(complain)"),
    ROW("label", unconfined, CHECK_WARN, "unconfined"),
    ROW("label", unconfined_type, CHECK_WARN, "unconfined_t"),
    ROW("label", daemons_profile, CHECK_WARN, "libvirtd"),
    ROW("cgroup-limits", nothing, CHECK_PASS, "pids 4096"),
    ROW("cgroup-limits", limits_unread, CHECK_UNKNOWN, "not known"),
    ROW("cgroup-limits", no_limits, CHECK_WARN, "none"),
    ROW("monitor-socket", nothing, CHECK_PASS, "0775"),
    ROW("monitor-socket", monitor_unseen, CHECK_UNKNOWN, "not known"),
    ROW("monitor-socket", monitor_gone, CHECK_UNKNOWN, "not known"),
    ROW("monitor-socket", monitor_open, CHECK_FAIL, "any user"),
    ROW("monitor-socket", monitor_groups, CHECK_PASS, "0775"),
    ROW("monitor-socket", monitor_hidden, CHECK_PASS, "a directory that others do not enter"),
    ROW("monitor-socket", monitor_anothers, CHECK_WARN, "uid 1000"),
    ROW("monitor-socket", monitor_roots, CHECK_PASS, "0775"),
    ROW("extra-monitor", nothing, CHECK_PASS, "none"),
    ROW("extra-monitor", arguments_unread, CHECK_UNKNOWN, "not known"),
    ROW("extra-monitor", on_network, CHECK_FAIL, "network"),
    ROW("extra-monitor", on_tls, CHECK_WARN, "TLS"),
    ROW("extra-monitor", on_other, CHECK_WARN, "outside"),
    ROW("extra-monitor", on_abstract, CHECK_FAIL, "open to any user"),
    ROW("extra-monitor", on_unseen, CHECK_WARN, "/tmp/x; 1 in all"),
    ROW("extra-monitor", on_closed, CHECK_WARN, "/tmp/x; 1 in all"),
    ROW("extra-monitor", on_groups, CHECK_WARN, "/tmp/x; 1 in all"),
    ROW("extra-monitor", on_hidden, CHECK_WARN, "/tmp/x; 1 in all"),
    ROW("extra-monitor", on_open, CHECK_FAIL, "/tmp/x, open to any user"),
    ROW("extra-monitor", on_several, CHECK_FAIL, "network may reach; 3 in all"),
    ROW("domain-policy", nothing, CHECK_PASS, "valid"),
    ROW("domain-policy", policy_unread, CHECK_UNKNOWN, "not known"),
    ROW("domain-policy", no_policy, CHECK_PASS, "none"),
    ROW("domain-policy", policy_invalid, CHECK_FAIL, "invalid"),
    ROW("domain-policy", policy_audits, CHECK_WARN, "audit"),
};

/* What an attacker gains without these is less than what the others stand for. */
static const char *const only_warn[] = {"seccomp", "no-new-privs", "mount-namespace", "label",
                                        "cgroup-limits"};

static const DomainCheck *find_check(const char *wanted)
{
    for (size_t i = 0; i < domain_check_count; i++) {
        if (strcmp(domain_checks[i].name, wanted) == 0)
            return &domain_checks[i];
    }
    fail_msg("there is no check %s", wanted);
    return NULL;
}

static void test_row(void **state)
{
    const CheckRow *row = *state;
    DomainFacts facts = sound;
    Reason detail = {""};

    row->change(&facts);
    assert_int_equal(find_check(row->check)->judge(&facts, &detail), row->result);
    assert_has_word(detail.text, row->word);
}

/* What was never gathered has not passed. */
static void test_nothing_known(void **state)
{
    const DomainFacts facts = {0};

    (void)state;
    for (size_t i = 0; i < domain_check_count; i++) {
        Reason detail = {""};

        assert_int_equal(domain_checks[i].judge(&facts, &detail), CHECK_UNKNOWN);
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

static bool may_fail(const char *check)
{
    for (size_t i = 0; i < COUNT_OF(only_warn); i++) {
        if (strcmp(only_warn[i], check) == 0)
            return false;
    }
    return true;
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
    for (size_t i = 0; i < domain_check_count; i++) {
        const char *check = domain_checks[i].name;

        assert_row(check, CHECK_PASS);
        assert_row(check, CHECK_UNKNOWN);
        assert_row(check, CHECK_WARN);
        assert_true(has_row(check, CHECK_FAIL) == may_fail(check));
        assert_true(strlen(domain_checks[i].remedy) > 0);
    }
}

/* A domain's name cannot make a line of its own. */
static void test_report(void **state)
{
    CLEANUP(json) json_object *all = json_object_new_array();
    json_object *row;

    (void)state;
    report_domain(all, &sound, true);
    assert_int_equal(json_object_array_length(all), domain_check_count);
    assert_false(report_has_failure(all));
    row = json_object_array_get_idx(all, 0);
    assert_json(row, "{\"scope\":\"domain\",\"domain\":\"demo\\\\x0a: guard\",\"check\":"
                     "\"qemu-user\",\"result\":\"PASS\",\"detail\":\"uid 64055\",\"remedy\":null}");
}

int main(void)
{
    make_sound();
    UNIT_ADD_ROWS(rows, test_row);
    unit_add("what is not known does not pass", test_nothing_known, NULL);
    unit_add("each check has its rows", test_rows_are_complete, NULL);
    unit_add("report", test_report, NULL);
    return unit_run("status_domain");
}
