/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host policy's file: which ones are read, which are refused, and when there is none. */
#include "unit.h"

#include "util/cleanup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VALID "<policy xmlns='" POLICY_NAMESPACE "'><deny command='quit'/></policy>"

#define READ 1
#define ABSENT 0
#define REFUSED (-1)

typedef struct FileRow {
    const char *name;
    mode_t mode;
    uid_t owner;
    const char *text;
    int wanted;
    const char *because;
} FileRow;

static const FileRow rows[] = {
    {"mode 0644", 0644, 0, VALID, READ, NULL},
    {"mode 0600", 0600, 0, VALID, READ, NULL},
    {"mode 0400", 0400, 0, VALID, READ, NULL},
    {"mode 0755", 0755, 0, VALID, READ, NULL},
    {"mode 0664", 0664, 0, VALID, REFUSED, "writable by its group"},
    {"mode 0620", 0620, 0, VALID, REFUSED, "writable by its group"},
    {"mode 0646", 0646, 0, VALID, REFUSED, "writable by everybody"},
    {"mode 0602", 0602, 0, VALID, REFUSED, "writable by everybody"},
    {"another owner", 0644, 65534, VALID, REFUSED, "not owned by root"},
    {"another owner, private", 0600, 65534, VALID, REFUSED, "not owned by root"},
    {"empty", 0644, 0, "", REFUSED, "not well-formed"},
    {"invalid", 0644, 0, "<policy xmlns='" POLICY_NAMESPACE "'><x/></policy>", REFUSED,
     "unknown element"},
    {"a domain's policy", 0644, 0, "<policy><deny/></policy>", REFUSED, "namespace"},
};

/* All tests share one directory, which main() takes away; each starts with it empty. */
static char folder[] = "/tmp/qmp-guard-unit-XXXXXX";
static char path[64];
static char target[64];

static void empty_folder(void)
{
    unlink(path);
    unlink(target);
}

static void write_file(const char *name, const char *text, size_t length)
{
    CLEANUP(fd) int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), length);
}

/* Reads @name; what is not returned must not have been touched. */
static int read_policy(const char *name, PolicyError *ret_error)
{
    Policy *untouched = (Policy *)(uintptr_t)-1;
    Policy *policy = untouched;
    int result;

    *ret_error = (PolicyError){.line = 7777};
    result = policy_read_host_file(name, &policy, ret_error);
    if (result != READ) {
        assert_ptr_equal(policy, untouched);
        return result;
    }
    assert_string_equal(policy->origin, "host");
    assert_int_equal(policy->kind, POLICY_HOST);
    assert_int_equal(policy->n_rules, 1);
    policy_unref(policy);
    return result;
}

static void check(const char *name, int wanted, const char *because)
{
    PolicyError error;
    int result = read_policy(name, &error);

    if (result != wanted)
        fail_msg("%s: %d, wanted %d (%s)", name, result, wanted, error.reason.text);
    if (because)
        assert_has_word(error.reason.text, because);
}

static void test_row(void **state)
{
    const FileRow *row = *state;

    empty_folder();
    if (row->owner != 0 && geteuid() != 0 && !getenv("QMP_GUARD_MUST_RUN"))
        skip();
    write_file(path, row->text, strlen(row->text));
    if (row->owner != 0)
        assert_int_equal(chown(path, row->owner, (gid_t)-1), 0);
    assert_int_equal(chmod(path, row->mode), 0);
    check(path, row->wanted, row->because);
}

static void test_absent(void **state)
{
    CLEANUP(mem) char *deeper = formatted("%s/qmp-guard/policy.xml", folder);
    CLEANUP(mem) char *below = formatted("%s/policy.xml/x", folder);

    (void)state;
    empty_folder();
    check(path, ABSENT, NULL);
    check(deeper, ABSENT, NULL);
    write_file(path, VALID, strlen(VALID));
    check(path, READ, NULL);
    /* A file where a directory should be is not "no file". */
    check(below, REFUSED, "cannot open it");
}

/* A link is as good as what it leads to; one that leads nowhere is not "no policy". */
static void test_symlink(void **state)
{
    (void)state;
    empty_folder();
    assert_int_equal(symlink(target, path), 0);
    write_file(target, VALID, strlen(VALID));
    check(path, READ, NULL);
    assert_int_equal(chmod(target, 0666), 0);
    check(path, REFUSED, "writable");
    unlink(target);
    check(path, REFUSED, NULL);
    unlink(path);
    assert_int_equal(symlink(path, path), 0);
    check(path, REFUSED, "cannot open it");
}

static void test_fifo(void **state)
{
    (void)state;
    empty_folder();
    assert_int_equal(mkfifo(path, 0600), 0);
    /* Were it opened for waiting, this would not come back. */
    check(path, REFUSED, "not a regular file");
}

static void test_other_kinds(void **state)
{
    (void)state;
    empty_folder();
    check(folder, REFUSED, "not a regular file");
    check("/dev/null", REFUSED, "not a regular file");
    check("/dev/zero", REFUSED, "not a regular file");
}

static void test_unreadable(void **state)
{
    (void)state;
    empty_folder();
    write_file(path, VALID, strlen(VALID));
    assert_int_equal(chmod(path, 0), 0);
    if (geteuid() == 0)
        check(path, READ, NULL); /* root may read it all the same */
    else
        check(path, REFUSED, "cannot open it");
}

static void test_size(void **state)
{
    static const char end[] = VALID;
    CLEANUP(mem) char *text = repeated(' ', 1048576);
    CLEANUP(fd) int fd = -1;

    (void)state;
    empty_folder();
    memcpy(text + 1048576 - strlen(end), end, strlen(end));
    write_file(path, text, 1048576);
    check(path, READ, NULL);
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, " ", 1), 1);
    check(path, REFUSED, "larger than 1 MiB");
}

/* The line of a fault goes through; where no line is to blame it is 0. */
static void test_line(void **state)
{
    static const char bad[] = "<policy xmlns='" POLICY_NAMESPACE "'>\n<x/></policy>";
    PolicyError error;

    (void)state;
    empty_folder();
    write_file(path, bad, strlen(bad));
    assert_int_equal(read_policy(path, &error), REFUSED);
    assert_int_equal(error.line, 2);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(read_policy(path, &error), REFUSED);
    assert_int_equal(error.line, 0);
}

/* What the system refuses may work the next time; what the file is or holds stays wrong. */
static void test_transience(void **state)
{
    CLEANUP(mem) char *below = formatted("%s/policy.xml/x", folder);
    PolicyError error;

    (void)state;
    empty_folder();
    write_file(path, "<x/>", 4);
    assert_int_equal(read_policy(path, &error), REFUSED);
    assert_false(error.is_transient);
    assert_int_equal(read_policy(folder, &error), REFUSED);
    assert_false(error.is_transient);
    assert_int_equal(read_policy(below, &error), REFUSED);
    assert_true(error.is_transient);
}

/* No descriptor is left open, whatever came of it. */
static void test_no_leak(void **state)
{
    int before = dup(STDERR_FILENO);
    int after;

    (void)state;
    empty_folder();
    close(before);
    write_file(path, VALID, strlen(VALID));
    check(path, READ, NULL);
    check(folder, REFUSED, NULL);
    unlink(path);
    check(path, ABSENT, NULL);
    after = dup(STDERR_FILENO);
    close(after);
    assert_int_equal(after, before);
}

int main(void)
{
    int failed;

    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/policy.xml", folder);
    snprintf(target, sizeof(target), "%s/target.xml", folder);
    UNIT_ADD_ROWS(rows, test_row);
    unit_add("absent", test_absent, NULL);
    unit_add("symbolic link", test_symlink, NULL);
    unit_add("FIFO", test_fifo, NULL);
    unit_add("directory and devices", test_other_kinds, NULL);
    unit_add("mode 0000", test_unreadable, NULL);
    unit_add("1 MiB and one byte more", test_size, NULL);
    unit_add("the line of a fault", test_line, NULL);
    unit_add("what may pass", test_transience, NULL);
    unit_add("no descriptor stays open", test_no_leak, NULL);
    failed = unit_run("policy_file");
    empty_folder();
    rmdir(folder);
    return failed;
}
