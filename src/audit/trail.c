/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trail.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

/* `SEQ CHAIN\n`, padded with blanks to this size, so that it is always overwritten whole. */
#define HEAD_SIZE 96

#define CHAIN_MEMBER ",\"chain\":\""
#define SEQ_MEMBER ",\"seq\":"

/* What a record gets of them for its closing brace: the number has 20 digits at most. */
#define SEQ_SIZE (sizeof(SEQ_MEMBER) + 20)
#define CHAIN_SIZE (sizeof(CHAIN_MEMBER) + DIGEST_TEXT_SIZE - 1 + sizeof("\"}\n") - 1)

/* As much of a record's end as has both, and a newline. */
#define END_SIZE 160

/* The directory of @path; the one above it is libvirt's own and must be there. */
static int make_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    CLEANUP(mem) char *directory = slash ? strndup(path, (size_t)(slash - path)) : NULL;

    if (!directory)
        return -1;
    return mkdir(directory, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

static int open_file(const char *path, int flags)
{
    int fd;

    flags |= O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    fd = open(path, flags, 0600);
    if (fd < 0 && errno == ENOENT && make_directory(path) == 0)
        fd = open(path, flags, 0600);
    return fd;
}

static int open_regular(const char *path, int flags, Reason *why)
{
    CLEANUP(fd) int fd = open_file(path, flags);
    struct stat info;
    int opened = fd;

    if (fd < 0 || fstat(fd, &info) < 0)
        return reason_set(why, "cannot open %s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return reason_set(why, "%s is not a regular file", path);
    fd = -1;
    return opened;
}

static char *head_path(const char *path)
{
    char *made = NULL;

    return asprintf(&made, "%s%s", path, TRAIL_HEAD_SUFFIX) < 0 ? NULL : made;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/*
 * Opens a file when it is not open, or when another one has taken its place, by a rotation
 * for example.
 */
static int open_current(TrailFile *file, const char *path, int flags, Reason *why)
{
    struct stat info;

    if (file->fd >= 0 && lstat(path, &info) == 0 && info.st_dev == file->device &&
        info.st_ino == file->inode) {
        file->size = info.st_size;
        return 0;
    }
    close_fd(&file->fd);
    file->fd = open_regular(path, flags, why);
    if (file->fd < 0)
        return -1;
    if (fstat(file->fd, &info) < 0)
        return reason_set(why, "cannot open %s: %s", path, strerror(errno));
    file->device = info.st_dev;
    file->inode = info.st_ino;
    file->size = -1;
    return 0;
}

/* Takes a hash over that stands in a longer text, which goes on behind it with something else. */
static bool read_chain(const char *text, char ret[DIGEST_TEXT_SIZE])
{
    if (strspn(text, "0123456789abcdef") != DIGEST_TEXT_SIZE - 1)
        return false;
    memcpy(ret, text, DIGEST_TEXT_SIZE - 1);
    ret[DIGEST_TEXT_SIZE - 1] = '\0';
    return true;
}

/* Returns 1; 0 for an empty file; -1, with @ret all zero, for what is no head or unreadable. */
static int read_head(int fd, TrailHead *ret)
{
    char text[HEAD_SIZE + 1];
    ssize_t length = pread(fd, text, HEAD_SIZE, 0);
    char *end;

    *ret = (TrailHead){0};
    if (length <= 0)
        return length == 0 ? 0 : -1;
    text[length] = '\0';
    ret->seq = strtoull(text, &end, 10);
    if (end > text && *end == ' ' && read_chain(end + 1, ret->chain))
        return 1;
    *ret = (TrailHead){0};
    return -1;
}

static int write_head(int fd, const TrailHead *head)
{
    char text[HEAD_SIZE + 1];

    snprintf(text, sizeof(text), "%" PRIu64 " %s", head->seq, head->chain);
    memset(text + strlen(text), ' ', HEAD_SIZE - strlen(text));
    text[HEAD_SIZE - 1] = '\n';
    return pwrite(fd, text, HEAD_SIZE, 0) == HEAD_SIZE ? 0 : -1;
}

int trail_read_end(const char *line, size_t length, size_t *ret_length, TrailHead *ret)
{
    static const size_t tail = sizeof(CHAIN_MEMBER) - 1 + DIGEST_TEXT_SIZE - 1 + 2;
    const char *chain;
    const char *seq;
    char digits[24];
    size_t n_digits;

    if (length < tail || memcmp(line + length - 2, "\"}", 2) != 0)
        return -1;
    chain = line + length - tail;
    if (memcmp(chain, CHAIN_MEMBER, sizeof(CHAIN_MEMBER) - 1) != 0)
        return -1;
    for (seq = chain; seq > line && seq[-1] >= '0' && seq[-1] <= '9'; seq--)
        ;
    n_digits = (size_t)(chain - seq);
    if (!read_chain(chain + sizeof(CHAIN_MEMBER) - 1, ret->chain) || n_digits == 0 ||
        n_digits >= sizeof(digits) || *seq == '0' ||
        (size_t)(seq - line) < sizeof(SEQ_MEMBER) - 1 ||
        memcmp(seq - (sizeof(SEQ_MEMBER) - 1), SEQ_MEMBER, sizeof(SEQ_MEMBER) - 1) != 0)
        return -1;
    memcpy(digits, seq, n_digits);
    digits[n_digits] = '\0';
    ret->seq = strtoull(digits, NULL, 10);
    *ret_length = (size_t)(chain - line);
    return 0;
}

void trail_chain(const char *before, const char *line, size_t length, char ret[DIGEST_TEXT_SIZE])
{
    Digest digest;

    digest_start(&digest);
    digest_add(&digest, before, strlen(before));
    digest_add(&digest, line, length);
    digest_finish(&digest, ret);
}

/* Where the last whole line ends, behind its newline. -1: there is no saying. */
static off_t last_line_end(int fd, off_t size)
{
    char piece[4096];

    while (size > 0) {
        off_t start = size > (off_t)sizeof(piece) ? size - (off_t)sizeof(piece) : 0;
        const char *newline;

        if (pread(fd, piece, (size_t)(size - start), start) != size - start)
            return -1;
        newline = memrchr(piece, '\n', (size_t)(size - start));
        if (newline)
            return start + (newline - piece) + 1;
        size = start;
    }
    return 0;
}

/* What stands before @end, as much as @tail has room for. Returns its length, or -1. */
static ssize_t read_before(int fd, off_t end, char tail[END_SIZE])
{
    off_t start = end > END_SIZE ? end - END_SIZE : 0;

    return pread(fd, tail, (size_t)(end - start), start) == end - start ? end - start : -1;
}

/*
 * Takes over the last record's number and hash: a writer that was killed may have written a
 * record and not the head, and half of another. Returns 1 when the file, of @ret_size bytes, ends
 * in the middle of a line, 0 when it does not, -1 when it cannot be read.
 */
static int catch_up(int fd, TrailHead *head, off_t *ret_size)
{
    char tail[END_SIZE];
    struct stat info;
    off_t end;
    ssize_t length;
    size_t hashed;
    TrailHead last;

    if (fstat(fd, &info) < 0)
        return -1;
    end = *ret_size = info.st_size;
    length = read_before(fd, end, tail);
    if (length > 0 && tail[length - 1] != '\n') {
        end = last_line_end(fd, end);
        length = end < 0 ? -1 : read_before(fd, end, tail);
    }
    if (length < 0)
        return -1;
    if (length > 0 && trail_read_end(tail, (size_t)length - 1, &hashed, &last) == 0 &&
        last.seq >= head->seq)
        *head = last;
    return end < info.st_size;
}

/* The whole line: @json with the chain's members for its closing brace. */
static char *make_line(const char *json, TrailHead *head)
{
    size_t length = strlen(json);
    char chain[DIGEST_TEXT_SIZE];
    char *line;

    head->seq++;
    if (length < 3 || json[length - 1] != '}')
        return NULL;
    length--;
    line = malloc(length + SEQ_SIZE + CHAIN_SIZE);
    if (!line)
        return NULL;
    memcpy(line, json, length);
    length += (size_t)snprintf(line + length, SEQ_SIZE, SEQ_MEMBER "%" PRIu64, head->seq);
    trail_chain(head->chain, line, length, chain);
    memcpy(head->chain, chain, sizeof(chain));
    snprintf(line + length, CHAIN_SIZE, CHAIN_MEMBER "%s\"}\n", chain);
    return line;
}

/* Writes one line behind @size bytes; what a full disk took of it is taken back. */
static int write_line(Trail *trail, const char *line, off_t size, int ends_inside, Reason *why)
{
    size_t length = strlen(line);
    ssize_t written;

    if (ends_inside && write(trail->records.fd, "\n", 1) != 1)
        return reason_set(why, "cannot write %s: %s", trail->path, strerror(errno));
    written = write(trail->records.fd, line, length);
    if (written == (ssize_t)length)
        return 0;
    if (written < 0)
        return reason_set(why, "cannot write %s: %s", trail->path, strerror(errno));
    if (ftruncate(trail->records.fd, size + ends_inside) < 0)
        return reason_set(why, "%s has half a record at its end: %s", trail->path, strerror(errno));
    return reason_set(why, "cannot write %s: no space for a whole record", trail->path);
}

/*
 * Nothing has been written since our own last record, so that it need not be read again. The size
 * alone does not say so: others' records may have been taken away, or be as long as ours was.
 */
static bool is_our_end(const Trail *trail, const TrailHead *head)
{
    return trail->end > 0 && trail->records.size == trail->end && head->seq == trail->last.seq &&
           strcmp(head->chain, trail->last.chain) == 0;
}

/* Where the chain stands, and in @ret_size how large the file is. Returns as catch_up() does. */
static int find_end(Trail *trail, TrailHead *ret, off_t *ret_size, Reason *why)
{
    int ends_inside;

    errno = 0;
    if (read_head(trail->head.fd, ret) < 0 && errno)
        return reason_set(why, "cannot read %s: %s", trail->head_path, strerror(errno));
    if (is_our_end(trail, ret)) {
        *ret_size = trail->end;
        return 0;
    }
    ends_inside = catch_up(trail->records.fd, ret, ret_size);
    if (ends_inside < 0)
        return reason_set(why, "cannot read %s: %s", trail->path, strerror(errno));
    return ends_inside;
}

static int append_locked(Trail *trail, const char *json, Reason *why)
{
    CLEANUP(mem) char *line = NULL;
    TrailHead head;
    off_t size = 0;
    int ends_inside;

    if (open_current(&trail->records, trail->path, O_RDWR | O_APPEND, why) < 0)
        return -1;
    ends_inside = find_end(trail, &head, &size, why);
    trail->end = 0;
    if (ends_inside < 0)
        return -1;
    line = make_line(json, &head);
    if (!line)
        return reason_set(why, "out of memory");
    if (strlen(line) > TRAIL_LINE_MAX)
        return reason_set(why, "a record of more than %zu bytes", TRAIL_LINE_MAX);
    if (write_line(trail, line, size, ends_inside, why) < 0)
        return -1;
    trail->last = head;
    trail->end = size + ends_inside + (off_t)strlen(line);
    /* A head that stays behind is caught up with by the next writer. */
    (void)write_head(trail->head.fd, &head);
    return 0;
}

void trail_prepare(const Trail *trail)
{
    (void)make_directory(trail->path);
}

int trail_append(Trail *trail, const char *json, Reason *why)
{
    int result = -1;

    pthread_mutex_lock(&trail->lock);
    if (open_current(&trail->head, trail->head_path, O_RDWR, why) == 0 &&
        patient_lock(&trail->head_lock, trail->head.fd, trail->head_path, why) == 0) {
        result = append_locked(trail, json, why);
        flock(trail->head.fd, LOCK_UN);
    }
    pthread_mutex_unlock(&trail->lock);
    return result;
}

void trail_close(Trail *trail)
{
    close_fd(&trail->records.fd);
    close_fd(&trail->head.fd);
}

int trail_read_head(const char *path, TrailHead *ret, Reason *why)
{
    CLEANUP(mem) char *name = head_path(path);
    CLEANUP(fd) int fd = -1;
    int result;

    if (!name)
        return reason_set(why, "out of memory");
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 0 : reason_set(why, "cannot read %s: %s", name, strerror(errno));
    result = read_head(fd, ret);
    return result < 0 ? reason_set(why, "%s is no chain's head", name) : result;
}
