/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What does one decision cost, beside what json-c takes to parse the same text?
 *
 *   build/tests/bench/decision time ROUNDS TEXTS
 *   build/tests/bench/decision once TEXTS
 *
 * Five works are done with each of the first TEXTS texts, and take turns, so that the machine's
 * mood is shared:
 *
 *   json-c   the floor: the text parsed by json-c, strictly, and given back
 *   tree     the same by the guard's own reader
 *   verdict  read, looked up in the catalogue and decided; not written again
 *   text     and the text written that would go on
 *   record   the whole guard_judge(): and the record put into words, but not stored
 *
 * Prints for each round, text and work the nanoseconds; scripts/bench makes ratios and medians of
 * them. With `once` nothing is timed: each work is done by bench_do_measured(), for callgrind to
 * count it, after the first text has made whatever is made once.
 */
#include "common.h"
#include "request/json_strict.h"
#include "texts.h"
#include "util/cleanup.h"
#include "util/json_text.h"

#include <string.h>

/* The linker puts the second name in front: a verdict needs no text to be written. */
char *__real_json_canonical_text(json_object *value);
char *__wrap_json_canonical_text(json_object *value);

static bool writes_text = true;

char *__wrap_json_canonical_text(json_object *value)
{
    return writes_text ? __real_json_canonical_text(value) : strdup("");
}

static void parse_by_json_c(const BenchText *text, const Policy *host)
{
    CLEANUP(tokener) json_tokener *tokener = json_tokener_new();
    json_object *object;

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    object = json_tokener_parse_ex(tokener, text->text, (int)text->length);
    if (!object)
        bench_fail("json-c does not parse it");
    json_object_put(object);
}

static void parse_strictly(const BenchText *text, const Policy *host)
{
    Reason why;
    json_object *object = json_strict_parse(text->text, text->length, &why);

    if (!object)
        bench_fail(why.text);
    json_object_put(object);
}

static void decide_text(const BenchText *text, const Policy *host)
{
    Reason why;
    Request *request = request_parse(CHANNEL_QMP, text->text, text->length, &why);
    Question question = {.request = request, .caller = &bench_caller, .host = host};

    if (!request)
        bench_fail(why.text);
    if (!decide(&question).policy)
        bench_fail("nothing decided");
    request_free(request);
}

static void decide_only(const BenchText *text, const Policy *host)
{
    writes_text = false;
    decide_text(text, host);
    writes_text = true;
}

static void judge(const BenchText *text, const Policy *host)
{
    const GuardCall call = bench_call(text->text, text->length, host);
    GuardAnswer answer;

    guard_judge(&call, bench_record, NULL, &answer);
    if (!answer.decision.policy)
        bench_fail("nothing judged");
    guard_answer_clear(&answer);
}

static const struct Work {
    const char *name;
    void (*run)(const BenchText *text, const Policy *host);
} works[] = {
    {"json-c", parse_by_json_c}, {"tree", parse_strictly}, {"verdict", decide_only},
    {"text", decide_text},       {"record", judge},
};

#define WORKS (sizeof(works) / sizeof(works[0]))

/* By this name callgrind knows it: so it is not static. */
void bench_do_measured(const struct Work *work, const BenchText *text, const Policy *host);

__attribute__((noinline)) void bench_do_measured(const struct Work *work, const BenchText *text,
                                                 const Policy *host)
{
    work->run(text, host);
}

static void do_once(const BenchText *texts, size_t count, const Policy *host)
{
    for (size_t i = 0; i < WORKS; i++)
        works[i].run(&texts[0], host);
    for (size_t i = 0; i < count * WORKS; i++) {
        bench_do_measured(&works[i % WORKS], &texts[i / WORKS], host);
        printf("%s\t%s\n", texts[i / WORKS].name, works[i % WORKS].name);
    }
}

static double take_time(const struct Work *work, const BenchText *text, const Policy *host)
{
    double start = bench_nanoseconds();

    for (unsigned i = 0; i < text->repeats; i++)
        work->run(text, host);
    return (bench_nanoseconds() - start) / text->repeats;
}

/* In order, and in the next round in reverse. */
static void do_rounds(const BenchText *texts, size_t count, const Policy *host, long rounds)
{
    for (long round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count * WORKS; i++) {
            size_t turn = round % 2 ? count * WORKS - 1 - i : i;
            const BenchText *text = &texts[turn / WORKS];
            const struct Work *work = &works[turn % WORKS];

            printf("%s\t%s\t%.0f\n", text->name, work->name, take_time(work, text, host));
        }
    }
}

int main(int argc, char **argv)
{
    bool is_timed = argc == 4 && strcmp(argv[1], "time") == 0;
    long count = argc > 1 ? atol(argv[argc - 1]) : 0;
    BenchText texts[BENCH_TEXTS];
    Policy *host;

    if ((!is_timed && (argc != 3 || strcmp(argv[1], "once") != 0)) || count < 1 ||
        count > BENCH_TEXTS)
        bench_fail("usage: decision time ROUNDS TEXTS | once TEXTS");
    host = bench_policy("");
    bench_texts_make(texts);
    if (is_timed)
        do_rounds(texts, (size_t)count, host, atol(argv[2]));
    else
        do_once(texts, (size_t)count, host);
    bench_texts_clear(texts);
    policy_unref(host);
    return 0;
}
