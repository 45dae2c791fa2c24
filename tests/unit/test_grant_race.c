/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file of grants under threads, processes, SIGKILL and noise: never is more taken than was
 * given, what was revoked stays so, and nothing that nobody gave is a grant.
 */
#include "unit.h"

#include "grants.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILLS 200

/* What the processes of a test tell each other. */
typedef struct Shared {
    atomic_uint attempts;
    atomic_uint taken;
    atomic_uint added;
    atomic_uint ready;
    atomic_bool revoked[GRANTS_MAX]; /* by slot */
} Shared;

static Shared *shared;

/* Of the random numbers; printed, and given again by QMP_GUARD_SEED. */
static unsigned seed;

static unsigned random_below(unsigned most)
{
    return (unsigned)rand_r(&seed) % most;
}

static void start(void)
{
    grants_empty();
    memset(shared, 0, sizeof(*shared));
}

static int take(GrantStore *store, const Grant *grant)
{
    GrantTake taken = {.grant = grant, .count = 1};
    int result;

    atomic_fetch_add(&shared->attempts, 1);
    result = grant_store_take(store, &taken, 1, grant_clock(), NULL);
    if (result == 1)
        atomic_fetch_add(&shared->taken, 1);
    return result;
}

typedef struct Taker {
    GrantStore *store;
    const Grant *grant;
    unsigned times;
} Taker;

static void *take_often(void *data)
{
    const Taker *taker = data;

    for (unsigned i = 0; i < taker->times; i++)
        take(taker->store, taker->grant);
    return NULL;
}

/* So many threads on one store, each as often. */
static void take_by_threads(const Grant *grant, size_t n_threads, unsigned times)
{
    GrantStore store = GRANT_STORE_INIT(grants_path);
    Taker taker = {&store, grant, times};
    pthread_t threads[8];

    for (size_t i = 0; i < n_threads; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_often, &taker), 0);
    for (size_t i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    grant_store_close(&store);
}

typedef struct RaceRow {
    const char *name;
    unsigned processes; /* 0: only threads of this one */
    unsigned threads; /* of each; they try 10,000 times together */
    uint32_t uses;
} RaceRow;

static const RaceRow race_rows[] = {
    {"threads on a few uses", 0, 8, 100},
    {"threads on many uses", 0, 8, 9000},
    {"processes on a few uses", 4, 4, 100},
    {"processes on many uses", 4, 4, 9000},
};

static void wait_for_all(void)
{
    int status;

    while (wait(&status) > 0)
        assert_int_equal(status, 0);
}

/* They start together, or the first would have all before the next is there. */
static void race_in_process(const RaceRow *row, const Grant *grant)
{
    atomic_fetch_add(&shared->ready, 1);
    while (atomic_load(&shared->ready) < row->processes)
        sched_yield();
    take_by_threads(grant, row->threads, 10000 / (row->processes * row->threads));
    _exit(0);
}

static void test_race_row(void **state)
{
    const RaceRow *row = *state;
    Grant grant = grant_of("quit", row->uses);

    start();
    grants_add(&grant);
    if (row->processes == 0)
        take_by_threads(&grant, row->threads, 10000 / row->threads);
    for (unsigned i = 0; i < row->processes; i++) {
        if (fork() == 0)
            race_in_process(row, &grant);
    }
    wait_for_all();
    assert_int_equal(shared->attempts, 10000);
    assert_int_equal(shared->taken, row->uses);
    assert_int_equal(grants_find(grant.id).left, 0);
}

typedef void (*Worker)(GrantStore *store, const void *data);

/* Starts @work in a process of its own and kills it at some moment. */
static void kill_at_work(Worker work, const void *data)
{
    struct timespec pause = {.tv_nsec = 100000L + (long)random_below(4000) * 1000};
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        GrantStore store = GRANT_STORE_INIT(grants_path);

        work(&store, data);
        _exit(0);
    }
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static void take_for_ever(GrantStore *store, const void *data)
{
    for (;;)
        take(store, data);
}

static void test_killed_takers(void **state)
{
    enum { USES = 100000 };
    Grant grant = grant_of("quit", USES);
    uint32_t gone;

    (void)state;
    start();
    grants_add(&grant);
    for (int i = 0; i < KILLS; i++) {
        kill_at_work(take_for_ever, &grant);
        gone = USES - grants_find(grant.id).left;
        if (shared->taken > gone || shared->attempts < gone)
            fail_msg("%u tried, %u taken, %u gone", shared->attempts, shared->taken, gone);
    }
    assert_true(shared->taken > KILLS / 10);
    /* No lock is left behind, and the rest is there to be taken. */
    assert_int_equal(take(&(GrantStore)GRANT_STORE_INIT(grants_path), &grant), gone < USES);
}

static bool revoke_slot(Grant *grant, void *data)
{
    if (grant->slot != *(const uint32_t *)data || grant->state != GRANT_GIVEN)
        return false;
    grant->state = GRANT_REVOKED;
    grant->finished = grant_clock();
    return true;
}

static void revoke_all(GrantStore *store, const void *data)
{
    (void)data;
    for (uint32_t slot = 0; slot < GRANTS_MAX; slot++) {
        Grant *changed;
        size_t count;

        if (grant_store_change(store, revoke_slot, &slot, &changed, &count, NULL) == 0)
            atomic_store(&shared->revoked[slot], true);
        free(changed);
    }
}

static void check_revoked(const Grant *grants, size_t count)
{
    size_t n_revoked = 0;

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(grants[i].slot, i);
        if (atomic_load(&shared->revoked[i]))
            assert_int_equal(grants[i].state, GRANT_REVOKED);
        n_revoked += grants[i].state == GRANT_REVOKED;
    }
    assert_in_range(n_revoked, 0, count);
}

static void test_killed_revokers(void **state)
{
    GrantStore store = GRANT_STORE_INIT(grants_path);
    Grant grant;

    (void)state;
    start();
    for (int i = 0; i < GRANTS_MAX; i++) {
        grant = grant_of("quit", 9);
        assert_int_equal(grant_store_add(&store, &grant, grant_clock(), NULL), 0);
    }
    for (int i = 0; i < KILLS / 8; i++) {
        CLEANUP(mem) Grant *grants = NULL;
        size_t count;

        kill_at_work(revoke_all, NULL);
        assert_int_equal(grant_store_read(&store, NULL, &grants, &count, NULL), 0);
        assert_int_equal(count, GRANTS_MAX);
        check_revoked(grants, count);
    }
    grant_store_close(&store);
}

/* A grant in which every part says which one it is, so that half of another shows. */
static Grant marked_grant(void)
{
    Grant grant = grant_of("", 9);

    for (size_t i = 0; i + GRANT_ID_SIZE <= sizeof(grant.reason); i += GRANT_ID_SIZE - 1)
        memcpy(grant.reason + i, grant.id, GRANT_ID_SIZE);
    memcpy(grant.command, grant.id, GRANT_ID_SIZE);
    memcpy(grant.caller, grant.id, GRANT_ID_SIZE);
    memcpy(grant.given_by, grant.id, GRANT_ID_SIZE);
    memcpy(grant.confirmed_by, grant.id, GRANT_ID_SIZE);
    return grant;
}

static void add_and_end_for_ever(GrantStore *store, const void *data)
{
    for (;;) {
        Grant grant = marked_grant();
        Grant *ended;
        size_t count;

        if (grant_store_add(store, &grant, grant_clock(), NULL) == 0) {
            atomic_fetch_add(&shared->added, 1);
            continue;
        }
        /* Full: from now on slots are used again. */
        (void)grant_store_change(store, grant_end, (void *)(uintptr_t)data, &ended, &count, NULL);
        free(ended);
    }
}

static void check_marks(const Grant *grant)
{
    Grant whole = {.reason = ""};

    for (size_t i = 0; i + GRANT_ID_SIZE <= sizeof(whole.reason); i += GRANT_ID_SIZE - 1)
        memcpy(whole.reason + i, grant->id, GRANT_ID_SIZE);
    assert_memory_equal(grant->reason, whole.reason, sizeof(whole.reason));
    assert_string_equal(grant->command, grant->id);
    assert_string_equal(grant->caller, grant->id);
    assert_string_equal(grant->given_by, grant->id);
    assert_string_equal(grant->confirmed_by, grant->id);
    assert_int_equal(grant->left, 9);
}

static void test_killed_adders(void **state)
{
    GrantStore store = GRANT_STORE_INIT(grants_path);

    (void)state;
    start();
    for (int i = 0; i < KILLS / 8; i++) {
        CLEANUP(mem) Grant *grants = NULL;
        size_t count;

        kill_at_work(add_and_end_for_ever, GRANTS_UUID);
        assert_int_equal(grant_store_read(&store, NULL, &grants, &count, NULL), 0);
        assert_true(count <= GRANTS_MAX);
        for (size_t n = 0; n < count; n++)
            check_marks(&grants[n]);
    }
    assert_true(shared->added > 0);
    grant_store_close(&store);
}

/* Some bytes of the file, at a place and of a length that are random, become others. */
static void make_noise(int fd)
{
    static const unsigned char fills[] = {0x00, 0xff, 0x7f, 0x80, 'x'};
    unsigned char noise[64];
    size_t length = 1 + random_below(random_below(4) ? 8 : sizeof(noise));
    /* The header's start, or one of the slots. */
    off_t offset = random_below(5) ? 4096 + (off_t)random_below(3 * GRANT_SLOT_SIZE)
                                   : (off_t)random_below(96);

    memset(noise, fills[random_below(COUNT_OF(fills))], sizeof(noise));
    for (size_t i = 0; i < length && random_below(2); i++)
        noise[i] = (unsigned char)random_below(256);
    if (random_below(200) == 0)
        assert_int_equal(ftruncate(fd, random_below(12000)), 0);
    else
        assert_int_equal(pwrite(fd, noise, length, offset), (ssize_t)length);
}

/* Does everything that can be done with a file of whatever content. */
static void use_noise(GrantStore *store)
{
    CLEANUP(mem) Grant *grants = NULL;
    CLEANUP(mem) Grant *changed = NULL;
    int64_t now = grant_clock() + (int64_t)random_below(120000);
    Grant more = grant_of("quit", 1);
    uint32_t slot = random_below(4);
    size_t count;
    size_t n_changed;

    assert_int_equal(grant_store_read(store, NULL, &grants, &count, NULL), 0);
    assert_true(count <= GRANTS_MAX);
    for (size_t i = 0; i < count; i++) {
        GrantTake taken = {.grant = &grants[i], .count = 1 + random_below(3)};
        bool is_open = grant_is_open(&grants[i], now) && grants[i].left >= taken.count;

        assert_true(grant_is_sound(&grants[i]));
        assert_int_equal(grant_store_take(store, &taken, 1, now, NULL), is_open);
    }
    if (random_below(4) == 0)
        assert_int_equal(grant_store_change(store, revoke_slot, &slot, &changed, &n_changed, NULL),
                         0);
    if (random_below(4) == 0)
        assert_int_equal(grant_store_add(store, &more, now, NULL), 0);
}

static void test_noise(void **state)
{
    GrantStore store = GRANT_STORE_INIT(grants_path);
    CLEANUP(fd) int fd = -1;
    struct stat info;

    (void)state;
    start();
    for (int i = 0; i < 10000; i++) {
        if (i % 50 == 0) {
            Grant grant = grant_of("quit", 50);

            grants_add(&grant);
        }
        if (fd < 0)
            fd = open(grants_path, O_RDWR | O_CLOEXEC);
        make_noise(fd);
        use_noise(&store);
    }
    assert_int_equal(fstat(fd, &info), 0);
    assert_true(info.st_size <= 4096 + (off_t)GRANTS_MAX * GRANT_SLOT_SIZE);
    grant_store_close(&store);
}

int main(void)
{
    const char *given = getenv("QMP_GUARD_SEED");
    int failed;

    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return 1;
    if (given)
        seed = (unsigned)strtoul(given, NULL, 10);
    fprintf(stderr, "# QMP_GUARD_SEED=%u\n", seed);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    grants_make_folder();
    UNIT_ADD_ROWS(race_rows, test_race_row);
    unit_add("killed takers", test_killed_takers, NULL);
    unit_add("killed revokers", test_killed_revokers, NULL);
    unit_add("killed adders", test_killed_adders, NULL);
    unit_add("noise", test_noise, NULL);
    failed = unit_run("grant_race");
    grants_remove_folder();
    return failed;
}
