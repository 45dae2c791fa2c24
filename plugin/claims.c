/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claims.h"

#include <pthread.h>
#include <stdio.h>

/* A later claim takes the place of the oldest: each is on record by itself, too. */
#define SLOTS 64

typedef struct Claim {
    pid_t pid; /* 0: free */
    unsigned long long started;
    char name[CLAIM_SIZE];
} Claim;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Claim claims[SLOTS]; /* guarded by lock */
static size_t next; /* guarded by lock */

static Claim *find(pid_t pid, unsigned long long started)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (claims[i].pid == pid && claims[i].started == started)
            return &claims[i];
    }
    return NULL;
}

void claims_note(pid_t pid, unsigned long long started, const char *name)
{
    Claim *claim;

    if (pid <= 0)
        return;
    pthread_mutex_lock(&lock);
    claim = find(pid, started);
    if (!claim)
        claim = &claims[next++ % SLOTS];
    claim->pid = pid;
    claim->started = started;
    snprintf(claim->name, sizeof(claim->name), "%s", name);
    pthread_mutex_unlock(&lock);
}

void claims_find(pid_t pid, unsigned long long started, char ret[CLAIM_SIZE])
{
    const Claim *claim;

    *ret = '\0';
    if (pid <= 0)
        return;
    pthread_mutex_lock(&lock);
    claim = find(pid, started);
    if (claim)
        snprintf(ret, CLAIM_SIZE, "%s", claim->name);
    pthread_mutex_unlock(&lock);
}
