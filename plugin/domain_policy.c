/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain_policy.h"

#include "util/cleanup.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/*
 * A place for each hash; a second text with the same hash drives the first one out,
 * which costs it a parse and nothing else.
 */
#define SLOTS 1024

/* Clients write these texts: when all of them together are larger, all are dropped. */
#define CACHED_BYTES_MAX ((size_t)4194304)

typedef struct CacheSlot {
    char *xml; /* NULL: free */
    size_t length;
    Policy *policy; /* NULL: the text is invalid, for this reason */
    PolicyError error;
} CacheSlot;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Guarded by lock. */
static CacheSlot slots[SLOTS];
static size_t cached_bytes;

static uint64_t seed;

/* Clients must not be able to make texts that drive each other out. */
static void make_seed(void)
{
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
        seed = (uint64_t)time(NULL) ^ (uintptr_t)&seed;
}

/* FNV-1a. Only spreads texts over the slots; the texts themselves are compared. */
static size_t slot_for(const char *text, size_t length)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t hash;

    pthread_once(&once, make_seed);
    hash = 14695981039346656037u ^ seed;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return (size_t)((hash ^ hash >> 32) % SLOTS);
}

static void clear_slot(CacheSlot *slot)
{
    if (!slot->xml)
        return;
    cached_bytes -= slot->length;
    free(slot->xml);
    policy_unref(slot->policy);
    *slot = (CacheSlot){0};
}

static bool find_cached(const char *xml, size_t length, size_t index, Policy **ret_policy,
                        PolicyError *ret_error)
{
    CacheSlot *slot = &slots[index];
    bool found;

    pthread_mutex_lock(&lock);
    found = slot->xml && slot->length == length && memcmp(slot->xml, xml, length) == 0;
    if (found) {
        *ret_policy = slot->policy ? policy_ref(slot->policy) : NULL;
        *ret_error = slot->error;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

static void remember(char *xml, size_t length, size_t index, Policy *policy,
                     const PolicyError *error)
{
    pthread_mutex_lock(&lock);
    clear_slot(&slots[index]);
    if (cached_bytes + length > CACHED_BYTES_MAX) {
        for (size_t i = 0; i < SLOTS; i++)
            clear_slot(&slots[i]);
    }
    slots[index] = (CacheSlot){.xml = xml,
                               .length = length,
                               .policy = policy ? policy_ref(policy) : NULL,
                               .error = *error};
    cached_bytes += length;
    pthread_mutex_unlock(&lock);
}

Policy *domain_policy_get(const char *xml, PolicyError *ret_error)
{
    size_t length = strlen(xml);
    size_t index = slot_for(xml, length);
    PolicyError error = {0};
    Policy *policy = NULL;
    char *copy;

    if (find_cached(xml, length, index, &policy, ret_error))
        return policy;
    policy = policy_parse(xml, length, POLICY_DOMAIN, &error);
    *ret_error = error;
    copy = length <= POLICY_BYTES_MAX && !error.is_transient ? strdup(xml) : NULL;
    if (copy)
        remember(copy, length, index, policy, &error);
    return policy;
}
