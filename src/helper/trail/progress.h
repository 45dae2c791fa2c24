/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far a long reading has come, on the terminal at standard error. */
#ifndef QG_AUDIT_PROGRESS_H
#define QG_AUDIT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

typedef struct Progress {
    bool is_wanted;
    bool is_shown;
    uint64_t calls;
    struct timespec started;
    struct timespec drawn;
} Progress;

/* Begins. @is_wanted: a terminal is looked for all the same. */
Progress progress_start(bool is_wanted);

/* True, now and then, when it is time for progress_draw(): cheap enough for each line. */
bool progress_is_due(Progress *progress);

void progress_draw(Progress *progress, uint64_t done, uint64_t all);

/* Takes it off the terminal, for what is to be said there. */
void progress_clear(Progress *progress);

#endif
