/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy_watch.h"

#include "log.h"
#include "recorder.h"
#include "util/cleanup.h"
#include "util/digest.h"

#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* A bucket that is full forgets its oldest domain, which then looks new: that costs a line. */
#define BUCKETS 1024
#define BUCKET_SIZE 8

typedef struct Seen {
    bool is_used;
    unsigned char uuid[VIR_UUID_BUFLEN];
    char policy[DIGEST_TEXT_SIZE];
} Seen;

typedef struct Bucket {
    Seen seen[BUCKET_SIZE];
    unsigned next;
} Bucket;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Bucket buckets[BUCKETS]; /* guarded by lock; by the UUID */
static uint64_t seed;

/* Clients choose UUIDs, and must not be able to drive another domain out. */
static void make_seed(void)
{
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
        seed = (uint64_t)time(NULL) ^ (uintptr_t)&seed;
}

static Bucket *bucket_for(const unsigned char *uuid)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t hash;

    pthread_once(&once, make_seed);
    hash = seed;
    for (size_t i = 0; i < VIR_UUID_BUFLEN; i++) {
        hash = (hash ^ uuid[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return &buckets[hash % BUCKETS];
}

/* The domain's place; a new one, unused, when it has none. */
static Seen *find(const unsigned char *uuid)
{
    Bucket *bucket = bucket_for(uuid);

    for (size_t i = 0; i < BUCKET_SIZE; i++) {
        Seen *seen = &bucket->seen[i];

        if (seen->is_used && memcmp(seen->uuid, uuid, sizeof(seen->uuid)) == 0)
            return seen;
    }
    bucket->seen[bucket->next % BUCKET_SIZE].is_used = false;
    return &bucket->seen[bucket->next++ % BUCKET_SIZE];
}

/* True when @policy is news; @ret_was is what was seen before, or empty. */
static bool remember(const unsigned char *uuid, const char *policy, char *ret_was)
{
    bool is_news;
    Seen *seen;

    pthread_mutex_lock(&lock);
    seen = find(uuid);
    is_news = !seen->is_used || strcmp(seen->policy, policy) != 0;
    strcpy(ret_was, seen->is_used ? seen->policy : "");
    if (is_news) {
        seen->is_used = true;
        memcpy(seen->uuid, uuid, sizeof(seen->uuid));
        snprintf(seen->policy, sizeof(seen->policy), "%s", policy);
    }
    pthread_mutex_unlock(&lock);
    return is_news;
}

void policy_watch(const unsigned char *uuid, const char *uuid_text, const char *name,
                  const char *policy)
{
    char was[DIGEST_TEXT_SIZE];
    CLEANUP(mem) char *encoded = NULL;
    CLEANUP(mem) char *json = NULL;

    if (!remember(uuid, policy, was))
        return;
    encoded = audit_name(name);
    if (*was)
        log_line(LOG_DOMAIN_POLICY_CHANGED, "domain policy changed: %s | policy=%s | was=%s",
                 encoded ? encoded : "?", policy, was);
    else
        log_line(LOG_DOMAIN_POLICY, "domain policy in force: %s | policy=%s",
                 encoded ? encoded : "?", policy);
    json = audit_policy_json(name, uuid_text, policy, *was ? was : NULL);
    if (json)
        (void)recorder_append(json);
}
