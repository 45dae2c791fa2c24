/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What does a decision cost among 10, 100, 1000 and 10000 rules?
 *
 *   build/tests/bench/decide
 *
 * Each policy has rules for commands that are not the one asked for, a tenth of them by
 * group or with a wildcard up to ten, and then lets the profile decide. The policies take
 * turns, so that the machine's mood is shared; printed are the medians and their ratio to
 * the smallest policy's. Reading the text is measured beside it: it is part of every call.
 */
#include "decide.h"
#include "util/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 201
#define REPEATS 200

static const size_t sizes[] = {10, 100, 1000, 10000};

#define SIZE_COUNT (sizeof(sizes) / sizeof(sizes[0]))

static Policy *make_policy(size_t n_rules)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    PolicyError error;
    Policy *policy;

    fputs("<policy xmlns='" POLICY_NAMESPACE "'>", out);
    for (size_t i = 0; i < n_rules; i++) {
        if (i % 10 == 0 && i < 100)
            fprintf(out,
                    i % 20 ? "<deny command='x-%zu-*'/>" : "<deny group='@monitor' user='u%zu'/>",
                    i);
        else
            fprintf(out, "<deny command='x-command-%zu'/>", i);
    }
    fputs("</policy>", out);
    fclose(out);
    policy = policy_parse(text, size, POLICY_HOST, &error);
    if (!policy) {
        fprintf(stderr, "line %u: %s\n", error.line, error.reason.text);
        exit(1);
    }
    free(text);
    return policy;
}

static double nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double time_decisions(const Question *question)
{
    double start = nanoseconds();

    for (int i = 0; i < REPEATS; i++) {
        if (decide(question).verdict != VERDICT_ALLOW)
            exit(1);
    }
    return (nanoseconds() - start) / REPEATS;
}

static double time_reading(const char *text)
{
    double start = nanoseconds();

    for (int i = 0; i < REPEATS; i++)
        request_free(request_parse(CHANNEL_QMP, text, strlen(text), NULL));
    return (nanoseconds() - start) / REPEATS;
}

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a;
    double second = *(const double *)b;

    return (first > second) - (first < second);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), compare);
    return values[ROUNDS / 2];
}

int main(void)
{
    static const char text[] = "{\"execute\":\"query-status\"}";
    static double taken[SIZE_COUNT][ROUNDS];
    static double reading[ROUNDS];
    Request *request = request_parse(CHANNEL_QMP, text, strlen(text), NULL);
    Caller caller = {.label = "alice", .user = "alice"};
    Policy *policies[SIZE_COUNT];
    double least;

    for (size_t i = 0; i < SIZE_COUNT; i++)
        policies[i] = make_policy(sizes[i]);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < SIZE_COUNT; i++) {
            Question question = {.request = request, .caller = &caller, .host = policies[i]};

            taken[i][round] = time_decisions(&question);
        }
        reading[round] = time_reading(text);
    }
    least = median(taken[0]);
    printf("%8s  %8s  %s\n", "rules", "ns", "ratio");
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        printf("%8zu  %8.0f  %.2f\n", sizes[i], median(taken[i]), median(taken[i]) / least);
        policy_unref(policies[i]);
    }
    printf("%8s  %8.0f  (reading the text)\n", "-", median(reading));
    request_free(request);
    return 0;
}
