/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claims.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* A later claim takes the place of the oldest: each is on record by itself, too. */
#define SLOTS 64

/* Names that one process may fill the trail with. */
#define NAMES_MAX 8

typedef struct Claim {
    pid_t pid; /* 0: free */
    unsigned n_names; /* that were recorded */
    unsigned long long started;
    char name[CLAIM_SIZE]; /* the last of them */
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

bool claims_note(pid_t pid, unsigned long long started, const char *name)
{
    Claim *claim;
    bool is_news;

    if (pid <= 0)
        return true;
    pthread_mutex_lock(&lock);
    claim = find(pid, started);
    if (!claim) {
        claim = &claims[next++ % SLOTS];
        *claim = (Claim){.pid = pid, .started = started};
    }
    is_news = claim->n_names < NAMES_MAX && strncmp(claim->name, name, CLAIM_SIZE - 1) != 0;
    if (is_news) {
        claim->n_names++;
        snprintf(claim->name, sizeof(claim->name), "%s", name);
    }
    pthread_mutex_unlock(&lock);
    return is_news;
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
