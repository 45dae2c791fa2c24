/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host_policy.h"

#include "log.h"
#include "mark.h"
#include "util/cleanup.h"
#include "util/live_mark.h"
#include "util/printable.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Time stamps of files advance in steps; a file this young may change and not show it. */
#define SETTLE_SECONDS 2

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Guarded by lock. */
static Policy *current; /* NULL until a valid policy was found */
static Reason invalid; /* why there is none */
static bool is_marked; /* the hook can see that there was a file */
static bool is_from_file; /* current was read from the file, not the shipped default */
static bool is_looked_at; /* seen holds what the file looked like when it was read */
static struct stat seen; /* all zero: there was no file */
static bool is_settled; /* seen is old enough to trust its time stamps */

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* `/etc/…/policy.xml:3: reason`, with the writer's own words made harmless. */
static void describe(const PolicyError *error, Reason *ret)
{
    CLEANUP(mem) char *encoded = printable(error->reason.text, "|=");
    const char *text = encoded ? encoded : "out of memory";

    if (error->line)
        reason_set(ret, "%s:%u: %s", HOST_POLICY_PATH, error->line, text);
    else
        reason_set(ret, "%s: %s", HOST_POLICY_PATH, text);
}

/*
 * Called with the lock held. Says in @news what there is to say, and how loudly; and in
 * @ret_final whether looking again before the file changes is of no use.
 */
static LogKind reload(Reason *news, bool *ret_final)
{
    PolicyError error = {0};
    Policy *fresh = NULL;
    Reason what;
    int found = policy_read_host_file(HOST_POLICY_PATH, &fresh, &error);

    *ret_final = !error.is_transient;
    if (found == 0 && is_from_file) {
        reason_set(news,
                   "host policy %s is gone: the last one stays in force until the daemon "
                   "restarts",
                   HOST_POLICY_PATH);
        return LOG_HOST_POLICY_INVALID;
    }
    if (found == 0)
        fresh = policy_shipped_default(&error);
    *ret_final = *ret_final && !error.is_transient;
    if (!fresh) {
        describe(&error, &what);
        if (!current)
            invalid = what;
        reason_set(news, "host policy is invalid: %s: %s", what.text,
                   current ? "the last valid one stays in force" : "everything is refused");
        return LOG_HOST_POLICY_INVALID;
    }
    policy_unref(current);
    current = fresh;
    is_from_file = found == 1;
    if (is_from_file && !is_marked) {
        mark_leave(HOST_FILE_MARK);
        is_marked = true;
    }
    reason_set(news, "host policy in force: %s",
               is_from_file ? HOST_POLICY_PATH : "the shipped default");
    return LOG_HOST_POLICY;
}

static bool is_unchanged(const struct stat *now)
{
    return is_looked_at && is_settled && is_same_file(&seen, now);
}

/* Called with the lock held. Returns true when there is something to say. */
static bool refresh(Reason *news, LogKind *ret_kind)
{
    struct stat now = {0};
    struct timespec clock;
    bool was_same;

    if (stat(HOST_POLICY_PATH, &now) < 0)
        memset(&now, 0, sizeof(now));
    if (is_unchanged(&now))
        return false;
    was_same = is_looked_at && is_same_file(&seen, &now);
    seen = now;
    clock_gettime(CLOCK_REALTIME, &clock);
    is_settled = now.st_ino == 0 || now.st_ctim.tv_sec + SETTLE_SECONDS < clock.tv_sec;
    *ret_kind = reload(news, &is_looked_at);
    return !was_same; /* what a young file holds is told once */
}

void host_policy_load(void)
{
    Reason news;
    LogKind kind;

    if (refresh(&news, &kind) && kind == LOG_HOST_POLICY_INVALID)
        fprintf(stderr, "qmp-guard: %s\n", news.text);
}

Policy *host_policy_get(Reason *why)
{
    Reason news;
    LogKind kind;
    bool has_news;
    Policy *policy = NULL;

    pthread_mutex_lock(&lock);
    has_news = refresh(&news, &kind);
    if (current)
        policy = policy_ref(current);
    else
        *why = invalid;
    pthread_mutex_unlock(&lock);

    if (has_news)
        log_line(kind, "%s", news.text);
    return policy;
}
