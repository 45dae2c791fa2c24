/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recorder.h"

#include "audit/trail.h"
#include "log.h"
#include "repeat.h"
#include "util/cleanup.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

static Trail trail = TRAIL_INIT(TRAIL_PATH);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t n_lost; /* guarded by lock: records that are not in the trail, in a row */

/* The first loss of a row is told; the row's end says how many there were. */
static void note_loss(uint64_t count, const char *why)
{
    bool is_first;

    pthread_mutex_lock(&lock);
    is_first = n_lost == 0;
    n_lost += count;
    pthread_mutex_unlock(&lock);
    if (is_first)
        log_line(LOG_TRAIL_BROKEN,
                 "audit trail: %s: the host policy's 'unrecorded' says what passes", why);
}

static uint64_t take_losses(void)
{
    uint64_t count;

    pthread_mutex_lock(&lock);
    count = n_lost;
    n_lost = 0;
    pthread_mutex_unlock(&lock);
    return count;
}

static bool is_losing(void)
{
    bool is;

    pthread_mutex_lock(&lock);
    is = n_lost > 0;
    pthread_mutex_unlock(&lock);
    return is;
}

static void note_success(void)
{
    uint64_t count = take_losses();
    CLEANUP(mem) char *json = NULL;
    Reason why;

    if (count == 0)
        return;
    json = audit_lost_json(count);
    if (!json || trail_append(&trail, json, &why) < 0) {
        pthread_mutex_lock(&lock);
        n_lost += count;
        pthread_mutex_unlock(&lock);
        return;
    }
    log_line(LOG_TRAIL_WORKS, "audit trail: it can be written again; missing records: %llu",
             (unsigned long long)count);
}

/*
 * @count is how many decisions the record stands for. The trail is the host's: a user's own
 * daemon (qemu:///session) may not write it, and has its log.
 */
static int append(uint64_t count, const char *json)
{
    Reason why;

    if (geteuid() != 0)
        return 0;
    if (trail_append(&trail, json, &why) < 0) {
        note_loss(count, why.text);
        return -1;
    }
    note_success();
    return 0;
}

int recorder_append(const char *json)
{
    return append(1, json);
}

/* A RepeatWriter. */
static void write_repeat(uint64_t count, const char *line, const char *json)
{
    log_line(LOG_REPEATED, "%s", line);
    (void)append(count, json);
}

/* At the first record: the daemon's log is not open when the plugin is loaded. */
static void start(void)
{
    trail_prepare(&trail);
    repeat_start(write_repeat);
}

GuardRecorded recorder_write(void *data, const AuditRecord *record)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const Policy *host = data;

    pthread_once(&once, start);
    if (host && host->repeat_seconds > 0 && !is_losing() && repeat_counts(record))
        return RECORDED_AS_COUNT;
    if (log_record(record) < 0)
        return RECORDED_NOWHERE;
    if (recorder_append(record->json) < 0)
        return RECORDED_IN_LOG;
    if (host)
        repeat_begin(record, host->repeat_seconds);
    return RECORDED_WHOLE;
}
