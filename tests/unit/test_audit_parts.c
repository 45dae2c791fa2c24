/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which files of a directory are a trail's, and in which order. */
#include "trail/parts.h"
#include "unit.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct PartsRow {
    const char *name;
    const char *files; /* that there are; NAME=OTHER is a hard link to it */
    const char *wanted; /* the suffixes of the parts, oldest first; NULL: a reason */
} PartsRow;

static const PartsRow rows[] = {
    {"the file alone", "log", "log"},
    {"none", "", NULL},
    {"others alone", "logs log.x log- log.1x log.gz", NULL},
    {"numbers", "log log.1 log.2 log.10", "log.10 log.2 log.1 log"},
    {"compressed ones", "log log.1 log.2.gz log.3.gz", "log.3.gz log.2.gz log.1 log"},
    {"dates", "log log-20261121 log-20261101.gz log-20251231",
     "log-20251231 log-20261101.gz log-20261121 log"},
    {"dates are older than numbers", "log.9 log-20261121 log", "log-20261121 log.9 log"},
    {"one that is being compressed", "log log.1 log.1.gz log.2.gz", "log.2.gz log.1 log"},
    {"without the file", "log.1 log.2", "log.2 log.1"},
    {"one file under two names", "log.1 log.2=log.1 log", "log.1 log"},
    {"no part's number", "log log.0 log.00 log.-1 log.+1", "log"},
    {"numbers beyond any", "log log.9223372036854775807 log.99999999999999999999999", "log"},
    {"what stands behind a number", "log log.1.gz.gz log.1.xz log.1~ log.1.g", "log"},
};

static char directory[] = "/tmp/qmp-guard-parts.XXXXXX";

static void make_file(char *name)
{
    CLEANUP(mem) char *path = NULL;
    char *other = strchr(name, '=');

    if (other)
        *other++ = '\0';
    path = formatted("%s/%s", directory, name);
    if (other) {
        CLEANUP(mem) char *first = formatted("%s/%s", directory, other);

        assert_int_equal(link(first, path), 0);
    } else {
        CLEANUP(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

        assert_true(fd >= 0);
    }
}

static void empty_directory(void)
{
    DIR *opened = opendir(directory);
    const struct dirent *entry;

    while ((entry = readdir(opened))) {
        if (strncmp(entry->d_name, "log", 3) == 0)
            assert_int_equal(unlinkat(dirfd(opened), entry->d_name, 0), 0);
    }
    closedir(opened);
}

static void check_parts(const AuditParts *parts, const char *wanted)
{
    CLEANUP(mem) char *names = strdup("");

    for (size_t i = 0; i < parts->count; i++) {
        char *longer = formatted("%s%s%s", names, i > 0 ? " " : "",
                                 strrchr(parts->parts[i].path, '/') + 1);

        assert_true(parts->parts[i].fd >= 0);
        free(names);
        names = longer;
    }
    assert_string_equal(names, wanted);
}

static void test_row(void **state)
{
    const PartsRow *row = *state;
    CLEANUP(mem) char *files = strdup(row->files);
    CLEANUP(mem) char *path = formatted("%s/log", directory);
    char *rest = NULL;
    AuditParts parts;
    Reason why = {""};
    int result;

    for (char *name = strtok_r(files, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
        make_file(name);
    result = audit_parts_open(path, &parts, &why);
    empty_directory();
    assert_int_equal(result, row->wanted ? 0 : -1);
    if (row->wanted)
        check_parts(&parts, row->wanted);
    else
        assert_has_word(why.text, "no guarded daemon has written a record");
    audit_parts_clear(&parts);
}

static void test_here(void **state)
{
    CLEANUP(mem) char *before = getcwd(NULL, 0);
    CLEANUP(mem) char *path = formatted("%s/log", directory);
    char name[] = "log";
    AuditParts parts;
    Reason why = {""};

    make_file(name);
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(audit_parts_open("log", &parts, &why), 0);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(parts.count, 1);
    /* Whoever takes a file has it to close. */
    close(parts.parts[0].fd);
    parts.parts[0].fd = -1;
    audit_parts_clear(&parts);
    assert_int_equal(parts.count, 0);
    empty_directory();
}

/* A part that cannot be read is no part that is not there: what it holds would be missing. */
static void test_unreadable(void **state)
{
    CLEANUP(mem) char *loop = formatted("%s/log.1", directory);
    CLEANUP(mem) char *path = formatted("%s/log", directory);
    CLEANUP(mem) char *nowhere = formatted("%s/log/none", directory);
    char name[] = "log";
    AuditParts parts;
    Reason why = {""};

    make_file(name);
    assert_int_equal(audit_parts_open(nowhere, &parts, &why), -1);
    assert_has_word(why.text, "Not a directory");
    assert_int_equal(symlink("log.1", loop), 0);
    assert_int_equal(audit_parts_open(path, &parts, &why), -1);
    assert_has_word(why.text, "cannot read");
    assert_int_equal(parts.count, 0);
    empty_directory();
    assert_int_equal(symlink("none", loop), 0); /* as if it had been removed meanwhile */
    make_file(name);
    assert_int_equal(audit_parts_open(path, &parts, &why), 0);
    assert_int_equal(parts.count, 1);
    audit_parts_clear(&parts);
    empty_directory();
}

int main(void)
{
    int failed;

    if (!mkdtemp(directory))
        return 1;
    UNIT_ADD_ROWS(rows, test_row);
    unit_add("a name without a directory", test_here, NULL);
    unit_add("what cannot be read", test_unreadable, NULL);
    failed = unit_run("audit parts");
    rmdir(directory);
    return failed;
}
