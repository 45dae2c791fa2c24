/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#define BAR_WIDTH 40

/* Calls between two looks at the clock. */
#define CALLS 4096

/* Nobody needs to be told of what ends before. */
#define SECONDS_BEFORE 1.0
#define SECONDS_BETWEEN 0.1

static double seconds_since(struct timespec then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then.tv_sec) + (double)(now.tv_nsec - then.tv_nsec) / 1e9;
}

Progress progress_start(bool is_wanted)
{
    Progress progress = {.is_wanted = is_wanted && isatty(STDERR_FILENO)};

    clock_gettime(CLOCK_MONOTONIC, &progress.started);
    return progress;
}

bool progress_is_due(Progress *progress)
{
    if (!progress->is_wanted || ++progress->calls % CALLS != 0 ||
        seconds_since(progress->started) < SECONDS_BEFORE)
        return false;
    return !progress->is_shown || seconds_since(progress->drawn) >= SECONDS_BETWEEN;
}

void progress_draw(Progress *progress, uint64_t done, uint64_t all)
{
    double rate = (double)done / 1e6 / seconds_since(progress->started);
    int filled;

    clock_gettime(CLOCK_MONOTONIC, &progress->drawn);
    progress->is_shown = true;
    if (all == 0) {
        fprintf(stderr, "\r%.0f MB, %.0f MB/s \033[K", (double)done / 1e6, rate);
        return;
    }
    filled = done < all ? (int)(done * BAR_WIDTH / all) : BAR_WIDTH;
    fputs("\r[", stderr);
    for (int i = 0; i < BAR_WIDTH; i++)
        fputc(i < filled ? '#' : ' ', stderr);
    fprintf(stderr, "] %3d %%, %.0f MB/s \033[K", (int)(done < all ? done * 100 / all : 100), rate);
}

void progress_clear(Progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}
