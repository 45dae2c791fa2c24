/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file that keeps grants: what it takes and gives, and what it refuses to be. */
#include "unit.h"

#include "grants.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Where the file's parts are: grant_store.h says so. */
#define HEADER_SIZE 4096
#define BOOT_ID_OFFSET 32

#define REMEMBERED_MS (10 * 60 * 1000)

static GrantStore store = GRANT_STORE_INIT(grants_path);

static void start(void)
{
    grant_store_close(&store);
    store.file_lock = (PatientLock){0};
    grants_empty();
}

static void check_adds(Grant *grant, int64_t now)
{
    Reason why = {""};

    if (grant_store_add(&store, grant, now, &why) < 0)
        fail_msg("%s", why.text);
}

/* Of one grant, as it was read. */
static int take(const Grant *grant, uint32_t count, int64_t now)
{
    GrantTake taken = {.grant = grant, .count = count};
    Reason why = {""};
    int result = grant_store_take(&store, &taken, 1, now, &why);

    if (result < 0)
        assert_string_not_equal(why.text, "");
    if (result == 1)
        assert_int_equal(taken.left, grants_find(grant->id).left);
    return result;
}

static bool revoke_one(Grant *grant, void *data)
{
    if (strcmp(grant->id, data) != 0)
        return false;
    grant->state = GRANT_REVOKED;
    grant->finished = grant_clock();
    return true;
}

static void check_revokes(Grant *grant)
{
    CLEANUP(mem) Grant *changed = NULL;
    size_t count;
    Reason why = {""};

    if (grant_store_change(&store, revoke_one, grant->id, &changed, &count, &why) < 0)
        fail_msg("%s", why.text);
    assert_int_equal(count, 1);
    assert_string_equal(changed[0].id, grant->id);
    assert_int_equal(changed[0].state, GRANT_REVOKED);
}

static void test_nothing_there(void **state)
{
    Grant *grants = (Grant *)&store;
    Grant none = grant_of("quit", 1);
    size_t count = 9;
    Reason why = {""};

    (void)state;
    start();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(grant_store_read(&store, GRANTS_UUID, &grants, &count, &why), 0);
        assert_null(grants);
        assert_int_equal(count, 0);
        assert_int_equal(grant_store_change(&store, revoke_one, none.id, &grants, &count, &why), 0);
        assert_int_equal(count, 0);
        assert_int_equal(take(&none, 1, grant_clock()), 0);
        assert_int_equal(access(grants_path, F_OK), -1);
        /* The same when only the directory is there. */
        if (i == 0)
            assert_int_equal(mkdir(grants_directory, 0700), 0);
    }
}

static void test_add_and_read(void **state)
{
    Grant first = grant_of("quit", 3);
    Grant second = grant_of("stop", 1);
    Grant *grants;
    size_t count;
    struct stat info;

    (void)state;
    start();
    memcpy(second.uuid, GRANTS_OTHER_UUID, sizeof(GRANTS_OTHER_UUID));
    check_adds(&first, grant_clock());
    check_adds(&second, grant_clock());
    assert_int_equal(grant_store_read(&store, GRANTS_UUID, &grants, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_memory_equal(&grants[0], &first, sizeof(first));
    free(grants);
    assert_int_equal(grant_store_read(&store, GRANTS_OTHER_UUID, &grants, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_memory_equal(&grants[0], &second, sizeof(second));
    free(grants);
    assert_int_equal(grant_store_read(&store, "", &grants, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(grants_count(), 2);
    assert_int_equal(stat(grants_path, &info), 0);
    assert_int_equal(info.st_mode, S_IFREG | 0600);
    assert_int_equal(stat(grants_directory, &info), 0);
    assert_int_equal(info.st_mode, S_IFDIR | 0700);
}

static void test_take_is_all_or_none(void **state)
{
    Grant first = grant_of("quit", 2);
    Grant second = grant_of("stop", 3);
    GrantTake takes[] = {{.grant = &first, .count = 1}, {.grant = &second, .count = 2}};
    int64_t now = grant_clock();

    (void)state;
    start();
    check_adds(&first, now);
    check_adds(&second, now);
    assert_int_equal(grant_store_take(&store, takes, 2, now, NULL), 1);
    assert_int_equal(takes[0].left, 1);
    assert_int_equal(takes[1].left, 1);
    assert_int_equal(grants_find(second.id).finished, 0);
    assert_int_equal(grant_store_take(&store, takes, 2, now, NULL), 0);
    assert_int_equal(grants_find(first.id).left, 1);
    assert_int_equal(grants_find(second.id).left, 1);
    takes[1].count = 1;
    assert_int_equal(grant_store_take(&store, takes, 2, now, NULL), 1);
    assert_int_equal(grants_find(first.id).left, 0);
    assert_int_equal(grants_find(second.id).finished, now);
    assert_int_equal(take(&first, 1, now), 0);
    assert_int_equal(grant_store_take(&store, NULL, 0, now, NULL), 1);
}

/* What was read is not what is there: then nothing is taken. */
static void test_take_of_what_was(void **state)
{
    Grant grant = grant_of("quit", 5);
    Grant other = grant_of("stop", 5);
    Grant torn;
    int64_t now = grant_clock();

    (void)state;
    start();
    check_adds(&grant, now);
    other.slot = grant.slot;
    assert_int_equal(take(&other, 1, now), 0);
    other = grant;
    other.slot = 1;
    assert_int_equal(take(&other, 1, now), 0);
    other.slot = UINT32_MAX;
    assert_int_equal(take(&other, 1, now), 0);
    /* Without the lock, it may have been read while another was written over it. */
    torn = grant;
    snprintf(torn.command, sizeof(torn.command), "stop");
    assert_int_equal(take(&torn, 1, now), 0);
    torn = grant;
    torn.expires++;
    assert_int_equal(take(&torn, 1, now), 0);
    /* How many were left when it was read is not asked. */
    torn = grant;
    torn.left = 1;
    assert_int_equal(take(&torn, 2, now), 1);

    assert_int_equal(take(&grant, 1, grant.expires - 1), 1);
    assert_int_equal(take(&grant, 1, grant.expires), 0);
    assert_int_equal(take(&grant, 1, 0), 0);
    assert_int_equal(take(&grant, 3, now), 0);
    check_revokes(&grant);
    assert_int_equal(take(&grant, 1, now), 0);
    assert_int_equal(grants_find(grant.id).left, 2);
}

static void test_end_and_expire(void **state)
{
    Grant open = grant_of("quit", 1);
    Grant spent = grant_of("quit", 1);
    Grant other = grant_of("quit", 1);
    char uuid[] = GRANTS_UUID;
    int64_t now = grant_clock();
    int64_t later = open.expires;
    CLEANUP(mem) Grant *ended = NULL;
    CLEANUP(mem) Grant *expired = NULL;
    size_t count;

    (void)state;
    start();
    other.expires = later;
    memcpy(other.uuid, GRANTS_OTHER_UUID, sizeof(GRANTS_OTHER_UUID));
    check_adds(&open, now);
    check_adds(&spent, now);
    check_adds(&other, now);
    assert_int_equal(take(&spent, 1, now), 1);
    assert_int_equal(grant_store_change(&store, grant_end, uuid, &ended, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(ended[0].id, open.id);
    assert_string_equal(grant_standing(&ended[0], now), "ended");
    assert_int_equal(grants_find(spent.id).state, GRANT_GIVEN);
    /* Once, and only what was open till then. */
    for (size_t wanted = 1; wanted < 2; wanted--) {
        free(expired);
        assert_int_equal(grant_store_change(&store, grant_expire, &later, &expired, &count, NULL),
                         0);
        assert_int_equal(count, wanted);
    }
    assert_int_equal(grants_find(other.id).state, GRANT_EXPIRED);
    assert_int_equal(grants_find(open.id).state, GRANT_ENDED);
}

/* Something that stands where the file or its directory should, and what is said of it. */
typedef struct UnsafeRow {
    const char *name;
    const char *command; /* made by this, in the directory's parent */
    const char *because;
} UnsafeRow;

static const UnsafeRow unsafe_rows[] = {
    {"a symbolic link", "mkdir -m 700 guard; touch real; ln -s ../real guard/grants",
     "cannot open"},
    {"a dangling link", "mkdir -m 700 guard; ln -s ../real guard/grants", "cannot open"},
    {"a linked directory", "mkdir -m 700 real; ln -s real guard; touch real/grants", "cannot open"},
    {"no directory", "touch guard", "cannot open"},
    {"a FIFO", "mkdir -m 700 guard; mkfifo guard/grants", "is not a regular file"},
    {"a directory", "mkdir -m 700 guard guard/grants", "cannot open"},
    {"a device", "mkdir -m 700 guard; mknod guard/grants c 1 3", "is not a regular file"},
    {"two names", "mkdir -m 700 guard; touch guard/grants; ln guard/grants other", "of one name"},
    {"the group's", "mkdir -m 700 guard; touch guard/grants; chmod 0620 guard/grants",
     "can be written by others"},
    {"everybody's", "mkdir -m 700 guard; touch guard/grants; chmod 0602 guard/grants",
     "can be written by others"},
    {"the group's directory", "mkdir guard; touch guard/grants; chmod 0730 guard",
     "can be written by others"},
    {"everybody's directory", "mkdir guard; chmod 01777 guard", "can be written by others"},
    {"another's", "mkdir -m 700 guard; touch guard/grants; chown 12345 guard/grants",
     "belongs to another user"},
    {"another's directory", "mkdir -m 700 guard; touch guard/grants; chown 12345 guard",
     "belongs to another user"},
};

static void test_unsafe_row(void **state)
{
    const UnsafeRow *row = *state;
    CLEANUP(mem)
    char *command = formatted("umask 077; cd %.*s && %s",
                              (int)(strrchr(grants_directory, '/') - grants_directory),
                              grants_directory, row->command);
    Grant grant = grant_of("quit", 1);
    Grant *grants;
    size_t count;
    Reason why;

    start();
    if (system(command) != 0) {
        /* Only root can make some of these. */
        assert_true(geteuid() != 0 && !getenv("QMP_GUARD_MUST_RUN"));
        return;
    }
    why = (Reason){""};
    errno = ENOENT;
    assert_int_equal(grant_store_read(&store, NULL, &grants, &count, &why), -1);
    assert_has_word(why.text, row->because);
    why = (Reason){""};
    errno = ENOENT;
    assert_int_equal(take(&grant, 1, grant_clock()), -1);
    assert_int_equal(grant_store_add(&store, &grant, grant_clock(), &why), -1);
    assert_has_word(why.text, row->because);
    assert_int_equal(grant_store_change(&store, revoke_one, grant.id, &grants, &count, &why), -1);
    assert_int_equal(store.fd, -1);
}

static void test_removed_file(void **state)
{
    Grant grant = grant_of("quit", 5);
    Grant new = grant_of("quit", 5);
    int64_t now = grant_clock();

    (void)state;
    start();
    check_adds(&grant, now);
    assert_int_equal(take(&grant, 1, now), 1);
    assert_int_equal(unlink(grants_path), 0);
    assert_int_equal(take(&grant, 1, now), 0);
    check_adds(&new, now);
    assert_int_equal(grants_count(), 1);
    assert_int_equal(take(&grant, 1, now), 0);
    assert_int_equal(take(&new, 1, now), 1);
    /* Another process makes the new one. */
    assert_int_equal(unlink(grants_path), 0);
    grant = grant_of("quit", 2);
    grants_add(&grant);
    assert_int_equal(take(&new, 1, now), 0);
    assert_int_equal(take(&grant, 1, now), 1);
}

static void write_at(off_t offset, const void *bytes, size_t length)
{
    CLEANUP(fd) int fd = open(grants_path, O_WRONLY | O_CLOEXEC);

    assert_int_equal(pwrite(fd, bytes, length, offset), (ssize_t)length);
}

/* The times and runs of another boot mean nothing, and its slots never come back. */
static void test_another_boot(void **state)
{
    Grant old[3] = {grant_of("quit", 5), grant_of("stop", 5), grant_of("cont", 5)};
    Grant new = grant_of("quit", 5);
    int64_t now = grant_clock();
    struct stat info;

    (void)state;
    start();
    for (size_t i = 0; i < COUNT_OF(old); i++)
        check_adds(&old[i], now);
    write_at(BOOT_ID_OFFSET, "00000000-0000-0000-0000-000000000000", 36);
    assert_int_equal(grants_count(), 0);
    check_adds(&new, now);
    assert_int_equal(grants_count(), 1);
    assert_int_equal(stat(grants_path, &info), 0);
    assert_int_equal(info.st_size, HEADER_SIZE + (off_t)sizeof(Grant));
    for (size_t i = 0; i < COUNT_OF(old); i++)
        assert_int_equal(take(&old[i], 1, now), 0);
    check_adds(&old[1], now);
    check_adds(&old[2], now);
    assert_int_equal(grants_count(), 3);
}

static void test_full(void **state)
{
    Grant grants[GRANTS_MAX];
    Grant more = grant_of("quit", 1);
    int64_t now = grant_clock();
    struct stat info;
    Reason why = {""};

    (void)state;
    start();
    for (size_t i = 0; i < GRANTS_MAX; i++) {
        grants[i] = grant_of("quit", 1);
        check_adds(&grants[i], now);
        assert_int_equal(grants[i].slot, i);
    }
    assert_int_equal(grant_store_add(&store, &more, now, &why), -1);
    assert_has_word(why.text, "128 open grants already");
    assert_int_equal(grants_count(), GRANTS_MAX);
    assert_int_equal(take(&grants[70], 1, now), 1);
    check_adds(&more, now);
    assert_int_equal(more.slot, 70);
    assert_int_equal(grant_store_add(&store, &grants[70], now, &why), -1);
    check_revokes(&grants[5]);
    check_adds(&grants[70], now);
    assert_int_equal(grants[70].slot, 5);
    assert_int_equal(stat(grants_path, &info), 0);
    assert_true(info.st_size <= HEADER_SIZE + (off_t)GRANTS_MAX * GRANT_SLOT_SIZE);
}

/* What is over is remembered for a while, however it ended. */
static void test_remembered(void **state)
{
    int64_t now = grant_clock() + 10 * (int64_t)REMEMBERED_MS;
    Grant spent = grant_of("quit", 1);
    Grant expired = grant_of("quit", 1);
    Grant early = grant_of("quit", 1);
    Grant late = grant_of("quit", 1);
    Grant last = grant_of("quit", 1);

    (void)state;
    start();
    spent.expires = now + 5 * (int64_t)REMEMBERED_MS;
    early.expires = late.expires = last.expires = spent.expires;
    expired.expires = now + 1000;
    check_adds(&spent, now);
    check_adds(&expired, now);
    assert_int_equal(take(&spent, 1, now), 1);
    check_adds(&early, now + REMEMBERED_MS);
    assert_int_equal(early.slot, 2);
    /* Nobody has noticed yet that the other one has run out. */
    check_adds(&late, now + REMEMBERED_MS + 1);
    assert_int_equal(late.slot, spent.slot);
    check_adds(&last, now + REMEMBERED_MS + 1001);
    assert_int_equal(last.slot, expired.slot);
    assert_int_equal(grants_count(), 3);
}

static int64_t elapsed_ms(const struct timespec *since)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

/* Somebody who holds the lock and does not go on costs a second once, and then nothing. */
static void test_lock_is_held(void **state)
{
    CLEANUP(fd) int fd = -1;
    Grant grant = grant_of("quit", 9);
    struct timespec began;
    GrantTake taken = {.grant = &grant, .count = 1};
    int64_t now = grant_clock();
    Reason why = {""};
    size_t count;
    Grant *grants;

    (void)state;
    start();
    check_adds(&grant, now);
    fd = open(grants_path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    clock_gettime(CLOCK_MONOTONIC, &began);
    assert_int_equal(grant_store_take(&store, &taken, 1, now, &why), -1);
    assert_has_word(why.text, "cannot lock");
    assert_in_range(elapsed_ms(&began), 900, 2500);
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (int i = 0; i < 20; i++)
        assert_int_equal(grant_store_take(&store, &taken, 1, now, &why), -1);
    assert_true(elapsed_ms(&began) < 500);
    /* To read needs no lock. */
    assert_int_equal(grant_store_read(&store, NULL, &grants, &count, &why), 0);
    assert_int_equal(count, 1);
    assert_int_equal(grants[0].left, 9);
    free(grants);
    assert_int_equal(flock(fd, LOCK_UN), 0);
    assert_int_equal(take(&grant, 1, now), 1);
    assert_int_equal(store.file_lock.gave_up, 0);
}

int main(void)
{
    int failed;

    grants_make_folder();
    unit_add("nothing there", test_nothing_there, NULL);
    unit_add("add and read", test_add_and_read, NULL);
    unit_add("take is all or none", test_take_is_all_or_none, NULL);
    unit_add("take of what was", test_take_of_what_was, NULL);
    unit_add("end and expire", test_end_and_expire, NULL);
    UNIT_ADD_ROWS(unsafe_rows, test_unsafe_row);
    unit_add("a removed file", test_removed_file, NULL);
    unit_add("another boot", test_another_boot, NULL);
    unit_add("full", test_full, NULL);
    unit_add("remembered", test_remembered, NULL);
    unit_add("the lock is held", test_lock_is_held, NULL);
    failed = unit_run("grant_store");
    grant_store_close(&store);
    grants_remove_folder();
    return failed;
}
