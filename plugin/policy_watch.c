/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy_watch.h"

#include "log.h"
#include "recorder.h"
#include "util/cleanup.h"
#include "util/digest.h"

#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* Two domains that share a place make each other look new, which costs a line. */
#define SLOTS 1024

typedef struct Seen {
    bool is_used;
    unsigned char uuid[VIR_UUID_BUFLEN];
    char policy[DIGEST_TEXT_SIZE];
} Seen;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Seen slots[SLOTS]; /* guarded by lock; by the UUID's last bytes, which are random */

/* True when @policy is news; @ret_was is what was seen before, or empty. */
static bool remember(const unsigned char *uuid, const char *policy, char *ret_was)
{
    Seen *seen = &slots[(uuid[14] << 8 | uuid[15]) % SLOTS];
    bool is_same_domain;
    bool is_news;

    pthread_mutex_lock(&lock);
    is_same_domain = seen->is_used && memcmp(seen->uuid, uuid, sizeof(seen->uuid)) == 0;
    is_news = !is_same_domain || strcmp(seen->policy, policy) != 0;
    strcpy(ret_was, is_same_domain ? seen->policy : "");
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
