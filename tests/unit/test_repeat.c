/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Repetitions that are only counted, under threads and SIGKILL: what was counted is written, and
 * nothing else.
 */
#include "unit.h"

#include "repeat.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PENDING_FILE TRAIL_PATH ".repeats"

#define THREADS 4

/* There are places for 256: some commands share one, and drive each other out. */
#define COMMANDS 300
#define ROUNDS 6

/* Few enough that each has a place of its own: a count that is driven out may be written twice. */
#define KILLED_COMMANDS 4
#define KILLS 20

/* One command's. Shared by processes. */
typedef struct Count {
    atomic_ulong calls;
    atomic_ulong counted; /* said to be */
    atomic_ulong recorded; /* the others */
    atomic_ulong written; /* of those that were counted */
} Count;

static Count *counts;

/* A RepeatWriter. */
static void add_written(uint64_t count, const char *line, const char *json)
{
    const char *found = strstr(json, ",\"command\":");
    unsigned command;

    (void)line;
    if (found && sscanf(found, ",\"command\":%u,", &command) == 1 && command < COMMANDS)
        atomic_fetch_add(&counts[command].written, count);
}

/* As the recorder does it. */
static void record(unsigned command, unsigned seconds)
{
    char line[32];
    char repeat[32];
    AuditRecord made = {.line = line, .repeat = repeat};

    snprintf(line, sizeof(line), "command %u", command);
    snprintf(repeat, sizeof(repeat), "{\"command\":%u", command);
    atomic_fetch_add(&counts[command].calls, 1);
    if (repeat_counts(&made)) {
        atomic_fetch_add(&counts[command].counted, 1);
        return;
    }
    atomic_fetch_add(&counts[command].recorded, 1);
    repeat_begin(&made, seconds);
}

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

/* For longer than a second, after which counts are due: they are written while others go on. */
static void *record_all(void *data)
{
    (void)data;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned command = 0; command < COMMANDS; command++) {
            record(command, 1);
            record(command, 1);
        }
        pause_ms(500);
    }
    return NULL;
}

static void run_threads(void *(*work)(void *))
{
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static Count sum_of_counts(void)
{
    Count sum = {0};

    for (size_t i = 0; i < COMMANDS; i++) {
        sum.calls += counts[i].calls;
        sum.counted += counts[i].counted;
        sum.recorded += counts[i].recorded;
        sum.written += counts[i].written;
    }
    return sum;
}

static void start(void)
{
    memset(counts, 0, COMMANDS * sizeof(*counts));
    unlink(PENDING_FILE);
}

/* @work in a process of its own, as another daemon: what is in memory is that one's alone. */
static pid_t start_process(void (*work)(void))
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        repeat_start(add_written);
        work();
        _exit(0);
    }
    return child;
}

static void check_process(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void record_and_wait(void)
{
    run_threads(record_all);
    for (int tries = 0; tries < 600 && sum_of_counts().written < sum_of_counts().counted; tries++)
        pause_ms(50);
}

static void do_nothing(void)
{
}

static void test_counts_add_up(void **state)
{
    Count sum;

    (void)state;
    start();
    check_process(start_process(record_and_wait));
    for (size_t i = 0; i < COMMANDS; i++) {
        assert_int_equal(counts[i].calls, THREADS * ROUNDS * 2);
        assert_int_equal(counts[i].recorded + counts[i].counted, counts[i].calls);
        assert_int_equal(counts[i].written, counts[i].counted);
    }
    sum = sum_of_counts();
    /* Each began anew at least once, and not each time. */
    assert_true(sum.recorded >= 2 * COMMANDS && sum.counted > 0);
    check_process(start_process(do_nothing));
    assert_int_equal(sum_of_counts().written, sum.written);
}

static void *record_few_for_ever(void *data)
{
    (void)data;
    for (;;) {
        for (unsigned command = 0; command < KILLED_COMMANDS; command++)
            record(command, 3600);
        pause_ms(1);
    }
    return NULL;
}

/* Until something more than @before was counted; and some time longer. */
static void wait_for_counting(unsigned long before, long ms)
{
    for (int tries = 0; tries < 600 && sum_of_counts().counted == before; tries++)
        pause_ms(50);
    pause_ms(ms);
}

static void record_for_ever(void)
{
    run_threads(record_few_for_ever);
}

/* A later daemon writes what a killed one counted, once; a thread may have been in the midst of
 * one. */
static void test_killed(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < KILLS; i++) {
        unsigned long before = sum_of_counts().counted;
        pid_t child = start_process(record_for_ever);
        int status;

        wait_for_counting(before, i);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        check_process(start_process(do_nothing));
        for (size_t n = 0; n < KILLED_COMMANDS; n++) {
            unsigned long in_midst = (unsigned long)(i + 1) * THREADS;

            assert_in_range(counts[n].written, counts[n].counted, counts[n].counted + in_midst);
            assert_true(counts[n].written + counts[n].recorded <= counts[n].calls);
        }
    }
    assert_true(sum_of_counts().written >= KILLS);
}

int main(void)
{
    char folder[] = "/tmp/qmp-guard-unit-XXXXXX";
    int failed;

    /* The file that is counted in is a relative one here. */
    if (!mkdtemp(folder) || chdir(folder) < 0)
        return 1;
    counts = mmap(NULL, COMMANDS * sizeof(*counts), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counts == MAP_FAILED)
        return 1;
    unit_add("the counts of threads add up", test_counts_add_up, NULL);
    unit_add("killed while it counts", test_killed, NULL);
    failed = unit_run("repeat");
    unlink(PENDING_FILE);
    rmdir(folder);
    return failed;
}
