/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grant_store.h"

#include "util/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define HEADER_SIZE 4096

#define MAGIC "qmp-guard grants 1\n"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

/* A grant that is over is kept for so long, to say why a command is refused. */
#define REMEMBERED_MS ((int64_t)10 * 60 * 1000)

static_assert(sizeof(Grant) <= GRANT_SLOT_SIZE, "a grant fits into its slot");
static_assert(HEADER_SIZE % GRANT_SLOT_SIZE == 0, "no slot lies across a page");

typedef struct Header {
    char magic[32];
    char boot_id[40]; /* times of another boot mean nothing */
    uint32_t used; /* slots behind that many were never used */
} Header;

/* The lock is given back at the end of the scope; the mutex keeps our own threads apart. */
typedef struct StoreLock {
    GrantStore *store;
    bool holds_file;
} StoreLock;

static off_t slot_offset(size_t slot)
{
    return HEADER_SIZE + (off_t)slot * GRANT_SLOT_SIZE;
}

/* Which boot this is; empty when nobody says. It cannot change while a process lives. */
static char boot_id[40];

static void read_boot_id(void)
{
    CLEANUP(fd) int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, boot_id, sizeof(boot_id) - 1);

    boot_id[length > 0 ? length : 0] = '\0';
    boot_id[strcspn(boot_id, "\n")] = '\0';
}

static const char *this_boot(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, read_boot_id);
    return boot_id;
}

/*
 * Only root, or whoever the daemon runs as, may have been able to write there. What is unsafe is
 * there: errno must not be an older call's ENOENT.
 */
static int check_owner(const struct stat *info, const char *path, Reason *why)
{
    errno = EPERM;
    if (info->st_uid != 0 && info->st_uid != geteuid())
        return reason_set(why, "%s belongs to another user than root", path);
    if (info->st_mode & (S_IWGRP | S_IWOTH))
        return reason_set(why, "%s can be written by others than its owner", path);
    return 0;
}

static int open_directory(const char *path, bool makes, Reason *why)
{
    CLEANUP(fd) int fd = -1;
    struct stat info;
    int opened;

    if (makes && mkdir(path, 0700) < 0 && errno != EEXIST)
        return reason_set(why, "cannot make %s: %s", path, strerror(errno));
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) < 0)
        return reason_set(why, "cannot open %s: %s", path, strerror(errno));
    if (check_owner(&info, path, why) < 0)
        return -1;
    opened = fd;
    fd = -1;
    return opened;
}

/* Returns the file, or -1 with the reason; errno is ENOENT when it is only not there. */
static int open_file(const char *path, bool makes, Reason *why)
{
    const char *slash = strrchr(path, '/');
    CLEANUP(mem) char *parent = strndup(path, (size_t)(slash - path));
    CLEANUP(fd) int directory = parent ? open_directory(parent, makes, why) : -1;
    CLEANUP(fd) int fd = -1;
    struct stat info;
    int opened;

    if (directory < 0)
        return -1;
    fd = openat(directory, slash + 1,
                O_RDWR | (makes ? O_CREAT : 0) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
                0600);
    if (fd < 0 || fstat(fd, &info) < 0)
        return reason_set(why, "cannot open %s: %s", path, strerror(errno));
    errno = EINVAL;
    if (!S_ISREG(info.st_mode) || info.st_nlink > 1)
        return reason_set(why, "%s is not a regular file of one name", path);
    if (check_owner(&info, path, why) < 0)
        return -1;
    opened = fd;
    fd = -1;
    return opened;
}

/*
 * Opens the store when it is not open, or when its file was removed. Returns 1, 0 when there is
 * no file and none is to be made, -1 with the reason. Called with the mutex held.
 */
static int open_store(GrantStore *store, bool makes, Reason *why)
{
    struct stat info;

    if (store->fd >= 0 && fstat(store->fd, &info) == 0 && info.st_nlink > 0)
        return 1;
    if (store->fd >= 0)
        close(store->fd);
    store->fd = open_file(store->path, makes, why);
    if (store->fd >= 0)
        return 1;
    return !makes && errno == ENOENT ? 0 : -1;
}

static int cannot_read(const GrantStore *store, Reason *why)
{
    return reason_set(why, "cannot read %s: %s", store->path, strerror(errno));
}

/*
 * Returns 1, or 0 with @ret all zero when the file holds nothing that means anything on this boot;
 * -1 with the reason when nobody can tell.
 */
static int read_header(const GrantStore *store, Header *ret, Reason *why)
{
    ssize_t size = pread(store->fd, ret, sizeof(*ret), 0);
    bool is_ours;

    if (size < 0)
        return cannot_read(store, why);
    if (!*this_boot())
        return reason_set(why, "cannot read %s", BOOT_ID_PATH);
    is_ours = size == sizeof(*ret) && memcmp(ret->magic, MAGIC, sizeof(MAGIC)) == 0 &&
              ret->used <= GRANTS_MAX &&
              strncmp(this_boot(), ret->boot_id, sizeof(ret->boot_id)) == 0;
    if (!is_ours)
        *ret = (Header){0};
    return is_ours;
}

static int write_header(const GrantStore *store, uint32_t used)
{
    Header header = {.magic = MAGIC, .used = used};

    memcpy(header.boot_id, this_boot(), strlen(this_boot()));
    return pwrite(store->fd, &header, sizeof(header), 0) == sizeof(header) ? 0 : -1;
}

/* Returns 1, 0 for a slot that holds no grant, -1 with the reason when it cannot be read. */
static int read_slot(const GrantStore *store, size_t slot, Grant *ret, Reason *why)
{
    ssize_t size = pread(store->fd, ret, sizeof(*ret), slot_offset(slot));

    if (size < 0)
        return cannot_read(store, why);
    return size == sizeof(*ret) && grant_is_sound(ret) && ret->slot == slot;
}

static int write_slot(const GrantStore *store, const Grant *grant, Reason *why)
{
    if (pwrite(store->fd, grant, sizeof(*grant), slot_offset(grant->slot)) == sizeof(*grant))
        return 0;
    return reason_set(why, "cannot write %s: %s", store->path, strerror(errno));
}

static void cleanup_store(StoreLock *held)
{
    if (held->holds_file)
        flock(held->store->fd, LOCK_UN);
    pthread_mutex_unlock(&held->store->lock);
}

/* As open_store(), and the file is this thread's until the scope ends. */
static int lock_store(StoreLock *held, bool makes, Reason *why)
{
    GrantStore *store = held->store;
    int found;

    pthread_mutex_lock(&store->lock);
    found = open_store(store, makes, why);
    if (found == 1) {
        if (patient_lock(&store->file_lock, store->fd, store->path, why) < 0)
            return -1;
        held->holds_file = true;
    }
    return found;
}

static int append_grant(Grant **grants, size_t *count, const Grant *grant)
{
    Grant *grown = realloc(*grants, (*count + 1) * sizeof(**grants));

    if (!grown)
        return -1;
    *grants = grown;
    grown[(*count)++] = *grant;
    return 0;
}

int grant_store_read(GrantStore *store, const char *uuid, Grant **ret_grants, size_t *ret_count,
                     Reason *why)
{
    CLEANUP(mem) Grant *grants = NULL;
    size_t count = 0;
    Header header = {0};
    Grant grant;
    int found;

    *ret_grants = NULL;
    *ret_count = 0;
    /* Without the file's lock: grant_store_take() looks again. */
    pthread_mutex_lock(&store->lock);
    found = open_store(store, false, why);
    if (found == 1 && read_header(store, &header, why) < 0)
        found = -1;
    for (size_t i = 0; i < header.used && found == 1; i++) {
        int is_grant = read_slot(store, i, &grant, why);

        if (is_grant < 0)
            found = -1;
        else if (is_grant && (!uuid || strcmp(grant.uuid, uuid) == 0) &&
                 append_grant(&grants, &count, &grant) < 0)
            found = reason_set(why, "out of memory");
    }
    pthread_mutex_unlock(&store->lock);
    if (found < 0)
        return -1;
    *ret_grants = steal_pointer(&grants);
    *ret_count = count;
    return 0;
}

/* Whether the grant that was read is still in its slot, and not another, nor half of one. */
static bool is_there(const GrantStore *store, const Grant *read, Grant *ret)
{
    return read_slot(store, read->slot, ret, NULL) == 1 &&
           memcmp(ret, read, offsetof(Grant, state)) == 0;
}

int grant_store_take(GrantStore *store, GrantTake *takes, size_t count, int64_t now, Reason *why)
{
    __attribute__((cleanup(cleanup_store))) StoreLock held = {store, false};
    int64_t asked = grant_clock();
    int found = lock_store(&held, false, why);
    Grant grant;

    if (found != 1)
        return found;
    now += grant_clock() - asked; /* the lock may have been waited for */
    for (size_t i = 0; i < count; i++) {
        if (!is_there(store, takes[i].grant, &grant) || !grant_is_open(&grant, now) ||
            grant.left < takes[i].count)
            return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (read_slot(store, takes[i].grant->slot, &grant, why) != 1)
            return 0;
        grant.left -= takes[i].count;
        takes[i].left = grant.left;
        if (grant.left == 0)
            grant.finished = now;
        if (write_slot(store, &grant, why) < 0)
            return -1;
    }
    return 1;
}

/* Since when it is not open, for one that is not: nobody may have noticed that it ran out. */
static int64_t over_since(const Grant *grant)
{
    return grant->finished > 0 ? grant->finished : grant->expires;
}

/* A slot for a new grant, among @used ones and the next; GRANTS_MAX: there is none. */
static size_t choose_slot(const GrantStore *store, size_t used, int64_t now)
{
    size_t oldest = GRANTS_MAX;
    int64_t finished = INT64_MAX;
    Grant grant;

    for (size_t i = 0; i < used; i++) {
        int is_grant = read_slot(store, i, &grant, NULL);

        if (is_grant == 0)
            return i; /* whatever it was, it is none now */
        if (is_grant > 0 && !grant_is_open(&grant, now) && over_since(&grant) < finished) {
            oldest = i;
            finished = over_since(&grant);
        }
    }
    if (oldest == GRANTS_MAX || (used < GRANTS_MAX && now - finished <= REMEMBERED_MS))
        return used;
    return oldest;
}

int grant_store_add(GrantStore *store, Grant *grant, int64_t now, Reason *why)
{
    __attribute__((cleanup(cleanup_store))) StoreLock held = {store, false};
    Header header = {0};
    size_t slot;
    int is_ours;

    if (lock_store(&held, true, why) < 0)
        return -1;
    is_ours = read_header(store, &header, why);
    if (is_ours < 0)
        return -1;
    if (!is_ours) {
        /* What another boot left: its slots must not come to life again. */
        if (ftruncate(store->fd, 0) < 0 || write_header(store, 0) < 0)
            return reason_set(why, "cannot write %s: %s", store->path, strerror(errno));
    }
    slot = choose_slot(store, header.used, now);
    if (slot == GRANTS_MAX)
        return reason_set(why, "there are %d open grants already: revoke some", GRANTS_MAX);
    grant->slot = (uint32_t)slot;
    if (write_slot(store, grant, why) < 0)
        return -1;
    if (slot == header.used && write_header(store, header.used + 1) < 0)
        return reason_set(why, "cannot write %s: %s", store->path, strerror(errno));
    return 0;
}

int grant_store_change(GrantStore *store, GrantChange change, void *data, Grant **ret_changed,
                       size_t *ret_count, Reason *why)
{
    __attribute__((cleanup(cleanup_store))) StoreLock held = {store, false};
    int found;
    Header header;
    Grant grant;

    *ret_changed = NULL;
    *ret_count = 0;
    found = lock_store(&held, false, why);
    if (found != 1)
        return found;
    if (read_header(store, &header, why) < 0)
        return -1;
    for (size_t i = 0; i < header.used; i++) {
        int is_grant = read_slot(store, i, &grant, why);

        if (is_grant < 0)
            return -1;
        if (!is_grant || !change(&grant, data))
            continue;
        if (write_slot(store, &grant, why) < 0)
            return -1;
        if (append_grant(ret_changed, ret_count, &grant) < 0)
            return reason_set(why, "out of memory");
    }
    return 0;
}

bool grant_expire(Grant *grant, void *data)
{
    int64_t now = *(int64_t *)data;

    return now >= grant->expires && grant_finish(grant, GRANT_EXPIRED, now);
}

bool grant_end(Grant *grant, void *data)
{
    return strcmp(grant->uuid, data) == 0 && grant_finish(grant, GRANT_ENDED, grant_clock());
}

void grant_store_close(GrantStore *store)
{
    if (store->fd >= 0)
        close(store->fd);
    store->fd = -1;
}
