/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "repeat.h"

#include "util/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define PENDING_SUFFIX ".repeats"

/* What differs more is not counted but recorded. */
#define SLOTS 256
#define TEXT_SIZE 3072

/* Times are seconds of CLOCK_REALTIME: a later daemon reads them. */
typedef struct Slot {
    uint64_t count; /* repetitions that have no record */
    int64_t first; /* of them */
    int64_t last;
    int64_t due; /* when the count is written; 0: the slot is free */
    char line[TEXT_SIZE]; /* of the record that was written, which is also what they share */
    char json[TEXT_SIZE]; /* what the count's record starts with; see AuditRecord */
} Slot;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static Slot *slots; /* SLOTS of them, in the mapped file; NULL: there is none. Guarded by lock */
static bool has_thread; /* guarded by lock */
static RepeatWriter write_record;

/* With O_CREAT in @flags the file is made; else it is NULL when there is none. */
static void *map_file(int flags)
{
    CLEANUP(fd)
    int fd = open(TRAIL_PATH PENDING_SUFFIX,
                  O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | flags, 0600);
    struct stat info;
    void *mapped;

    if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))
        return NULL;
    /* Of another size it is another version's, of which nothing can be known. */
    if (info.st_size != (off_t)(SLOTS * sizeof(Slot)) &&
        (ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)(SLOTS * sizeof(Slot))) < 0))
        return NULL;
    /* Blocks are taken now: a full disk met later would be a SIGBUS. */
    if (posix_fallocate(fd, 0, (off_t)(SLOTS * sizeof(Slot))) != 0)
        return NULL;
    mapped = mmap(NULL, SLOTS * sizeof(Slot), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

static void format_time(int64_t when, char *buffer, size_t size)
{
    time_t seconds = (time_t)when;
    struct tm utc;

    *buffer = '\0';
    if (gmtime_r(&seconds, &utc))
        strftime(buffer, size, "%Y-%m-%dT%H:%M:%S.000000Z", &utc);
}

/* Frees the slot; what it counted is in @ret. Called with the lock held. */
static void take(Slot *slot, Slot *ret)
{
    *ret = *slot;
    slot->due = 0;
    slot->count = 0;
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
        write_record(line, json);
}

/* The next slot that is due at @now, taken; false: none is. */
static bool take_due(int64_t now, Slot *ret)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i].due != 0 && slots[i].due <= now) {
            take(&slots[i], ret);
            return true;
        }
    }
    return false;
}

/* Once a second, as long as something is counted. */
static void *write_due_counts(void *data)
{
    Slot *taken = data;

    pthread_mutex_lock(&lock);
    for (;;) {
        struct timespec until;

        while (take_due((int64_t)time(NULL), taken)) {
            pthread_mutex_unlock(&lock);
            write_count(taken);
            pthread_mutex_lock(&lock);
        }
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        (void)pthread_cond_timedwait(&wake, &lock, &until);
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

void repeat_start(RepeatWriter writer)
{
    static Slot taken;

    write_record = writer;
    pthread_mutex_lock(&lock);
    slots = map_file(0);
    while (slots && take_due(INT64_MAX, &taken)) {
        taken.line[sizeof(taken.line) - 1] = '\0';
        taken.json[sizeof(taken.json) - 1] = '\0';
        pthread_mutex_unlock(&lock);
        write_count(&taken);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
}

static void begin(Slot *slot, const AuditRecord *record, int64_t now, unsigned seconds)
{
    slot->count = 0;
    strcpy(slot->line, record->line);
    strcpy(slot->json, record->repeat);
    slot->due = now + seconds;
}

bool repeat_counts(const AuditRecord *record, unsigned seconds)
{
    int64_t now = (int64_t)time(NULL);
    bool is_counted = false;
    Slot *slot;
    CLEANUP(mem) Slot *driven_out = NULL;

    if (seconds == 0 || !record->repeat || strlen(record->repeat) >= TEXT_SIZE ||
        strlen(record->line) >= TEXT_SIZE)
        return false;
    driven_out = malloc(sizeof(*driven_out));
    if (!driven_out)
        return false;
    driven_out->count = 0;
    pthread_mutex_lock(&lock);
    if (!slots)
        slots = map_file(O_CREAT);
    if (slots && start_thread()) {
        slot = slot_for(record->repeat);
        if (slot->due > now && strcmp(slot->json, record->repeat) == 0) {
            slot->first = slot->count == 0 ? now : slot->first;
            slot->last = now;
            slot->count++;
            is_counted = true;
        } else {
            take(slot, driven_out);
            begin(slot, record, now, seconds);
        }
    }
    pthread_mutex_unlock(&lock);
    write_count(driven_out);
    return is_counted;
}
