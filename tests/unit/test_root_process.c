/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "root_process.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/qmp-guard-unit-XXXXXX";

/* A process that runs a copy of sleep(1) by the name @name, until it is ended. */
static pid_t run_as(const char *name)
{
    CLEANUP(mem) char *path = formatted("%s/%s", directory, name);
    CLEANUP(mem) char *copy = formatted("cp /bin/sleep %s", path);
    int is_running[2];
    char byte;
    pid_t child;

    assert_int_equal(system(copy), 0);
    assert_int_equal(chmod(path, 0111), 0); /* so that only root may look which file it is */
    assert_int_equal(pipe2(is_running, O_CLOEXEC), 0); /* which exec closes */
    child = fork();
    if (child == 0) {
        execl(path, name, "600", NULL);
        _exit(1);
    }
    close(is_running[1]);
    assert_int_equal(read(is_running[0], &byte, 1), 0);
    close(is_running[0]);
    unlink(path);
    return child;
}

static void end(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* Of the 22nd field of /proc/PID/stat: see proc(5). */
static unsigned long long start_of(pid_t pid)
{
    CLEANUP(mem) char *path = formatted("/proc/%d/stat", (int)pid);
    unsigned long long started = 0;
    FILE *file = fopen(path, "re");
    int found;

    assert_non_null(file);
    found = fscanf(file,
                   "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                   "%*d %*d %*d %llu",
                   &started);
    fclose(file);
    assert_int_equal(found, 1);
    assert_true(started > 0);
    return started;
}

static void test_daemons(void **state)
{
    static const char *const names[] = {"libvirtd", "virtqemud", "virtproxyd", "virtnetworkd"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        pid_t child = run_as(names[i]);
        unsigned long long started = start_of(child);

        assert_true(root_process_may_be_daemon(child, started));
        assert_true(root_process_may_be_daemon(child, 0));
        end(child);
        assert_true(root_process_may_be_daemon(child, started));
        assert_true(root_process_may_be_daemon(child, 0));
    }
}

static void test_another(void **state)
{
    pid_t child = run_as("virsh");
    unsigned long long started = start_of(child);

    (void)state;
    assert_false(root_process_may_be_daemon(child, 0));
    assert_true(root_process_may_be_daemon(child, started + 1)); /* the number is another's now */
    assert_false(root_process_may_be_daemon(child, started));
    assert_true(root_process_may_be_daemon(child, started + 1));
    end(child);
    assert_true(root_process_may_be_daemon(child, 0));
    assert_false(root_process_may_be_daemon(child, started)); /* it was seen what it was */
}

/* More than are remembered. */
static void test_many(void **state)
{
    pid_t first = run_as("virsh");
    unsigned long long started = start_of(first);

    (void)state;
    assert_false(root_process_may_be_daemon(first, started));
    for (int i = 0; i < 70; i++) {
        pid_t child = run_as("virsh");

        assert_false(root_process_may_be_daemon(child, start_of(child)));
        end(child);
    }
    assert_false(root_process_may_be_daemon(first, started));
    end(first);
}

/* In a process that may not look into others. Root's right to do so is a capability. */
static bool confined_says(pid_t pid, unsigned long long started)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    char *path = formatted("/proc/%d/exe", (int)pid);
    char target[8];
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        if (syscall(SYS_capset, &header, none) < 0 || readlink(path, target, sizeof(target)) >= 0 ||
            errno != EACCES)
            _exit(2);
        _exit(root_process_may_be_daemon(pid, started) ? 1 : 0);
    }
    free(path);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_in_range(WEXITSTATUS(status), 0, 1);
    return WEXITSTATUS(status) == 1;
}

/* As under AppArmor or SELinux: which file a process runs is not told. Its name still is. */
static void test_confined(void **state)
{
    static const struct Row {
        const char *name;
        bool may_be;
    } rows[] = {{"libvirtd", true}, {"virtinterfaced", true}, {"virsh", false}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        pid_t child = run_as(rows[i].name);
        unsigned long long started = start_of(child);

        assert_int_equal(confined_says(child, started), rows[i].may_be);
        assert_int_equal(confined_says(child, 0), rows[i].may_be);
        end(child);
    }
}

static void test_no_process(void **state)
{
    (void)state;
    assert_false(root_process_may_be_daemon(0, 5));
    assert_false(root_process_may_be_daemon(-1, 5));
}

int main(void)
{
    int status;

    if (!mkdtemp(directory))
        return EXIT_FAILURE;
    unit_add("daemons", test_daemons, NULL);
    unit_add("another program", test_another, NULL);
    unit_add("many", test_many, NULL);
    unit_add("that may not be looked at", test_confined, NULL);
    unit_add("no process", test_no_process, NULL);
    status = unit_run("root_process");
    rmdir(directory);
    return status;
}
