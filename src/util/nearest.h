/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "Did you mean": the known word that a mistyped one is nearest to. */
#ifndef QG_NEAREST_H
#define QG_NEAREST_H

#include <stddef.h>

typedef struct Nearest {
    const char *wanted;
    const char *found; /* the nearest so far; NULL: none is near enough */
    size_t distance;
} Nearest;

/* Starts a search for what @wanted was to be. */
Nearest nearest_to(const char *wanted);

/* Shows the search one more known word, which it borrows. */
void nearest_try(Nearest *nearest, const char *word);

/* `; did you mean 'WORD'?`, or nothing, in @buffer; returns @buffer. */
#define NEAREST_HINT_SIZE 80
const char *nearest_hint(const Nearest *nearest, char *buffer, size_t size);

#endif
