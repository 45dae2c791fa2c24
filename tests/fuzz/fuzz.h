/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the fuzz targets share. A target is one function that libFuzzer calls with bytes of
 * its own making; it must come back, and says with fuzz_must() what must hold besides.
 */
#ifndef QG_FUZZ_H
#define QG_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The target. What it returns is 0; -1 keeps the input out of the corpus. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Called once before. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Ends the run with these words unless @holds; libFuzzer then keeps the input. */
void fuzz_must(bool holds, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* @text is one line of printable ASCII; @what it is called. */
void fuzz_must_be_line(const char *text, const char *what);

/* An input that is several things in a row. */
typedef struct FuzzInput {
    const uint8_t *at;
    size_t left;
} FuzzInput;

/* The next byte; 0 at the end. */
uint8_t fuzz_take_byte(FuzzInput *input);

/* What comes up to the next NUL or the end, as a new string (caller frees). */
char *fuzz_take_text(FuzzInput *input);

/* The name of a file with these bytes. There is one, which is written anew each time. */
const char *fuzz_file(const void *bytes, size_t length);

#endif
