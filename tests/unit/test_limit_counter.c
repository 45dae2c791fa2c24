/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "limit/limit_counter.h"
#include "util/cleanup.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static LimitAnswer take(LimitCounters *counters, const char *key, unsigned amount, unsigned count,
                        unsigned seconds, int64_t now_ms)
{
    LimitUse use = {key, amount, count, seconds};
    size_t which = 99;
    LimitAnswer answer = limit_take(counters, &use, 1, now_ms, &which);

    assert_int_equal(which, 0);
    return answer;
}

/* One call; a row is a list of them on one set of counters, up to the first without a key. */
typedef struct Step {
    int64_t now_ms;
    const char *key;
    unsigned amount;
    unsigned count;
    unsigned seconds;
    LimitAnswer wanted;
} Step;

typedef struct StepsRow {
    const char *name;
    Step steps[12];
} StepsRow;

static const StepsRow steps_rows[] = {
    {"the count passes, one more does not",
     {{5000, "a", 1, 3, 60, LIMIT_TAKEN},
      {5001, "a", 1, 3, 60, LIMIT_TAKEN},
      {5002, "a", 1, 3, 60, LIMIT_TAKEN},
      {5002, "a", 1, 3, 60, LIMIT_OVER},
      {64999, "a", 1, 3, 60, LIMIT_OVER_AGAIN},
      /* The first one's window ends: one may pass, and not two. */
      {65000, "a", 1, 3, 60, LIMIT_TAKEN},
      {65000, "a", 1, 3, 60, LIMIT_OVER},
      {65001, "a", 1, 3, 60, LIMIT_TAKEN},
      {65001, "a", 1, 3, 60, LIMIT_OVER},
      {65002, "a", 1, 3, 60, LIMIT_TAKEN}}},
    {"no new stretch begins twice as many",
     {{59999, "a", 2, 2, 60, LIMIT_TAKEN},
      {60000, "a", 1, 2, 60, LIMIT_OVER},
      {119998, "a", 1, 2, 60, LIMIT_OVER_AGAIN},
      {119999, "a", 2, 2, 60, LIMIT_TAKEN}}},
    {"at time zero",
     {{0, "a", 1, 1, 1, LIMIT_TAKEN},
      {999, "a", 1, 1, 1, LIMIT_OVER},
      {1000, "a", 1, 1, 1, LIMIT_TAKEN}}},
    {"a clock that stands still",
     {{7, "a", 1, 2, 1, LIMIT_TAKEN},
      {7, "a", 1, 2, 1, LIMIT_TAKEN},
      {7, "a", 1, 2, 1, LIMIT_OVER},
      {7, "a", 1, 2, 1, LIMIT_OVER_AGAIN}}},
    {"a time before the one before",
     {{5000, "a", 1, 1, 1, LIMIT_TAKEN},
      {4000, "a", 1, 1, 1, LIMIT_OVER},
      {3000, "b", 1, 1, 1, LIMIT_TAKEN},
      {5999, "b", 1, 1, 1, LIMIT_OVER},
      {6000, "b", 1, 1, 1, LIMIT_TAKEN}}},
    {"several at once",
     {{0, "a", 4, 10, 60, LIMIT_TAKEN},
      {1000, "a", 4, 10, 60, LIMIT_TAKEN},
      {2000, "a", 3, 10, 60, LIMIT_OVER},
      {2000, "a", 2, 10, 60, LIMIT_TAKEN},
      {59999, "a", 1, 10, 60, LIMIT_OVER},
      {60000, "a", 5, 10, 60, LIMIT_OVER_AGAIN},
      {60000, "a", 4, 10, 60, LIMIT_TAKEN},
      {61000, "a", 4, 10, 60, LIMIT_TAKEN}}},
    {"more at once than ever pass",
     {{0, "a", 4, 3, 1, LIMIT_OVER},
      {86400000, "a", 4, 3, 1, LIMIT_OVER_AGAIN},
      {86400000, "a", 3, 3, 1, LIMIT_TAKEN},
      {186400000, "a", 4, 3, 1, LIMIT_OVER},
      {186400000, "a", 4294967295u, 3, 1, LIMIT_OVER_AGAIN}}},
    {"none at all", {{0, "a", 1, 0, 1, LIMIT_OVER}, {86400000, "a", 1, 0, 1, LIMIT_OVER_AGAIN}}},
    {"keys know nothing of each other",
     {{0, "a", 1, 1, 60, LIMIT_TAKEN},
      {0, "b", 1, 1, 60, LIMIT_TAKEN},
      {0, "", 1, 1, 60, LIMIT_TAKEN},
      {0, "a", 1, 1, 60, LIMIT_OVER},
      {0, "b", 1, 1, 60, LIMIT_OVER},
      {0, "", 1, 1, 60, LIMIT_OVER},
      {0, "A", 1, 1, 60, LIMIT_TAKEN}}},
    {"the count is lowered",
     {{0, "a", 5, 10, 60, LIMIT_TAKEN},
      {1000, "a", 3, 10, 60, LIMIT_TAKEN},
      {2000, "a", 1, 4, 60, LIMIT_OVER},
      {60000, "a", 2, 4, 60, LIMIT_OVER_AGAIN},
      {60000, "a", 1, 4, 60, LIMIT_TAKEN},
      {60000, "a", 1, 4, 60, LIMIT_OVER},
      {61000, "a", 3, 4, 60, LIMIT_TAKEN}}},
    {"the count is raised",
     {{0, "a", 3, 3, 60, LIMIT_TAKEN},
      {1000, "a", 1, 3, 60, LIMIT_OVER},
      {1000, "a", 4, 6, 60, LIMIT_OVER_AGAIN},
      {1000, "a", 3, 6, 60, LIMIT_TAKEN},
      {59999, "a", 1, 6, 60, LIMIT_OVER},
      {60000, "a", 3, 6, 60, LIMIT_TAKEN}}},
    {"the stretch gets shorter",
     {{0, "a", 2, 2, 60, LIMIT_TAKEN},
      {9999, "a", 1, 2, 10, LIMIT_OVER},
      {10000, "a", 2, 2, 10, LIMIT_TAKEN},
      {19999, "a", 1, 2, 10, LIMIT_OVER}}},
    {"the stretch gets longer",
     {{0, "a", 2, 2, 10, LIMIT_TAKEN},
      {10000, "a", 1, 2, 60, LIMIT_OVER},
      {59999, "a", 1, 2, 60, LIMIT_OVER_AGAIN},
      {60000, "a", 2, 2, 60, LIMIT_TAKEN}}},
    {"out of bounds",
     {{0, "a", 0, 1, 1, LIMIT_FULL},
      {0, "a", 1, 1, 0, LIMIT_FULL},
      {0, "a", 1, LIMIT_COUNT_MAX + 1, 1, LIMIT_FULL},
      {0, "a", 1, 1, LIMIT_SECONDS_MAX + 1, LIMIT_FULL},
      {0, "a", LIMIT_COUNT_MAX, LIMIT_COUNT_MAX, LIMIT_SECONDS_MAX, LIMIT_TAKEN},
      {86399999, "a", 1, LIMIT_COUNT_MAX, LIMIT_SECONDS_MAX, LIMIT_OVER},
      {86400000, "a", 1, LIMIT_COUNT_MAX, LIMIT_SECONDS_MAX, LIMIT_TAKEN}}},
};

static void test_steps_row(void **state)
{
    const StepsRow *row = *state;
    LimitCounters *counters = limit_counters_new();

    for (const Step *step = row->steps; step->key; step++) {
        LimitAnswer answer = take(counters, step->key, step->amount, step->count, step->seconds,
                                  step->now_ms);

        if (answer != step->wanted)
            fail_msg("step %zu: got %d, wanted %d", (size_t)(step - row->steps), (int)answer,
                     (int)step->wanted);
    }
    limit_counters_free(counters);
}

static void test_all_or_none(void **state)
{
    LimitCounters *counters = limit_counters_new();
    const LimitUse uses[] = {{"wide", 2, 10, 60}, {"narrow", 1, 2, 60}, {"other", 1, 9, 60}};
    size_t which;

    (void)state;
    assert_int_equal(limit_take(counters, uses, 3, 0, &which), LIMIT_TAKEN);
    assert_int_equal(limit_take(counters, uses, 3, 1, &which), LIMIT_TAKEN);
    for (int64_t now_ms = 2; now_ms < 100; now_ms++) {
        assert_int_equal(limit_take(counters, uses, 3, now_ms, &which),
                         now_ms == 2 ? LIMIT_OVER : LIMIT_OVER_AGAIN);
        assert_int_equal(which, 1);
    }
    /* What the refused ones would have taken of the others is there. */
    assert_int_equal(take(counters, "wide", 6, 10, 60, 100), LIMIT_TAKEN);
    assert_int_equal(take(counters, "other", 7, 9, 60, 100), LIMIT_TAKEN);
    /* The first that is over is named, and only that is told of. */
    assert_int_equal(limit_take(counters, uses, 3, 101, &which), LIMIT_OVER);
    assert_int_equal(which, 0);
    assert_int_equal(take(counters, "other", 1, 9, 60, 101), LIMIT_OVER);
    limit_counters_free(counters);
}

/* That a part could have passed is no pass: it was said that the limit is over. */
static void test_refused_part_stays_told(void **state)
{
    LimitCounters *counters = limit_counters_new();
    const LimitUse uses[] = {{"a", 1, 2, 60}, {"b", 2, 1, 60}};
    size_t which;

    (void)state;
    assert_int_equal(take(counters, "a", 3, 2, 60, 0), LIMIT_OVER);
    assert_int_equal(limit_take(counters, uses, 2, 0, &which), LIMIT_OVER);
    assert_int_equal(which, 1);
    assert_int_equal(take(counters, "a", 3, 2, 60, 0), LIMIT_OVER_AGAIN);
    assert_int_equal(take(counters, "a", 2, 2, 60, 0), LIMIT_TAKEN);
    assert_int_equal(take(counters, "a", 3, 2, 60, 0), LIMIT_OVER);
    limit_counters_free(counters);
}

static void test_same_key_twice(void **state)
{
    LimitCounters *counters = limit_counters_new();
    const LimitUse uses[] = {{"a", 6, 10, 60}, {"a", 6, 10, 60}};
    const LimitUse fewer[] = {{"a", 5, 10, 60}, {"a", 5, 10, 60}};
    size_t which;

    (void)state;
    assert_int_equal(limit_take(counters, uses, 2, 0, &which), LIMIT_OVER);
    assert_int_equal(which, 1);
    assert_int_equal(limit_take(counters, fewer, 2, 0, &which), LIMIT_TAKEN);
    assert_int_equal(take(counters, "a", 1, 10, 60, 0), LIMIT_OVER);
    limit_counters_free(counters);
}

static void test_nothing_to_count(void **state)
{
    LimitCounters *counters = limit_counters_new();
    LimitUse use = {"a", 1, 1, 1};
    size_t which;

    (void)state;
    assert_int_equal(limit_take(counters, NULL, 0, 0, &which), LIMIT_TAKEN);
    assert_int_equal(limit_take(NULL, &use, 1, 0, &which), LIMIT_FULL);
    assert_int_equal(which, 0);
    assert_int_equal((LimitAnswer){0}, LIMIT_OVER);
    limit_counters_free(counters);
    limit_counters_free(NULL);
}

static void test_key_bytes(void **state)
{
    CLEANUP(mem) char *longest = repeated('k', LIMIT_KEY_BYTES_MAX);
    CLEANUP(mem) char *longer = repeated('k', LIMIT_KEY_BYTES_MAX + 1);
    LimitCounters *counters = limit_counters_new();

    (void)state;
    assert_int_equal(take(counters, longest, 1, 1, 1, 0), LIMIT_TAKEN);
    assert_int_equal(take(counters, longer, 1, 1, 1, 0), LIMIT_FULL);
    limit_counters_free(counters);
}

static LimitAnswer take_numbered(LimitCounters *counters, size_t number, unsigned amount,
                                 unsigned seconds, int64_t now_ms)
{
    char key[32];

    snprintf(key, sizeof(key), "key %zu", number);
    return take(counters, key, amount, LIMIT_COUNT_MAX, seconds, now_ms);
}

static void test_all_keys_used(void **state)
{
    LimitCounters *counters = limit_counters_new();
    const LimitUse uses[] = {{"key 9", 1, 1000, 60}, {"new", 1, 1000, 60}};
    size_t which;

    (void)state;
    for (size_t i = 0; i < LIMIT_KEYS_MAX; i++)
        assert_int_equal(take_numbered(counters, i, 1, i < 10 ? 2 : 60, i < 10 ? (int64_t)i : 9),
                         LIMIT_TAKEN);
    assert_int_equal(take(counters, "new", 1, 1, 60, 10), LIMIT_FULL);
    /* Even what is over cannot be noted. */
    assert_int_equal(take(counters, "new", 2, 1, 60, 10), LIMIT_FULL);
    assert_int_equal(limit_take(counters, uses, 2, 10, &which), LIMIT_FULL);
    assert_int_equal(which, 1);
    /* Those that are known are counted on; key 9 lives on by that. */
    assert_int_equal(take(counters, "key 9", 999, 1000, 60, 10), LIMIT_TAKEN);
    assert_int_equal(take(counters, "key 9", 1, 1000, 60, 10), LIMIT_OVER);
    assert_int_equal(take(counters, "new", 1, 1, 60, 1999), LIMIT_FULL);
    /* Keys 0 to 8 end their two seconds one after the other. */
    for (int64_t i = 0; i < 9; i++) {
        assert_int_equal(take_numbered(counters, 100000 + (size_t)i, 1, 60, 2000 + i), LIMIT_TAKEN);
        assert_int_equal(take(counters, "new", 1, 1, 60, 2000 + i), LIMIT_FULL);
    }
    assert_int_equal(take(counters, "new", 1, 1, 60, 60008), LIMIT_FULL);
    assert_int_equal(take(counters, "new", 1, 1, 60, 60009), LIMIT_TAKEN);
    assert_int_equal(take(counters, "key 9", 2, 1000, 60, 60009), LIMIT_OVER_AGAIN);
    assert_int_equal(take(counters, "key 9", 1, 1000, 60, 60009), LIMIT_TAKEN);
    limit_counters_free(counters);
}

static void test_all_times_used(void **state)
{
    LimitCounters *counters = limit_counters_new();
    const size_t n_full = LIMIT_TIMES_MAX / LIMIT_COUNT_MAX;
    const unsigned left = LIMIT_TIMES_MAX % LIMIT_COUNT_MAX;

    (void)state;
    /* One grows step by step, and no further than it can ever need. */
    assert_int_equal(take_numbered(counters, 0, LIMIT_COUNT_MAX - 400, 60, 0), LIMIT_TAKEN);
    assert_int_equal(take_numbered(counters, 0, 400, 60, 0), LIMIT_TAKEN);
    for (size_t i = 1; i < n_full; i++)
        assert_int_equal(take_numbered(counters, i, LIMIT_COUNT_MAX, 60, 0), LIMIT_TAKEN);
    assert_int_equal(take_numbered(counters, n_full, LIMIT_COUNT_MAX, 60, 59999), LIMIT_FULL);
    assert_int_equal(take_numbered(counters, n_full, left, 60, 59999), LIMIT_TAKEN);
    assert_int_equal(take_numbered(counters, n_full, 1, 60, 59999), LIMIT_FULL);
    assert_int_equal(take_numbered(counters, n_full, LIMIT_COUNT_MAX - left, 60, 60000),
                     LIMIT_TAKEN);
    assert_int_equal(take_numbered(counters, n_full, 1, 60, 60000), LIMIT_OVER);
    limit_counters_free(counters);
}

/* What is given back to make room is never what the room is for. */
static void test_room_for_an_old_key(void **state)
{
    LimitCounters *counters = limit_counters_new();
    const size_t n_full = LIMIT_TIMES_MAX / LIMIT_COUNT_MAX;

    (void)state;
    for (size_t i = 0; i < n_full; i++)
        assert_int_equal(take_numbered(counters, i, LIMIT_COUNT_MAX, i ? 60 : 1, 0), LIMIT_TAKEN);
    assert_int_equal(take_numbered(counters, n_full, 2, 1, 0), LIMIT_TAKEN);
    /* Both are idle, and the second needs what the first has. */
    assert_int_equal(take_numbered(counters, n_full, LIMIT_COUNT_MAX, 1, 1000), LIMIT_TAKEN);
    assert_int_equal(take_numbered(counters, n_full, 1, 1, 1000), LIMIT_OVER);
    assert_int_equal(take_numbered(counters, 0, LIMIT_COUNT_MAX, 1, 1000), LIMIT_FULL);
    limit_counters_free(counters);
}

/* How many of @count new keys, numbered from @first on, the owner gets. */
static size_t take_for(LimitCounters *counters, const char *owner, size_t first, size_t count,
                       unsigned amount, int64_t now_ms)
{
    size_t n_taken = 0;

    for (size_t i = first; i < first + count; i++) {
        char key[32];
        const LimitUse use = {key, amount, LIMIT_COUNT_MAX, 60, owner};
        size_t which;

        snprintf(key, sizeof(key), "key %zu", i);
        n_taken += limit_take(counters, &use, 1, now_ms, &which) == LIMIT_TAKEN;
    }
    return n_taken;
}

/* Whoever brings ever new keys, or fills them, is refused while others still have room. */
static void test_owner_leaves_room(void **state)
{
    static const struct {
        unsigned amount;
        size_t all;
    } rows[] = {{1, LIMIT_KEYS_MAX}, {LIMIT_COUNT_MAX, LIMIT_TIMES_MAX / LIMIT_COUNT_MAX}};

    (void)state;
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        LimitCounters *counters = limit_counters_new();
        const unsigned amount = rows[row].amount;
        const size_t all = rows[row].all;

        assert_in_range(take_for(counters, "greedy", 0, all, amount, 0), all / 5, all / 5 + 2);
        assert_in_range(take_for(counters, "greedy too", all, all, amount, 0), all / 5 * 4 / 5,
                        all / 5 * 4 / 5 + 2);
        assert_int_equal(take_for(counters, "modest", 2 * all, 10, amount, 0), 10);
        assert_int_equal(take_for(counters, "greedy", 3 * all, 10, amount, 59999), 0);
        assert_int_equal(take_for(counters, "greedy", 3 * all, 10, amount, 60000), 10);
        limit_counters_free(counters);
    }
}

/* A text that is refused, under ever new names, fills nothing. */
static void test_refused_take_no_room(void **state)
{
    LimitCounters *counters = limit_counters_new();
    size_t which;

    (void)state;
    for (size_t i = 0; i < 2 * LIMIT_KEYS_MAX; i++) {
        char key[32];
        const LimitUse uses[] = {{key, 1000, 1000, 60}, {"b", 2, 1, 60}};

        snprintf(key, sizeof(key), "key %zu", i);
        assert_int_equal(limit_take(counters, uses, 2, 0, &which),
                         i ? LIMIT_OVER_AGAIN : LIMIT_OVER);
        assert_int_equal(which, 1);
    }
    limit_counters_free(counters);
}

#define N_THREADS 8
#define N_TAKES 10000

typedef struct Racer {
    LimitCounters *counters;
    unsigned taken;
    unsigned over;
    unsigned others;
} Racer;

static void *race(void *data)
{
    Racer *racer = data;
    const LimitUse use = {"a", 1, 100, 60};

    for (size_t i = 0; i < N_TAKES / N_THREADS; i++) {
        size_t which;
        LimitAnswer answer = limit_take(racer->counters, &use, 1, 1000, &which);

        racer->taken += answer == LIMIT_TAKEN;
        racer->over += answer == LIMIT_OVER;
        racer->others += answer == LIMIT_OVER_AGAIN;
    }
    return NULL;
}

static void test_threads(void **state)
{
    LimitCounters *counters = limit_counters_new();
    pthread_t threads[N_THREADS];
    Racer racers[N_THREADS] = {0};
    Racer sum = {0};

    (void)state;
    for (size_t i = 0; i < N_THREADS; i++) {
        racers[i].counters = counters;
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sum.taken += racers[i].taken;
        sum.over += racers[i].over;
        sum.others += racers[i].others;
    }
    assert_int_equal(sum.taken, 100);
    assert_int_equal(sum.over, 1);
    assert_int_equal(sum.others, N_TAKES - 101);
    limit_counters_free(counters);
}

static uint64_t random_state;

/* xorshift64* */
static unsigned random_below(unsigned limit)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (unsigned)((random_state * 0x2545f4914f6cdd1dULL >> 33) % limit);
}

/* Another sequence on every run; the environment's QMP_GUARD_SEED repeats one. */
static void seed_random(void)
{
    const char *given = getenv("QMP_GUARD_SEED");
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    random_state = given ? strtoull(given, NULL, 10)
                         : (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    random_state |= 1;
    fprintf(stderr, "# QMP_GUARD_SEED=%llu\n", (unsigned long long)random_state);
}

#define N_KEYS 4
#define N_STEPS 20000

/* The naive model: everything that ever passed, and nothing is ever dropped. */
typedef struct Model {
    size_t n_times;
    bool told;
    struct {
        int64_t at_ms;
        bool seen_out; /* an asked-for stretch did not reach back to it: it may be forgotten */
    } times[N_STEPS * 8];
} Model;

/* How many are in the stretch; with @known, without those that may be forgotten. */
static size_t model_count(const Model *model, int64_t now_ms, unsigned seconds, bool known)
{
    size_t count = 0;

    for (size_t i = model->n_times;
         i > 0 && model->times[i - 1].at_ms > now_ms - (int64_t)seconds * 1000; i--)
        count += !known || !model->times[i - 1].seen_out;
    return count;
}

static void model_add(Model *model, unsigned amount, int64_t now_ms)
{
    for (unsigned i = 0; i < amount; i++, model->n_times++) {
        model->times[model->n_times].at_ms = now_ms;
        model->times[model->n_times].seen_out = false;
    }
}

static void model_look(Model *model, int64_t now_ms, unsigned seconds)
{
    for (size_t i = model->n_times; i > 0 && !model->times[i - 1].seen_out; i--)
        model->times[i - 1].seen_out = model->times[i - 1].at_ms <=
                                       now_ms - (int64_t)seconds * 1000;
}

static const char *const model_keys[N_KEYS] = {"a", "b", "c", "d"};

/* Each key's stretch stays as it is, its count changes: the answers are the model's. */
static void test_against_model(void **state)
{
    LimitCounters *counters = limit_counters_new();
    Model *models = calloc(N_KEYS, sizeof(*models));
    size_t seen[LIMIT_TAKEN + 1] = {0};
    int64_t now_ms = 0;

    (void)state;
    assert_non_null(models);
    for (size_t step = 0; step < N_STEPS; step++) {
        unsigned n_uses = 1 + random_below(3);
        unsigned first = random_below(N_KEYS);
        LimitUse uses[3];
        LimitAnswer wanted = LIMIT_TAKEN;
        size_t wanted_which = 0;
        size_t which;

        now_ms += random_below(4) ? random_below(300) : 0;
        for (unsigned i = 0; i < n_uses; i++) {
            unsigned key = (first + i) % N_KEYS;

            uses[i] = (LimitUse){model_keys[key], 1 + random_below(5), 3 + random_below(12),
                                 1 + key};
            if (wanted == LIMIT_TAKEN &&
                model_count(&models[key], now_ms, 1 + key, false) + uses[i].amount >
                    uses[i].count) {
                wanted = models[key].told ? LIMIT_OVER_AGAIN : LIMIT_OVER;
                wanted_which = i;
                models[key].told = true;
            }
        }
        for (unsigned i = 0; i < n_uses && wanted == LIMIT_TAKEN; i++) {
            model_add(&models[(first + i) % N_KEYS], uses[i].amount, now_ms);
            models[(first + i) % N_KEYS].told = false;
        }
        assert_int_equal(limit_take(counters, uses, n_uses, now_ms, &which), wanted);
        assert_int_equal(which, wanted_which);
        seen[wanted]++;
    }
    /* The sequence is one that tells something. */
    assert_true(seen[LIMIT_TAKEN] > N_STEPS / 20);
    assert_true(seen[LIMIT_OVER] > N_STEPS / 20);
    assert_true(seen[LIMIT_OVER_AGAIN] > N_STEPS / 20);
    free(models);
    limit_counters_free(counters);
}

/*
 * All changes, all the time. What a longer stretch finds forgotten is no longer counted;
 * nothing that all since could have counted is forgotten, and nothing is made up.
 */
static void test_edits_against_model(void **state)
{
    LimitCounters *counters = limit_counters_new();
    Model *model = calloc(1, sizeof(*model));
    size_t n_taken = 0;
    size_t n_refused = 0;
    int64_t now_ms = 0;

    (void)state;
    assert_non_null(model);
    for (size_t step = 0; step < N_STEPS; step++) {
        unsigned amount = 1 + random_below(4);
        unsigned count = 4 + random_below(20);
        unsigned seconds = 1 + random_below(3) * random_below(3);
        LimitAnswer answer;

        now_ms += random_below(4) ? random_below(300) : 0;
        model_look(model, now_ms, seconds);
        answer = take(counters, "a", amount, count, seconds, now_ms);
        if (model_count(model, now_ms, seconds, false) + amount <= count)
            assert_int_equal(answer, LIMIT_TAKEN);
        if (model_count(model, now_ms, seconds, true) + amount > count)
            assert_int_not_equal(answer, LIMIT_TAKEN);
        if (answer == LIMIT_TAKEN)
            model_add(model, amount, now_ms);
        n_taken += answer == LIMIT_TAKEN;
        n_refused += answer != LIMIT_TAKEN;
    }
    assert_true(n_taken > N_STEPS / 20);
    assert_true(n_refused > N_STEPS / 20);
    free(model);
    limit_counters_free(counters);
}

int main(void)
{
    seed_random();
    UNIT_ADD_ROWS(steps_rows, test_steps_row);
    unit_add("all or none", test_all_or_none, NULL);
    unit_add("a refused part stays told", test_refused_part_stays_told, NULL);
    unit_add("the same key twice", test_same_key_twice, NULL);
    unit_add("nothing to count, or nowhere", test_nothing_to_count, NULL);
    unit_add("key bytes", test_key_bytes, NULL);
    unit_add("all keys used", test_all_keys_used, NULL);
    unit_add("all times used", test_all_times_used, NULL);
    unit_add("room for an old key", test_room_for_an_old_key, NULL);
    unit_add("an owner leaves room", test_owner_leaves_room, NULL);
    unit_add("refused texts take no room", test_refused_take_no_room, NULL);
    unit_add("threads", test_threads, NULL);
    unit_add("random sequences", test_against_model, NULL);
    unit_add("random edits", test_edits_against_model, NULL);
    return unit_run("limit_counter");
}
