/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "caller_groups.h"

#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const struct StateRow {
    const char *name;
    int64_t age_ms;
    GroupListState state;
} state_rows[] = {
    {"at once", 0, GROUPS_JUST_READ},         {"below two seconds", 1999, GROUPS_JUST_READ},
    {"two seconds", 2000, GROUPS_GOOD},       {"below a minute", 59999, GROUPS_GOOD},
    {"a minute", 60000, GROUPS_AGEING},       {"below five minutes", 299999, GROUPS_AGEING},
    {"five minutes", 300000, GROUPS_TOO_OLD}, {"for ever", INT64_MAX, GROUPS_TOO_OLD},
};

static void test_state(void **state)
{
    const struct StateRow *row = *state;

    assert_int_equal(group_list_state(row->age_ms), row->state);
}

/*
 * Two functions of the C library in ways of our own: a clock that can be put forward, and a
 * name service, asked for root's entry first, that counts, fails, or waits for permission.
 */
static _Atomic time_t forward_seconds;
static atomic_int n_asked;
static atomic_bool fails;
static atomic_bool waits;
static sem_t permission;

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    long result = syscall(SYS_clock_gettime, clock, ret);

    ret->tv_sec += forward_seconds;
    return (int)result;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
               struct passwd **ret)
{
    atomic_fetch_add(&n_asked, 1);
    if (waits)
        sem_wait(&permission);
    *entry = (struct passwd){.pw_gid = 0};
    *ret = !fails && strcmp(name, "root") == 0 ? entry : NULL;
    return fails ? EIO : 0;
}

static const GroupsOwner root = {.user = "root"};

static bool has_name(const GroupList *list, const char *name)
{
    for (size_t i = 0; i < list->groups.n_names; i++) {
        if (strcmp(list->groups.names[i], name) == 0)
            return true;
    }
    return false;
}

static void test_kept(void **state)
{
    GroupList *first = caller_groups_get(&root);
    GroupList *second = caller_groups_get(&root);

    (void)state;
    assert_non_null(first);
    assert_true(has_name(first, "root"));
    assert_ptr_equal(first, second);
    group_list_unref(first);
    assert_true(has_name(second, "root"));
    group_list_unref(second);
}

/* Whoever connects has the answer when it sends its first command. */
static void test_renewed(void **state)
{
    const GroupsOwner as_daemon = {.user = "root", .gid = 1};
    GroupList *before;
    GroupList *after;
    GroupList *kept;

    (void)state;
    caller_groups_renew(&as_daemon);
    before = caller_groups_get(&as_daemon);
    assert_non_null(before);
    assert_true(has_name(before, "root") && before->groups.n_names > 1);
    caller_groups_renew(&as_daemon); /* just read */
    kept = caller_groups_get(&as_daemon);
    assert_ptr_equal(kept, before);
    after = caller_groups_get(&root); /* another group, another list */
    assert_ptr_not_equal(after, before);
    group_list_unref(before);
    group_list_unref(kept);
    group_list_unref(after);
}

/* Waits, in real time, until the name service was asked @count times. */
static void await_asked(int count)
{
    for (int i = 0; i < 5000 && n_asked < count; i++)
        usleep(1000);
    assert_int_equal(n_asked, count);
}

/* Returns whether a command finds another list than @old, given some time. */
static bool is_replaced(const GroupList *old)
{
    bool replaced = false;

    for (int i = 0; i < 500 && !replaced; i++) {
        GroupList *list = caller_groups_get(&root);

        replaced = list != old;
        group_list_unref(list);
        usleep(1000);
    }
    return replaced;
}

/* Commands go on with what is kept while one thread asks anew. */
static void test_ageing(void **state)
{
    GroupList *old;

    (void)state;
    caller_groups_renew(&root);
    old = caller_groups_get(&root);
    assert_non_null(old);
    n_asked = 0;
    forward_seconds += 59;
    group_list_unref(caller_groups_get(&root));
    assert_int_equal(n_asked, 0);
    forward_seconds += 10;
    waits = true;
    for (int i = 0; i < 10; i++) {
        GroupList *list = caller_groups_get(&root);

        assert_ptr_equal(list, old);
        group_list_unref(list);
    }
    await_asked(1);
    waits = false;
    sem_post(&permission);
    assert_true(is_replaced(old));
    assert_int_equal(n_asked, 1);
    group_list_unref(old);
}

/* A name service that fails takes nothing away at once, and gives nothing for ever. */
static void test_failing(void **state)
{
    GroupList *old;
    GroupList *list;

    (void)state;
    caller_groups_renew(&root);
    old = caller_groups_get(&root);
    assert_non_null(old);
    fails = true;
    n_asked = 0;
    forward_seconds += 250;
    caller_groups_renew(&root);
    assert_int_equal(n_asked, 1);
    list = caller_groups_get(&root);
    assert_ptr_equal(list, old);
    group_list_unref(list);
    group_list_unref(old);
    await_asked(2);
    forward_seconds += 60;
    assert_null(caller_groups_get(&root));
    fails = false;
    list = caller_groups_get(&root);
    assert_non_null(list);
    group_list_unref(list);
}

/* The same number is no proof of the same name, and nobody gets another's groups. */
static void test_no_answer(void **state)
{
    const GroupsOwner nobody_knows = {.user = "no-such-user-here"};
    GroupList *list = caller_groups_get(&root);

    (void)state;
    group_list_unref(list);
    caller_groups_renew(&nobody_knows);
    assert_null(caller_groups_get(&nobody_knows));
    list = caller_groups_get(&root);
    assert_non_null(list);
    group_list_unref(list);
}

#define THREADS 8
#define ROUNDS 200

static void *use_slot(void *opaque)
{
    const GroupsOwner owner = {.user = "root", .gid = *(gid_t *)opaque};

    for (int i = 0; i < ROUNDS; i++) {
        GroupList *list;

        if (i % 4 == 0)
            caller_groups_renew(&owner);
        list = caller_groups_get(&owner);
        if (!list || list->gid != owner.gid)
            return (void *)"wrong list";
        group_list_unref(list);
    }
    return NULL;
}

/* Two owners drive each other out of one slot. */
static void test_threads(void **state)
{
    pthread_t threads[THREADS];
    gid_t gids[THREADS];
    void *wrong;

    (void)state;
    for (gid_t i = 0; i < THREADS; i++) {
        gids[i] = i % 2;
        assert_int_equal(pthread_create(&threads[i], NULL, use_slot, &gids[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

int main(void)
{
    sem_init(&permission, 0, 0);
    UNIT_ADD_ROWS(state_rows, test_state);
    unit_add("kept", test_kept, NULL);
    unit_add("renewed", test_renewed, NULL);
    unit_add("ageing", test_ageing, NULL);
    unit_add("failing", test_failing, NULL);
    unit_add("no answer", test_no_answer, NULL);
    unit_add("threads", test_threads, NULL);
    return unit_run("caller_groups");
}
