/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "limit_counter.h"

#include <pthread.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* What is kept on one account; gone with its last key. */
typedef struct Owner {
    char *name;
    size_t n_keys;
    size_t n_times; /* that there is room for */
} Owner;

/* What passed under one key. */
typedef struct Series {
    char *key;
    Owner *owner;
    LIST_ENTRY(Series) link;
    int64_t *times; /* a ring */
    size_t room; /* of the ring */
    size_t oldest; /* where the ring starts */
    size_t n_times;
    int64_t asked_ms; /* when it was last asked for */
    int64_t window_ms; /* of the limit as it was then */
    bool told; /* that it is over, since something passed */
} Series;

struct LimitCounters {
    pthread_mutex_t lock; /* guards what follows */
    /* A balanced tree: whoever chooses the keys cannot make it slow, as they could a hash. */
    void *by_key;
    void *owners; /* the same, by name */
    LIST_HEAD(SeriesList, Series) all;
    size_t n_keys;
    size_t n_times; /* that there is room for, in all rings */
    int64_t now_ms; /* the latest time that was given */
    int64_t idle_ms; /* before this time no series is idle */
};

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const Series *)a)->key, ((const Series *)b)->key);
}

static Series *find_series(const LimitCounters *counters, const char *key)
{
    const Series wanted = {.key = (char *)key};
    Series *const *found = tfind(&wanted, &counters->by_key, compare_keys);

    return found ? *found : NULL;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const Owner *)a)->name, ((const Owner *)b)->name);
}

static Owner *find_owner(const LimitCounters *counters, const char *name)
{
    const Owner wanted = {.name = (char *)name};
    Owner *const *found = tfind(&wanted, &counters->owners, compare_names);

    return found ? *found : NULL;
}

static void free_owner(Owner *owner)
{
    free(owner->name);
    free(owner);
}

/* The owner of that name, be it a new one. NULL when out of memory. */
static Owner *owner_called(LimitCounters *counters, const char *name)
{
    Owner *owner = find_owner(counters, name);

    if (owner)
        return owner;
    owner = calloc(1, sizeof(*owner));
    if (!owner)
        return NULL;
    owner->name = strdup(name);
    if (!owner->name || !tsearch(owner, &counters->owners, compare_names)) {
        free_owner(owner);
        return NULL;
    }
    return owner;
}

static void forget_keyless(LimitCounters *counters, Owner *owner)
{
    if (owner->n_keys > 0)
        return;
    tdelete(owner, &counters->owners, compare_names);
    free_owner(owner);
}

/* Whether who has @has may have more, of which nobody has @left. */
static bool is_modest(size_t has, size_t left)
{
    return has * LIMIT_OWNER_PART < left;
}

static void free_series(Series *series)
{
    free(series->key);
    free(series->times);
    free(series);
}

static void forget_series(LimitCounters *counters, Series *series)
{
    tdelete(series, &counters->by_key, compare_keys);
    LIST_REMOVE(series, link);
    counters->n_keys--;
    counters->n_times -= series->room;
    series->owner->n_keys--;
    series->owner->n_times -= series->room;
    forget_keyless(counters, series->owner);
    free_series(series);
}

/* Nothing that an idle series remembers can make its limit refuse. */
static int64_t idle_from(const Series *series)
{
    return series->asked_ms + series->window_ms;
}

static void forget_idle(LimitCounters *counters)
{
    Series *next;

    /* While all are in use, a full house does not cost each text a look at all of them. */
    if (counters->now_ms < counters->idle_ms)
        return;
    counters->idle_ms = INT64_MAX;
    for (Series *series = LIST_FIRST(&counters->all); series; series = next) {
        next = LIST_NEXT(series, link);
        if (idle_from(series) <= counters->now_ms)
            forget_series(counters, series);
        else if (idle_from(series) < counters->idle_ms)
            counters->idle_ms = idle_from(series);
    }
}

static bool has_key_for(const LimitCounters *counters, const char *name)
{
    const Owner *owner = find_owner(counters, name);

    return is_modest(owner ? owner->n_keys : 0, LIMIT_KEYS_MAX - counters->n_keys);
}

static bool has_times_for(const LimitCounters *counters, const Owner *owner, size_t more)
{
    size_t left = LIMIT_TIMES_MAX - counters->n_times;

    return more <= left && is_modest(owner->n_times, left);
}

static Series *make_series(LimitCounters *counters, const char *key, Owner *owner)
{
    Series *series = calloc(1, sizeof(*series));

    if (!series)
        return NULL;
    series->key = strdup(key);
    series->owner = owner;
    if (!series->key || !tsearch(series, &counters->by_key, compare_keys)) {
        free_series(series);
        return NULL;
    }
    LIST_INSERT_HEAD(&counters->all, series, link);
    counters->n_keys++;
    owner->n_keys++;
    return series;
}

static Series *add_series(LimitCounters *counters, const LimitUse *use)
{
    const char *name = use->owner ? use->owner : use->key;
    Series *series;
    Owner *owner;

    if (!has_key_for(counters, name))
        forget_idle(counters);
    if (!has_key_for(counters, name))
        return NULL;
    owner = owner_called(counters, name);
    if (!owner)
        return NULL;
    series = make_series(counters, use->key, owner);
    if (!series)
        forget_keyless(counters, owner);
    return series;
}

/* The series of @use, marked as in use. NULL when there is no room for a new one. */
static Series *series_for(LimitCounters *counters, const LimitUse *use)
{
    Series *series = find_series(counters, use->key);

    if (!series)
        series = add_series(counters, use);
    if (!series)
        return NULL;
    series->asked_ms = counters->now_ms;
    series->window_ms = (int64_t)use->seconds * 1000;
    if (idle_from(series) < counters->idle_ms)
        counters->idle_ms = idle_from(series);
    return series;
}

static size_t place_of(const Series *series, size_t number)
{
    return (series->oldest + number) % series->room;
}

/* Whether the time with this number, counted from the oldest, is in the window still. */
static bool is_recent(const Series *series, size_t number, int64_t now_ms)
{
    return now_ms - series->times[place_of(series, number)] < series->window_ms;
}

static bool is_over(const Series *series, const LimitUse *use, int64_t now_ms)
{
    size_t others;

    if (use->amount > use->count)
        return true;
    /* So many may be in the window beside this text's: the one before them must be out of it. */
    others = use->count - use->amount;
    return series->n_times > others && is_recent(series, series->n_times - others - 1, now_ms);
}

static int grow(LimitCounters *counters, Series *series, size_t room)
{
    size_t more = room - series->room;
    int64_t *times;

    if (!has_times_for(counters, series->owner, more))
        forget_idle(counters);
    if (!has_times_for(counters, series->owner, more))
        return -1;
    times = malloc(room * sizeof(*times));
    if (!times)
        return -1;
    for (size_t i = 0; i < series->n_times; i++)
        times[i] = series->times[place_of(series, i)];
    free(series->times);
    series->times = times;
    series->room = room;
    series->oldest = 0;
    counters->n_times += more;
    series->owner->n_times += more;
    return 0;
}

/* Makes room for a use that is not over: then it never takes more than the limit's count. */
static int make_room(LimitCounters *counters, Series *series, const LimitUse *use)
{
    size_t room = 2 * series->room;
    size_t needed;

    while (series->n_times > 0 && series->n_times + use->amount > series->room &&
           !is_recent(series, 0, counters->now_ms)) {
        series->oldest = place_of(series, 1);
        series->n_times--;
    }
    needed = series->n_times + use->amount;
    if (needed <= series->room)
        return 0;
    if (room > use->count)
        room = use->count;
    return grow(counters, series, room > needed ? room : needed);
}

static bool can_be_counted(const LimitUse *use)
{
    return use->amount > 0 && use->count <= LIMIT_COUNT_MAX && use->seconds > 0 &&
           use->seconds <= LIMIT_SECONDS_MAX &&
           strnlen(use->key, LIMIT_KEY_BYTES_MAX + 1) <= LIMIT_KEY_BYTES_MAX;
}

/* Nothing that a refused text brought takes up room. */
static void forget_unused(LimitCounters *counters, Series *series)
{
    if (series->n_times == 0 && !series->told)
        forget_series(counters, series);
}

static LimitAnswer take_one(LimitCounters *counters, const LimitUse *use)
{
    Series *series = can_be_counted(use) ? series_for(counters, use) : NULL;

    if (!series)
        return LIMIT_FULL;
    if (is_over(series, use, counters->now_ms)) {
        LimitAnswer answer = series->told ? LIMIT_OVER_AGAIN : LIMIT_OVER;

        series->told = true;
        return answer;
    }
    if (make_room(counters, series, use) < 0) {
        forget_unused(counters, series);
        return LIMIT_FULL;
    }
    for (unsigned i = 0; i < use->amount; i++)
        series->times[place_of(series, series->n_times++)] = counters->now_ms;
    return LIMIT_TAKEN;
}

static void give_back(LimitCounters *counters, const LimitUse *uses, size_t n_uses)
{
    while (n_uses-- > 0) {
        Series *series = find_series(counters, uses[n_uses].key);

        series->n_times -= uses[n_uses].amount;
        forget_unused(counters, series);
    }
}

static LimitAnswer take_all(LimitCounters *counters, const LimitUse *uses, size_t n_uses,
                            size_t *ret_which)
{
    /* One after the other, so that a key that comes twice is counted twice. */
    for (size_t i = 0; i < n_uses; i++) {
        LimitAnswer answer = take_one(counters, &uses[i]);

        if (answer != LIMIT_TAKEN) {
            give_back(counters, uses, i);
            *ret_which = i;
            return answer;
        }
    }
    for (size_t i = 0; i < n_uses; i++)
        find_series(counters, uses[i].key)->told = false;
    return LIMIT_TAKEN;
}

LimitCounters *limit_counters_new(void)
{
    LimitCounters *counters = calloc(1, sizeof(*counters));

    if (!counters)
        return NULL;
    if (pthread_mutex_init(&counters->lock, NULL) != 0) {
        free(counters);
        return NULL;
    }
    LIST_INIT(&counters->all);
    counters->idle_ms = INT64_MAX;
    return counters;
}

void limit_counters_free(LimitCounters *counters)
{
    Series *series;

    if (!counters)
        return;
    while ((series = LIST_FIRST(&counters->all)))
        forget_series(counters, series);
    pthread_mutex_destroy(&counters->lock);
    free(counters);
}

LimitAnswer limit_take(LimitCounters *counters, const LimitUse *uses, size_t n_uses, int64_t now_ms,
                       size_t *ret_which)
{
    LimitAnswer answer;

    *ret_which = 0;
    if (!counters)
        return LIMIT_FULL;
    pthread_mutex_lock(&counters->lock);
    if (now_ms > counters->now_ms)
        counters->now_ms = now_ms;
    answer = take_all(counters, uses, n_uses, ret_which);
    pthread_mutex_unlock(&counters->lock);
    return answer;
}
