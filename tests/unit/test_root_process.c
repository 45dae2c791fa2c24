/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "root_process.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
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
    unit_add("no process", test_no_process, NULL);
    status = unit_run("root_process");
    rmdir(directory);
    return status;
}
