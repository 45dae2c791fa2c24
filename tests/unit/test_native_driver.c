/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin/native.c before a libvirt of the test's own: what it asks, and what it makes of the
 * answers. */
#include "unit.h"

#include "libvirt_private.h"
#include "native.h"
#include "util/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DOMAIN_NAME "vm"
#define DOMAIN_UUID "c5c0db17-da54-4952-ad2e-e4f4df2be6cc"
#define PREFIX "org.libvirt.api.domain."
#define DETAILS "connect_driver=QEMU domain_name=" DOMAIN_NAME " domain_uuid=" DOMAIN_UUID " "

/* What the daemon and the caller are like. */
typedef struct DriverRow {
    const char *name;
    const char *missing; /* a symbol that this libvirt lacks */
    bool has_manager;
    bool is_open; /* the access drivers let everybody in */
    int pid_answer; /* 1: the identity has one */
    pid_t pid;
    int time_answer;
    const char *unanswered; /* the permission that polkit fails on */
    const char *denied; /* the permission that polkit refuses */
    const char *granted; /* what the guard makes of it; JSON */
    const char *questions; /* what polkit was asked */
} DriverRow;

static const DriverRow rows[] = {
    {.name = "no access driver",
     .has_manager = true,
     .is_open = true,
     .granted = "[\"stop\",\"reset\",\"core_dump\"]",
     .questions = ""},
    {.name = "no access driver, no process",
     .has_manager = true,
     .is_open = true,
     .pid_answer = -1,
     .granted = "[\"stop\",\"reset\",\"core_dump\"]",
     .questions = ""},
    {.name = "polkit grants all",
     .has_manager = true,
     .pid_answer = 1,
     .pid = 7,
     .time_answer = 1,
     .granted = "[\"stop\",\"reset\",\"core_dump\"]",
     .questions = "stop reset core-dump "},
    {.name = "polkit denies the first",
     .has_manager = true,
     .pid_answer = 1,
     .pid = 7,
     .time_answer = 1,
     .denied = "stop",
     .granted = "[\"reset\",\"core_dump\"]",
     .questions = "stop reset core-dump "},
    {.name = "polkit fails",
     .has_manager = true,
     .pid_answer = 1,
     .pid = 7,
     .time_answer = 1,
     .unanswered = "core-dump",
     .granted = "[\"stop\",\"reset\"]",
     .questions = "stop reset core-dump "},
    {.name = "no process",
     .has_manager = true,
     .pid_answer = 0,
     .time_answer = 1,
     .granted = "[]",
     .questions = ""},
    {.name = "process out of sight",
     .has_manager = true,
     .pid_answer = 1,
     .pid = -1,
     .time_answer = 1,
     .granted = "[]",
     .questions = ""},
    {.name = "process 0",
     .has_manager = true,
     .pid_answer = 1,
     .pid = 0,
     .time_answer = 1,
     .granted = "[]",
     .questions = ""},
    {.name = "no start time",
     .has_manager = true,
     .pid_answer = 1,
     .pid = 7,
     .time_answer = 0,
     .granted = "[]",
     .questions = ""},
    {.name = "no manager",
     .pid_answer = 1,
     .pid = 7,
     .time_answer = 1,
     .granted = "[]",
     .questions = ""},
    {.name = "no virIdentityNew",
     .missing = "identity_new",
     .has_manager = true,
     .is_open = true,
     .granted = "[]",
     .questions = ""},
    {.name = "no virAccessManagerGetDefault",
     .missing = "get_default",
     .has_manager = true,
     .is_open = true,
     .granted = "[]",
     .questions = ""},
    {.name = "no virAccessManagerCheckConnect",
     .missing = "check_connect",
     .has_manager = true,
     .is_open = true,
     .granted = "[]",
     .questions = ""},
    {.name = "no virPolkitCheckAuth",
     .missing = "check_auth",
     .has_manager = true,
     .pid_answer = 1,
     .pid = 7,
     .time_answer = 1,
     .granted = "[]",
     .questions = ""},
};

LibvirtPrivate libvirt;

static const DriverRow *now;
static char questions[1024];
static char nobody, caller, manager; /* only their addresses count */
static Identity *current;
static int references; /* taken and not given back */

static Identity *fake_current(void)
{
    references++;
    return current;
}

static Identity *fake_new(void)
{
    references++;
    return (Identity *)&nobody;
}

static int fake_set_current(Identity *identity)
{
    current = identity;
    return 0;
}

static void *fake_get_default(void)
{
    references += now->has_manager;
    return now->has_manager ? &manager : NULL;
}

static void fake_unref(void *object)
{
    assert_non_null(object);
    references--;
}

static int fake_check_connect(void *asked, const char *driver, int permission)
{
    assert_ptr_equal(asked, &manager);
    assert_ptr_equal(current, &nobody); /* or polkit would be asked about the caller */
    assert_string_equal(driver, "QEMU");
    assert_int_equal(permission, 0);
    return now->is_open ? 1 : -1;
}

static int fake_pid(Identity *identity, pid_t *ret)
{
    assert_ptr_equal(identity, &caller);
    *ret = now->pid;
    return now->pid_answer;
}

static int fake_uid(Identity *identity, uid_t *ret)
{
    assert_ptr_equal(identity, &caller);
    *ret = 1000;
    return 1;
}

static int fake_started(Identity *identity, unsigned long long *ret)
{
    assert_ptr_equal(identity, &caller);
    *ret = 12345;
    return now->time_answer;
}

static int fake_check_auth(const char *action, pid_t pid, unsigned long long started, uid_t uid,
                           const char **details, bool may_interact)
{
    const char *permission = action + strlen(PREFIX);
    char told[256] = "";

    assert_int_equal(strncmp(action, PREFIX, strlen(PREFIX)), 0);
    assert_int_equal(pid, 7);
    assert_int_equal(started, 12345);
    assert_int_equal(uid, 1000);
    assert_false(may_interact);
    for (; *details; details += 2) {
        size_t length = strlen(told);

        snprintf(told + length, sizeof(told) - length, "%s=%s ", details[0], details[1]);
    }
    assert_string_equal(told, DETAILS);
    strcat(strcat(questions, permission), " ");
    if (now->denied && strcmp(now->denied, permission) == 0)
        return -2;
    return now->unanswered && strcmp(now->unanswered, permission) == 0 ? -1 : 0;
}

static bool has(const char *symbol)
{
    return !now->missing || strcmp(now->missing, symbol) != 0;
}

static NativeSet permissions(const char *const *wanted)
{
    NativeSet set = 0;

    for (; *wanted; wanted++) {
        for (unsigned bit = 0; native_name(bit); bit++) {
            if (strcmp(native_name(bit), *wanted) == 0)
                set |= (NativeSet)1 << bit;
        }
    }
    return set;
}

static void check_row(void)
{
    const NativeSet asked = permissions((const char *const[]){"stop", "reset", "core_dump", NULL});
    CLEANUP(json) json_object *granted = NULL;

    libvirt = (LibvirtPrivate){
        .identity_get_current = fake_current,
        .identity_new = has("identity_new") ? fake_new : NULL,
        .identity_set_current = fake_set_current,
        .identity_get_pid = fake_pid,
        .identity_get_uid = fake_uid,
        .identity_get_started = fake_started,
        .object_unref = fake_unref,
        .access_get_default = has("get_default") ? fake_get_default : NULL,
        .access_check_connect = has("check_connect") ? fake_check_connect : NULL,
        .polkit_check_auth = has("check_auth") ? fake_check_auth : NULL,
    };
    current = (Identity *)&caller;
    granted = native_name_list(native_granted(DOMAIN_NAME, DOMAIN_UUID, asked));
    assert_json(granted, now->granted);
    assert_string_equal(questions, now->questions);
    assert_int_equal(native_granted(DOMAIN_NAME, DOMAIN_UUID, 0), 0);
    assert_int_equal(native_granted(NULL, DOMAIN_UUID, asked), 0);
    assert_int_equal(native_granted(DOMAIN_NAME, NULL, asked), 0);
    assert_ptr_equal(current, &caller);
    assert_int_equal(references, 0);
}

static void test_row(void **state)
{
    now = *state;
    check_row();
}

/*
 * A process looks for its driver once, so each row has one of its own: this program, run with the
 * row's number.
 */
static void test_in_process(void **state)
{
    const DriverRow *row = *state;
    CLEANUP(mem) char *number = formatted("%zu", (size_t)(row - rows));
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "test_native_driver", number, NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        const DriverRow *row = &rows[strtoul(argv[1], NULL, 10)];

        /* The guard makes the real libvirt forget its last error. */
        if (virInitialize() < 0)
            return 2;
        /* Its own account goes where people look: what the parent writes is for meson. */
        dup2(STDERR_FILENO, STDOUT_FILENO);
        unit_add(row->name, test_row, (void *)(uintptr_t)row);
        return unit_run("row");
    }
    UNIT_ADD_ROWS(rows, test_in_process);
    return unit_run("native_driver");
}
