/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "glob.h"

#include <string.h>

GlobResult glob_match(const char *pattern, const char *text, size_t *budget)
{
    const char *star = NULL; /* the pattern after the last star seen ... */
    const char *resume = NULL; /* ... and where in the text it was last tried */

    while (*text) {
        if (*budget == 0)
            return GLOB_UNDECIDED;
        --*budget;
        if (*pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++resume;
        } else {
            return GLOB_NO;
        }
    }
    for (; *pattern == '*'; pattern++) {
        if (*budget == 0)
            return GLOB_UNDECIDED;
        --*budget;
    }
    return *pattern ? GLOB_NO : GLOB_YES;
}

bool glob_is_literal(const char *pattern)
{
    return strpbrk(pattern, "*?") == NULL;
}
