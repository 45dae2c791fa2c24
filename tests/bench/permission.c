/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What do limits and grants add to a judgement?
 *
 *   build/tests/bench/permission
 *
 * A whole guard_judge() is timed: reading, deciding, taking and putting the record into words,
 * but not writing it. With and without take turns, so that the machine's mood is shared; printed
 * are the medians and their ratios.
 *
 *   allowed  under four limits, all of which count it, against none
 *   denied   beside ten grants, none of which names it, against no store at all
 *   granted  by the last of ten grants, against the denial that it would be
 */
#include "guard.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS 301
#define REPEATS 100
#define GRANTS 10
#define UUID "11111111-2222-3333-4444-555555555555"

typedef enum Way {
    ALLOWED = 0,
    ALLOWED_LIMITED,
    DENIED,
    DENIED_BESIDE_GRANTS,
    GRANTED,
    WAY_COUNT,
} Way;

static const char plain[] = "<policy xmlns='" POLICY_NAMESPACE "'/>";
static const char limited[] = "<policy xmlns='" POLICY_NAMESPACE "'>"
                              "<limit count='1000' per='1h'/>"
                              "<limit group='@query' count='1000' per='1h'/>"
                              "<limit command='query-*' count='1000' per='1h'/>"
                              "<limit user='alice' count='1000' per='1h'/></policy>";

static const struct WayRow {
    const char *name;
    const char *command;
    const char *policy;
    Way against;
    bool passes;
} ways[WAY_COUNT] = {
    [ALLOWED] = {"allowed", "query-status", plain, ALLOWED, true},
    [ALLOWED_LIMITED] = {"allowed, limited", "query-status", limited, ALLOWED, true},
    [DENIED] = {"denied", "inject-nmi", plain, DENIED, false},
    [DENIED_BESIDE_GRANTS] = {"denied, grants", "inject-nmi", plain, DENIED, false},
    [GRANTED] = {"granted", "inject-nmi", plain, DENIED, true},
};

static const Run run = {.pid = 1, .started = 1};

static void fail(const char *what)
{
    fprintf(stderr, "permission: %s\n", what);
    exit(1);
}

static Policy *make_policy(const char *text)
{
    PolicyError error;
    Policy *policy = policy_parse(text, strlen(text), POLICY_HOST, &error);

    if (!policy)
        fail(error.reason.text);
    return policy;
}

static void give(GrantStore *store, const char *command)
{
    Grant grant = {.run = run,
                   .channel = CHANNEL_QMP,
                   .caller_kind = GRANT_USER,
                   .uuid = UUID,
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
        fail(why.text);
}

static GuardRecorded write_nowhere(void *data, const AuditRecord *record)
{
    (void)data;
    return record->line ? RECORDED_WHOLE : RECORDED_NOWHERE;
}

static double nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double time_way(const struct WayRow *way, const Policy *host, GrantStore *store)
{
    static const Caller caller = {.label = "alice", .user = "alice", .uid = 1000};
    LimitCounters *limits = limit_counters_new();
    char text[64];
    GuardCall call = {.channel = CHANNEL_QMP,
                      .text = text,
                      .domain_name = "demo",
                      .domain_uuid = UUID,
                      .id = "1",
                      .caller = &caller,
                      .host = host,
                      .run = &run,
                      .grants = store,
                      .limits = limits};
    double start;

    call.length = (size_t)snprintf(text, sizeof(text), "{\"execute\":\"%s\"}", way->command);
    start = nanoseconds();
    for (int i = 0; i < REPEATS; i++) {
        GuardAnswer answer;

        guard_judge(&call, write_nowhere, NULL, &answer);
        if (answer.passes != way->passes)
            fail(answer.message ? answer.message : way->name);
        guard_answer_clear(&answer);
    }
    start = (nanoseconds() - start) / REPEATS;
    limit_counters_free(limits);
    return start;
}

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a;
    double second = *(const double *)b;

    return (first > second) - (first < second);
}

/* What each way finds: nothing, ten grants of something else, or one more that counts. */
static GrantStore *store_for(int way, GrantStore *others, GrantStore *all)
{
    if (way == ALLOWED || way == DENIED)
        return NULL;
    return way == GRANTED ? all : others;
}

static void measure(GrantStore *others, GrantStore *all)
{
    static double taken[WAY_COUNT][ROUNDS];
    Policy *policies[WAY_COUNT];

    for (int way = 0; way < WAY_COUNT; way++)
        policies[way] = make_policy(ways[way].policy);
    for (int round = 0; round < ROUNDS; round++) {
        for (int way = 0; way < WAY_COUNT; way++)
            taken[way][round] = time_way(&ways[way], policies[way], store_for(way, others, all));
    }
    printf("%-18s  %8s  %s\n", "", "ns", "ratio");
    for (int way = 0; way < WAY_COUNT; way++) {
        qsort(taken[way], ROUNDS, sizeof(taken[way][0]), compare);
        printf("%-18s  %8.0f  %.2f\n", ways[way].name, taken[way][ROUNDS / 2],
               taken[way][ROUNDS / 2] / taken[ways[way].against][ROUNDS / 2]);
        policy_unref(policies[way]);
    }
}

int main(void)
{
    char directory[] = "/run/qmp-guard-bench-XXXXXX";
    GrantStore stores[] = {GRANT_STORE_INIT(NULL), GRANT_STORE_INIT(NULL)};
    char paths[2][64];

    if (!mkdtemp(directory))
        fail("cannot make a directory below /run: run this as root");
    for (int i = 0; i < 2; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/grants-%d", directory, i);
        stores[i].path = paths[i];
        for (int given = i; given < GRANTS; given++)
            give(&stores[i], "system_powerdown");
    }
    give(&stores[1], "inject-nmi");
    measure(&stores[0], &stores[1]);
    for (int i = 0; i < 2; i++) {
        grant_store_close(&stores[i]);
        unlink(paths[i]);
    }
    rmdir(directory);
    return 0;
}
