/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy language's glob: `*` is any run of bytes (also `/`), `?` is any one
 * byte, everything else is itself. fnmatch(3) is not used because its cost is
 * exponential in the number of stars and its answer depends on the locale; the
 * people who write patterns here may be the ones the policy restricts.
 */
#ifndef QG_GLOB_H
#define QG_GLOB_H

#include <stdbool.h>
#include <stddef.h>

typedef enum GlobResult {
    GLOB_UNDECIDED = 0, /* the work budget ran out: could not tell */
    GLOB_NO,
    GLOB_YES,
} GlobResult;

/*
 * Matches the whole of @text against @pattern. @budget counts down one for each
 * step; when it reaches 0 the answer is GLOB_UNDECIDED.
 */
GlobResult glob_match(const char *pattern, const char *text, size_t *budget);

/* True when @pattern holds neither `*` nor `?`. */
bool glob_is_literal(const char *pattern);

#endif
