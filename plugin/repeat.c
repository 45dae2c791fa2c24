/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "repeat.h"

#include "util/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define PENDING_FILE TRAIL_PATH ".repeats"

/* What differs more is not counted but recorded. */
#define SLOTS 256
#define TEXT_SIZE 3072

/* The host policy can ask for no more; a later one is of a clock that was set back. */
#define SECONDS_MAX 3600

/* In the file as in memory. Times are seconds of CLOCK_REALTIME: a later daemon reads them. */
typedef struct Slot {
    uint64_t count; /* repetitions that have no record */
    int64_t first; /* of them */
    int64_t last;
    int64_t due; /* when the count is written; 0: the slot is free */
    char line[TEXT_SIZE]; /* of the record that was written, which is also what they share */
    char json[TEXT_SIZE]; /* what the count's record starts with; see AuditRecord */
} Slot;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Guarded by lock. */
static Slot *slots; /* SLOTS of them; NULL: nothing was to be counted yet */
static int file = -1;
static bool has_thread;

static RepeatWriter write_record;

/* With O_CREAT in @flags the file is made. Returns 0, or -1: there is none. */
static int open_file(int flags)
{
    struct stat info;

    file = open(PENDING_FILE, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | flags,
                0600);
    if (file >= 0 && fstat(file, &info) == 0 && S_ISREG(info.st_mode))
        return 0;
    if (file >= 0)
        close(file);
    file = -1;
    return -1;
}

/* Puts the slot's first @size bytes into the file. Returns 0 or -1. */
static int save(const Slot *slot, size_t size)
{
    off_t at = (off_t)((size_t)(slot - slots) * sizeof(*slot));

    return pwrite(file, slot, size, at) == (ssize_t)size ? 0 : -1;
}

static void format_time(int64_t when, char *buffer, size_t size)
{
    time_t seconds = (time_t)when;
    struct tm utc;

    *buffer = '\0';
    if (gmtime_r(&seconds, &utc))
        strftime(buffer, size, "%Y-%m-%dT%H:%M:%S.000000Z", &utc);
}

static void write_count(const Slot *taken)
{
    CLEANUP(mem) char *line = NULL;
    CLEANUP(mem) char *json = NULL;
    char first[40];
    char last[40];

    if (taken->count == 0)
        return;
    format_time(taken->first, first, sizeof(first));
    format_time(taken->last, last, sizeof(last));
    if (asprintf(&line, "%s | repeated=%" PRIu64, taken->line, taken->count) < 0)
        line = NULL;
    if (asprintf(&json,
                 "{\"time\":\"%s\",%s,\"count\":%" PRIu64 ",\"first\":\"%s\",\"last\":\"%s\"}",
                 last, taken->json + 1, taken->count, first, last) < 0)
        json = NULL;
    if (line && json)
        write_record(taken->count, line, json);
}

/*
 * Frees the slot and writes what it counted. Called with the lock held, which is given back
 * meanwhile. In the file it is freed last: a daemon that is killed here leaves the count.
 */
static void flush(Slot *slot, Slot *space)
{
    *space = *slot;
    slot->due = 0;
    slot->count = 0;
    pthread_mutex_unlock(&lock);
    write_count(space);
    pthread_mutex_lock(&lock);
    if (slot->due == 0)
        (void)save(slot, offsetof(Slot, line));
}

static void flush_due(int64_t now, Slot *space)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i].due != 0 && (slots[i].due <= now || slots[i].due > now + SECONDS_MAX))
            flush(&slots[i], space);
    }
}

/* Looks once a second, by a clock that nobody sets. */
static void *write_due_counts(void *data)
{
    Slot *space = data;

    for (;;) {
        const struct timespec second = {.tv_sec = 1};

        clock_nanosleep(CLOCK_MONOTONIC, 0, &second, NULL);
        pthread_mutex_lock(&lock);
        flush_due((int64_t)time(NULL), space);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

/* The daemon's signals are the daemon's. Called with the lock held. */
static bool start_thread(void)
{
    Slot *space = has_thread ? NULL : malloc(sizeof(*space));
    sigset_t all;
    sigset_t before;
    pthread_t thread;

    if (has_thread)
        return true;
    if (!space)
        return false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    has_thread = pthread_create(&thread, NULL, write_due_counts, space) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (has_thread)
        pthread_detach(thread);
    else
        free(space);
    return has_thread;
}

/* Where a line that is the same but for its time has its place. FNV-1a. */
static Slot *slot_for(const char *json)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *json; json++)
        hash = (hash ^ (unsigned char)*json) * UINT64_C(1099511628211);
    return &slots[(hash ^ hash >> 32) % SLOTS];
}

/* What an earlier daemon left; of a file that is another version's nothing is known. */
static void read_left_over(void)
{
    const size_t size = SLOTS * sizeof(Slot);

    if (pread(file, slots, size, 0) != (ssize_t)size) {
        memset(slots, 0, size);
        if (ftruncate(file, 0) < 0 || ftruncate(file, (off_t)size) < 0)
            return;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        slots[i].line[TEXT_SIZE - 1] = '\0';
        slots[i].json[TEXT_SIZE - 1] = '\0';
    }
}

/* Called with the lock held. */
static bool make_slots(int flags)
{
    if (slots)
        return true;
    if (open_file(flags) < 0)
        return false;
    slots = calloc(SLOTS, sizeof(*slots));
    if (slots)
        read_left_over();
    return slots != NULL;
}

void repeat_start(RepeatWriter writer)
{
    CLEANUP(mem) Slot *space = malloc(sizeof(*space));

    write_record = writer;
    pthread_mutex_lock(&lock);
    if (space && make_slots(0)) {
        for (size_t i = 0; i < SLOTS; i++) {
            if (slots[i].due != 0)
                flush(&slots[i], space);
        }
    }
    pthread_mutex_unlock(&lock);
}

bool repeat_counts(const AuditRecord *record)
{
    int64_t now = (int64_t)time(NULL);
    bool is_counted = false;

    if (!record->repeat)
        return false;
    pthread_mutex_lock(&lock);
    if (slots) {
        Slot *slot = slot_for(record->repeat);
        bool is_open = slot->due > now && slot->due <= now + SECONDS_MAX;

        if (is_open && strcmp(slot->json, record->repeat) == 0) {
            slot->first = slot->count == 0 ? now : slot->first;
            slot->last = now;
            slot->count++;
            is_counted = save(slot, offsetof(Slot, line)) == 0;
            /* What is not counted for sure is recorded. */
            if (!is_counted)
                slot->count--;
        }
    }
    pthread_mutex_unlock(&lock);
    return is_counted;
}

void repeat_begin(const AuditRecord *record, unsigned seconds)
{
    CLEANUP(mem) Slot *space = NULL;
    Slot *slot;

    if (seconds == 0 || !record->repeat || strlen(record->repeat) >= TEXT_SIZE ||
        strlen(record->line) >= TEXT_SIZE)
        return;
    space = malloc(sizeof(*space));
    if (!space)
        return;
    pthread_mutex_lock(&lock);
    if (make_slots(O_CREAT) && start_thread()) {
        slot = slot_for(record->repeat);
        if (slot->due != 0)
            flush(slot, space);
        /* Another thread may have taken it meanwhile: then this one is not counted. */
        if (slot->due == 0) {
            slot->count = 0;
            strcpy(slot->line, record->line);
            strcpy(slot->json, record->repeat);
            slot->due = (int64_t)time(NULL) + seconds;
            if (save(slot, sizeof(*slot)) < 0)
                slot->due = 0;
        }
    }
    pthread_mutex_unlock(&lock);
}
