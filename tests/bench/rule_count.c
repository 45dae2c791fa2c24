/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What does a decision cost among 10, 100, 1000 and 10000 rules?
 *
 *   build/tests/bench/rule_count ROUNDS
 *   build/tests/bench/rule_count once
 *
 * Each policy has rules for commands that are not the one asked for, a tenth of them by
 * group or with a wildcard up to ten, and then lets the profile decide. The policies take
 * turns, so that the machine's mood is shared.
 *
 * Prints for each round and policy the nanoseconds of decide() alone; with `once`, for each
 * policy, the allocations of a whole guard_judge() and their bytes.
 */
#include "allocations.h"
#include "common.h"
#include "util/cleanup.h"

#include <string.h>

#define REPEATS 200

static const char text[] = "{\"execute\":\"query-status\"}";

static const size_t sizes[] = {10, 100, 1000, 10000};

#define SIZE_COUNT (sizeof(sizes) / sizeof(sizes[0]))

static Policy *make_policy(size_t n_rules)
{
    CLEANUP(mem) char *elements = NULL;
    size_t size;
    FILE *out = open_memstream(&elements, &size);

    if (!out)
        bench_fail("out of memory");
    for (size_t i = 0; i < n_rules; i++) {
        if (i % 10 == 0 && i < 100)
            fprintf(out,
                    i % 20 ? "<deny command='x-%zu-*'/>" : "<deny group='@monitor' user='u%zu'/>",
                    i);
        else
            fprintf(out, "<deny command='x-command-%zu'/>", i);
    }
    fclose(out);
    return bench_policy(elements);
}

static double time_decisions(const Question *question)
{
    double start = bench_nanoseconds();

    for (int i = 0; i < REPEATS; i++) {
        if (decide(question).verdict != VERDICT_ALLOW)
            bench_fail("it is not allowed");
    }
    return (bench_nanoseconds() - start) / REPEATS;
}

static void do_rounds(Policy *const *policies, long rounds)
{
    Request *request = request_parse(CHANNEL_QMP, text, strlen(text), NULL);

    for (long round = 0; round < rounds; round++) {
        for (size_t i = 0; i < SIZE_COUNT; i++) {
            size_t turn = round % 2 ? SIZE_COUNT - 1 - i : i;
            Question question = {
                .request = request, .caller = &bench_caller, .host = policies[turn]};

            printf("%zu\t%.1f\n", sizes[turn], time_decisions(&question));
        }
    }
    request_free(request);
}

static void judge(const Policy *policy)
{
    const GuardCall call = bench_call(text, strlen(text), policy);
    GuardAnswer answer;

    guard_judge(&call, bench_record, NULL, &answer);
    if (!answer.passes)
        bench_fail("it is refused");
    guard_answer_clear(&answer);
}

static void count_allocations(Policy *const *policies)
{
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        Allocations found;

        judge(policies[i]); /* the first one may make what is kept */
        allocations_start();
        judge(policies[i]);
        found = allocations_end();
        printf("%zu\t%zu\t%zu\n", sizes[i], found.count, found.bytes);
    }
}

int main(int argc, char **argv)
{
    Policy *policies[SIZE_COUNT];

    if (argc != 2)
        bench_fail("usage: decide ROUNDS | once");
    for (size_t i = 0; i < SIZE_COUNT; i++)
        policies[i] = make_policy(sizes[i]);
    if (strcmp(argv[1], "once") == 0)
        count_allocations(policies);
    else
        do_rounds(policies, atol(argv[1]));
    for (size_t i = 0; i < SIZE_COUNT; i++)
        policy_unref(policies[i]);
    return 0;
}
