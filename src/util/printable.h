/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text from outside, made safe to show: the one function that encodes bytes. */
#ifndef QG_PRINTABLE_H
#define QG_PRINTABLE_H

#include <stdio.h>

/*
 * Writes @text with every byte outside printable ASCII, every backslash and every byte
 * in @also as \xHH. Of more than @most bytes the rest is left out, and `...` stands for
 * it. NULL is written as `-`.
 */
void write_printable(FILE *out, const char *text, const char *also, size_t most);

/* The same into a new string; caller frees. NULL when out of memory. */
char *printable_cut(const char *text, const char *also, size_t most);

/* The same of the whole text. */
char *printable(const char *text, const char *also);

#endif
