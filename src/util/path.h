/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a path says by its text alone. */
#ifndef QG_PATH_H
#define QG_PATH_H

#include <stdbool.h>

/*
 * True for a text with a path in it that steps upwards: no pattern can say where that
 * leads. A step stands between `/`, blanks, quotes and the like.
 */
bool steps_up(const char *text);

/*
 * Normalises an absolute path by its text: `//`, `.` and `..` go. A new string (caller
 * frees); NULL when it is not absolute, or out of memory.
 */
char *path_normalised(const char *path);

#endif
