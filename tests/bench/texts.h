/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts of clients, from the smallest to the largest that the guard takes. */
#ifndef QG_BENCH_TEXTS_H
#define QG_BENCH_TEXTS_H

#include <stddef.h>

typedef struct BenchText {
    const char *name;
    unsigned repeats; /* that make a time long enough for the clock */
    char *text;
    size_t length;
} BenchText;

#define BENCH_TEXTS 6

/* Each of them is one that request_parse() takes; the texts are the caller's to free. */
void bench_texts_make(BenchText ret[BENCH_TEXTS]);
void bench_texts_clear(BenchText texts[BENCH_TEXTS]);

#endif
