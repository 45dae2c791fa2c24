/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What do limits and grants add to a judgement?
 *
 *   build/tests/bench/limits_grants ROUNDS
 *
 * A whole guard_judge() is timed: reading, deciding, taking and putting the record into words,
 * but not storing it. The ways take turns, so that the machine's mood is shared; printed are for
 * each round and way the nanoseconds.
 *
 *   allowed         by no limit
 *   allowed-limited under four limits, all of which count it
 *   denied          with no store of grants at all
 *   denied-grants   beside ten grants, none of which names it
 *   granted         by the last of ten grants
 */
#include "common.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPEATS 100
#define GRANTS 10

typedef enum Way {
    ALLOWED = 0,
    ALLOWED_LIMITED,
    DENIED,
    DENIED_BESIDE_GRANTS,
    GRANTED,
    WAY_COUNT,
} Way;

static const char limited[] = "<limit count='1000' per='1h'/>"
                              "<limit group='@query' count='1000' per='1h'/>"
                              "<limit command='query-*' count='1000' per='1h'/>"
                              "<limit user='alice' count='1000' per='1h'/>";

static const struct WayRow {
    const char *name;
    const char *command;
    const char *policy;
    bool passes;
} ways[WAY_COUNT] = {
    [ALLOWED] = {"allowed", "query-status", "", true},
    [ALLOWED_LIMITED] = {"allowed-limited", "query-status", limited, true},
    [DENIED] = {"denied", "inject-nmi", "", false},
    [DENIED_BESIDE_GRANTS] = {"denied-grants", "inject-nmi", "", false},
    [GRANTED] = {"granted", "inject-nmi", "", true},
};

static void give(GrantStore *store, const char *command)
{
    Grant grant = {.run = bench_run,
                   .channel = CHANNEL_QMP,
                   .caller_kind = GRANT_USER,
                   .uuid = BENCH_UUID,
                   .domain = "demo",
                   .caller = "alice",
                   .given_by = "root",
                   .reason = "measuring",
                   .uses = GRANT_USES_MAX,
                   .left = GRANT_USES_MAX,
                   .state = GRANT_GIVEN,
                   .expires = grant_clock() + 3600 * 1000};
    Reason why = {"no random number"};

    snprintf(grant.command, sizeof(grant.command), "%s", command);
    if (grant_make_id(&grant) < 0 || grant_store_add(store, &grant, grant_clock(), &why) < 0)
        bench_fail(why.text);
}

static double time_way(const struct WayRow *way, const Policy *host, GrantStore *store)
{
    LimitCounters *limits = limit_counters_new();
    char text[64];
    int length = snprintf(text, sizeof(text), "{\"execute\":\"%s\"}", way->command);
    GuardCall call = bench_call(text, (size_t)length, host);
    double start;

    call.grants = store;
    call.limits = limits;
    start = bench_nanoseconds();
    for (int i = 0; i < REPEATS; i++) {
        GuardAnswer answer;

        guard_judge(&call, bench_record, NULL, &answer);
        if (answer.passes != way->passes)
            bench_fail(answer.message ? answer.message : way->name);
        guard_answer_clear(&answer);
    }
    start = (bench_nanoseconds() - start) / REPEATS;
    limit_counters_free(limits);
    return start;
}

/* What each way finds: nothing, ten grants of something else, or one more that counts. */
static GrantStore *store_for(int way, GrantStore *others, GrantStore *all)
{
    if (way == ALLOWED || way == DENIED)
        return NULL;
    return way == GRANTED ? all : others;
}

static void measure(GrantStore *others, GrantStore *all, long rounds)
{
    Policy *policies[WAY_COUNT];

    for (int way = 0; way < WAY_COUNT; way++)
        policies[way] = bench_policy(ways[way].policy);
    for (long round = 0; round < rounds; round++) {
        for (int i = 0; i < WAY_COUNT; i++) {
            int way = round % 2 ? WAY_COUNT - 1 - i : i;

            printf("%s\t%.0f\n", ways[way].name,
                   time_way(&ways[way], policies[way], store_for(way, others, all)));
        }
    }
    for (int way = 0; way < WAY_COUNT; way++)
        policy_unref(policies[way]);
}

int main(int argc, char **argv)
{
    char directory[] = "/run/qmp-guard-bench-XXXXXX";
    GrantStore stores[] = {GRANT_STORE_INIT(NULL), GRANT_STORE_INIT(NULL)};
    char paths[2][64];

    if (argc != 2)
        bench_fail("usage: permission ROUNDS");
    if (!mkdtemp(directory))
        bench_fail("cannot make a directory below /run: run this as root");
    for (int i = 0; i < 2; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/grants-%d", directory, i);
        stores[i].path = paths[i];
        for (int given = i; given < GRANTS; given++)
            give(&stores[i], "system_powerdown");
    }
    give(&stores[1], "inject-nmi");
    measure(&stores[0], &stores[1], atol(argv[1]));
    for (int i = 0; i < 2; i++) {
        grant_store_close(&stores[i]);
        unlink(paths[i]);
    }
    rmdir(directory);
    return 0;
}
