/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "patient_lock.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>

/* Tries of getting the lock, and nanoseconds between them: a second in all. */
#define LOCK_TRIES 200
#define LOCK_PAUSE 5000000L

/* For so long nobody waits for it again. */
#define STUCK_SECONDS 10

static time_t monotonic_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + 1; /* never 0 */
}

int patient_lock(PatientLock *lock, int fd, const char *path, Reason *why)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE};
    bool is_stuck = lock->gave_up && monotonic_seconds() - lock->gave_up < STUCK_SECONDS;
    int tries = is_stuck ? 1 : LOCK_TRIES;

    for (int i = 0; i < tries; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            lock->gave_up = 0;
            return 0;
        }
        if (errno != EWOULDBLOCK && errno != EINTR)
            break;
        if (i + 1 < tries)
            nanosleep(&pause, NULL);
    }
    if (!is_stuck)
        lock->gave_up = monotonic_seconds();
    return reason_set(why, "cannot lock %s: %s", path, strerror(errno));
}
