/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that `enable` writes and `disable` takes away: whose is one, and what a failure leaves. */
#include "host/own_file.h"
#include "unit.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BODY "[Service]\nNice=5\n"

static char folder[] = "/tmp/qmp-guard-unit-XXXXXX";
static char above[64]; /* directories that are made for the file */
static char below[80];
static char path[96];

static const OwnFile file = {path, "# ", "\n"};

static void put(const char *text)
{
    CLEANUP(fd) int fd = -1;

    assert_true(mkdir(above, 0755) == 0 && mkdir(below, 0755) == 0);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void discard(void)
{
    unlink(path);
    rmdir(path);
    rmdir(below);
    unlink(below);
    rmdir(above);
}

static size_t count_entries(const char *directory)
{
    DIR *opened = opendir(directory);
    size_t count = 0;

    assert_non_null(opened);
    while (readdir(opened))
        count++;
    closedir(opened);
    return count - 2; /* itself and its parent */
}

typedef struct ChangeRow {
    const char *name;
    const char *front;
    size_t cut; /* bytes of our text, at its end */
    const char *behind;
    OwnState wanted;
} ChangeRow;

static const ChangeRow changes[] = {
    {"as it was written", "", 0, "", OWN_OURS},
    {"a line in front", "# mine\n", 0, "", OWN_CHANGED},
    {"a blank in front", " ", 0, "", OWN_CHANGED},
    {"a line behind", "", 0, "# mine\n", OWN_CHANGED},
    {"without its newline", "", 1, "", OWN_CHANGED},
    {"another digest", "", 2, "x\n", OWN_CHANGED},
    {"without its last line", BODY, 1000, "", OWN_CHANGED},
    {"empty", "", 1000, "", OWN_CHANGED},
};

static void test_change(void **state)
{
    const ChangeRow *row = *state;
    CLEANUP(mem) char *ours = own_file_text(&file, BODY);
    CLEANUP(mem) char *text = NULL;
    size_t kept;

    assert_non_null(ours);
    kept = strlen(ours) > row->cut ? strlen(ours) - row->cut : 0;
    assert_true(asprintf(&text, "%s%.*s%s", row->front, (int)kept, ours, row->behind) >= 0);
    put(text);
    assert_int_equal(own_file_look(&file), row->wanted);
    discard();
}

static void test_write_and_remove(void **state)
{
    CLEANUP(mem) char *ours = own_file_text(&file, BODY);
    CLEANUP(mem) char *newer = own_file_text(&file, BODY "# newer\n");
    struct stat info;

    (void)state;
    assert_int_equal(own_file_look(&file), OWN_ABSENT);
    assert_int_equal(own_file_write(&file, ours), 0);
    assert_int_equal(own_file_look(&file), OWN_OURS);
    assert_int_equal(own_file_write(&file, newer), 0);
    assert_int_equal(own_file_look(&file), OWN_OURS);
    assert_true(stat(path, &info) == 0 && (info.st_mode & 07777) == 0644);
    assert_int_equal(info.st_size, strlen(newer));
    assert_int_equal(count_entries(below), 1);

    assert_int_equal(own_file_remove(&file), 0);
    assert_int_equal(own_file_look(&file), OWN_ABSENT);
    assert_true(access(below, F_OK) < 0);
    assert_int_equal(own_file_remove(&file), -1);
    discard();
}

static void test_link_is_not_ours(void **state)
{
    CLEANUP(mem) char *ours = own_file_text(&file, BODY);
    char other[96];

    (void)state;
    put(ours);
    snprintf(other, sizeof(other), "%s/other", folder);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(own_file_look(&file), OWN_CHANGED);
    unlink(other);
    discard();
}

static void test_failure_leaves_nothing(void **state)
{
    CLEANUP(fd) int fd = -1;

    (void)state;
    /* A directory has its name: what was written beside it goes again. */
    assert_true(mkdir(above, 0755) == 0 && mkdir(below, 0755) == 0 && mkdir(path, 0755) == 0);
    assert_int_equal(own_file_look(&file), OWN_CHANGED);
    assert_int_equal(own_file_write(&file, BODY), -1);
    assert_int_equal(count_entries(below), 1);
    discard();

    assert_int_equal(mkdir(above, 0755), 0);
    fd = open(below, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(own_file_look(&file), OWN_ABSENT);
    assert_int_equal(own_file_write(&file, BODY), -1);
    discard();
}

int main(void)
{
    int failed;

    if (!mkdtemp(folder))
        return 1;
    snprintf(above, sizeof(above), "%s/system", folder);
    snprintf(below, sizeof(below), "%s/unit.d", above);
    snprintf(path, sizeof(path), "%s/50.conf", below);
    UNIT_ADD_ROWS(changes, test_change);
    unit_add("write and remove", test_write_and_remove, NULL);
    unit_add("a link is not ours", test_link_is_not_ours, NULL);
    unit_add("a failure leaves nothing", test_failure_leaves_nothing, NULL);
    failed = unit_run("own_file");
    rmdir(folder);
    return failed;
}
