/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file's lock that processes share, waited for with patience that has an end: whoever never
 * gives it back (stopped, or hostile) must not hold up the daemon at each command.
 */
#ifndef QG_PATIENT_LOCK_H
#define QG_PATIENT_LOCK_H

#include "reason.h"

#include <time.h>

typedef struct PatientLock {
    time_t gave_up; /* monotonic seconds: when it could not be had; 0: it was had last time */
} PatientLock;

/*
 * Takes the exclusive flock(2) of @fd, which @path names for people. Waits for another holder
 * a second at most; after that, for some time, not at all. Returns 0, or -1 with the reason.
 * flock(@fd, LOCK_UN) gives it back. Threads that share @lock must be kept apart otherwise.
 */
int patient_lock(PatientLock *lock, int fd, const char *path, Reason *why);

#endif
