/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nearest.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 40

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be changed, added or taken away (Levenshtein); both words are short. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1];
    size_t length = strlen(b);

    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; *a; i++, a++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t above = row[j];

            row[j] = least(diagonal + (*a != b[j - 1]), least(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[length];
}

Nearest nearest_to(const char *wanted)
{
    return (Nearest){.wanted = wanted};
}

void nearest_try(Nearest *nearest, const char *word)
{
    size_t far;

    if (strlen(word) > WORD_MAX || strlen(nearest->wanted) > WORD_MAX)
        return;
    far = distance(nearest->wanted, word);
    /* A third of the letters may be wrong; more is another word. */
    if (far * 3 > strlen(word) || (nearest->found && far >= nearest->distance))
        return;
    nearest->found = word;
    nearest->distance = far;
}

const char *nearest_hint(const Nearest *nearest, char *buffer, size_t size)
{
    *buffer = '\0';
    if (nearest->found)
        snprintf(buffer, size, "; did you mean '%s'?", nearest->found);
    return buffer;
}
