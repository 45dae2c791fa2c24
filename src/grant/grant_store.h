/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where grants are kept: one file below /run, root's alone, gone with the host's next boot. The
 * daemon, the hook and the helper share it:
 *
 *   4096 bytes   what it is, of which boot, and how many slots have ever been used
 *   slots        GRANT_SLOT_SIZE bytes each, one Grant in each; never across a page
 *
 * Whoever changes it holds its lock. A slot is written whole by one pwrite(2), which a SIGKILL
 * cannot cut in two, and taking a use is such a write: so a process that dies may have lost a
 * use and never given one back, and what was revoked stays so.
 */
#ifndef QG_GRANT_STORE_H
#define QG_GRANT_STORE_H

#include "grant.h"
#include "util/patient_lock.h"
#include "util/reason.h"

#include <pthread.h>
#include <stddef.h>

#define GRANTS_MAX 128
#define GRANT_SLOT_SIZE 2048

typedef struct GrantStore {
    const char *path; /* DIRECTORY/FILE; the directory is made when a grant is given */
    pthread_mutex_t lock; /* guards what follows */
    PatientLock file_lock;
    int fd; /* -1: not open */
} GrantStore;

#define GRANT_STORE_INIT(file)                                                                     \
    {                                                                                              \
        .path = (file), .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1                                \
    }

/*
 * Reads the grants for the domain @uuid, or all of them (NULL), as a new array (caller frees;
 * NULL for none). Returns 0, also when there is no file; or -1 with the reason.
 */
int grant_store_read(GrantStore *store, const char *uuid, Grant **ret_grants, size_t *ret_count,
                     Reason *why);

/*
 * Takes all of the uses or none. Returns 1 when they are taken, 0 when one of the grants is not
 * what it was or has not so many left, -1 with the reason.
 */
int grant_store_take(GrantStore *store, GrantTake *takes, size_t count, int64_t now, Reason *why);

/* Adds @grant, which has an id of its own; its slot is set. Returns 0 or -1 with the reason. */
int grant_store_add(GrantStore *store, Grant *grant, int64_t now, Reason *why);

/* Changes @grant, or returns false and leaves it as it is. */
typedef bool (*GrantChange)(Grant *grant, void *data);

/*
 * Offers every grant to @change. The changed ones are returned, as by grant_store_read().
 * Returns 0, also when there is no file; or -1 with the reason: then some may have changed.
 */
int grant_store_change(GrantStore *store, GrantChange change, void *data, Grant **ret_changed,
                       size_t *ret_count, Reason *why);

/* A GrantChange: marks what has run out; @data is an int64_t, the time of grant_clock(). */
bool grant_expire(Grant *grant, void *data);

/* A GrantChange: marks what ends with its domain's run; @data is the domain's uuid. */
bool grant_end(Grant *grant, void *data);

void grant_store_close(GrantStore *store);

#endif
