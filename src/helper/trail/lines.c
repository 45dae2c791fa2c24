/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lines.h"

#include "helper.h"
#include "parts.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Small enough for the processor's cache, large enough for few system calls. */
#define BUFFER_SIZE ((size_t)256 * 1024)

/* Nanoseconds after which a file is looked at for more. */
#define FOLLOW_PAUSE 200000000L

struct AuditLines {
    const char *const *files;
    size_t n_files;
    AuditParts parts; /* when no files were named */
    bool follows;
    size_t next_file;
    const char *name; /* of the file that is open */
    const char *followed; /* what is looked for when it was rotated */
    AuditStream stream;
    uint64_t done; /* in the files before it */
    uint64_t all;
    char *buffer;
    size_t space;
    size_t start; /* of what has not been handed out */
    size_t searched; /* up to here there is no newline */
    size_t end;
    bool at_end; /* of the open file */
    bool drops_line; /* in a line that is too long */
    bool failed; /* a file could not be read, and that was said */
    uint64_t number;
};

static uint64_t size_of(int fd)
{
    struct stat info;

    return fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
}

/* All bytes there are to read; 0 if one source is a pipe. */
static uint64_t sum_sizes(const AuditLines *lines)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < lines->n_files; i++) {
        struct stat info;

        if (lines->parts.count > 0)
            sum += size_of(lines->parts.parts[i].fd);
        else if (stat(lines->files[i], &info) == 0 && S_ISREG(info.st_mode))
            sum += (uint64_t)info.st_size;
        else
            return 0;
    }
    return sum;
}

/* Opens @name. Returns the descriptor, or -1 after complaining. */
static int open_file(const char *name)
{
    struct stat info;
    int fd;

    if (strcmp(name, "-") == 0)
        return STDIN_FILENO;
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        if (errno == ENOENT && !strchr(name, '/'))
            complain("cannot read %s: %s: a VM is --vm %s", name, strerror(errno), name);
        else
            complain("cannot read %s: %s%s", name, strerror(errno),
                     errno == EACCES ? ": run this as root" : "");
        return -1;
    }
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        complain("cannot read %s: it is a directory; name the files in it", name);
        close(fd);
        return -1;
    }
    return fd;
}

static void take_file(AuditLines *lines, int fd)
{
    lines->done += lines->stream.done;
    audit_stream_close(&lines->stream);
    audit_stream_open(&lines->stream, fd);
    lines->at_end = false;
    lines->drops_line = false;
    lines->start = lines->searched = lines->end = 0;
    lines->number = 0;
}

/* Returns 1, 0 when there is no further file, -1 after complaining. */
static int open_next(AuditLines *lines)
{
    size_t index = lines->next_file;
    int fd;

    if (index == lines->n_files)
        return 0;
    lines->next_file++;
    if (lines->parts.count > 0) {
        lines->name = lines->parts.parts[index].path;
        lines->followed = TRAIL_PATH; /* which may not be there yet */
        fd = lines->parts.parts[index].fd;
        lines->parts.parts[index].fd = -1;
    } else {
        lines->name = lines->followed = lines->files[index];
        fd = open_file(lines->name);
        if (fd < 0)
            return -1;
    }
    take_file(lines, fd);
    return 1;
}

AuditLines *audit_lines_open(const char *const *files, size_t n_files, bool follows)
{
    AuditLines *lines = calloc(1, sizeof(*lines));
    Reason why;

    if (lines)
        lines->buffer = malloc(BUFFER_SIZE);
    if (!lines || !lines->buffer) {
        complain("out of memory");
        free(lines);
        return NULL;
    }
    lines->files = files;
    lines->n_files = n_files;
    lines->follows = follows;
    lines->space = BUFFER_SIZE;
    lines->stream.fd = -1;
    if (n_files == 0) {
        if (audit_parts_open(TRAIL_PATH, &lines->parts, &why) < 0) {
            complain("%s", why.text);
            audit_lines_close(lines);
            return NULL;
        }
        lines->n_files = lines->parts.count;
    }
    lines->all = sum_sizes(lines);
    if (open_next(lines) < 0) {
        audit_lines_close(lines);
        return NULL;
    }
    return lines;
}

void audit_lines_close(AuditLines *lines)
{
    if (!lines)
        return;
    audit_stream_close(&lines->stream);
    audit_parts_clear(&lines->parts);
    free(lines->buffer);
    free(lines);
}

void audit_lines_progress(const AuditLines *lines, uint64_t *ret_done, uint64_t *ret_all)
{
    *ret_done = lines->done + lines->stream.done;
    *ret_all = lines->all;
}

/*
 * Makes room behind what has not been handed out. A line that fills all there may be is
 * dropped but for its number.
 */
static void make_room(AuditLines *lines)
{
    size_t kept = lines->end - lines->start;
    char *grown;

    if (lines->start > 0) {
        memmove(lines->buffer, lines->buffer + lines->start, kept);
        lines->start = 0;
        lines->searched = kept;
        lines->end = kept;
    }
    if (kept < lines->space)
        return;
    grown = lines->space < AUDIT_LINE_MAX ? realloc(lines->buffer, 2 * lines->space) : NULL;
    if (grown) {
        lines->buffer = grown;
        lines->space *= 2;
        return;
    }
    lines->drops_line = true;
    lines->start = lines->searched = lines->end = 0;
}

/* A file that is followed has given all it has: another may have taken its place. */
static bool is_rotated(const AuditLines *lines)
{
    struct stat here;
    struct stat there;

    return fstat(lines->stream.fd, &here) == 0 && stat(lines->followed, &there) == 0 &&
           (here.st_ino != there.st_ino || here.st_dev != there.st_dev);
}

/* What there is behind what was read; below 0: the file was emptied, as by copytruncate. */
static int64_t bytes_ahead(const AuditLines *lines)
{
    struct stat info;

    if (fstat(lines->stream.fd, &info) < 0 || !S_ISREG(info.st_mode))
        return 0;
    return (int64_t)info.st_size - (int64_t)lseek(lines->stream.fd, 0, SEEK_CUR);
}

/* At the end of the last file. Returns true to read on, false to hand out a line without an end. */
static bool wait_for_more(AuditLines *lines)
{
    const struct timespec pause = {.tv_nsec = FOLLOW_PAUSE};
    bool rotated = is_rotated(lines);
    int64_t ahead = bytes_ahead(lines); /* after it was seen that the file was rotated */
    int fd;

    if (ahead < 0) {
        lseek(lines->stream.fd, 0, SEEK_SET);
        lines->start = lines->searched = lines->end = 0;
        lines->number = 0;
        return true;
    }
    if (rotated && ahead > 0)
        return true;
    if (rotated && lines->end > lines->start)
        return false;
    fd = rotated ? open(lines->followed, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
    if (fd < 0) {
        nanosleep(&pause, NULL);
        return true;
    }
    lines->name = lines->followed;
    take_file(lines, fd);
    return true;
}

static bool follows_here(const AuditLines *lines)
{
    return lines->follows && lines->next_file == lines->n_files &&
           lines->stream.fd != STDIN_FILENO && !lines->stream.is_gzip && !lines->failed;
}

/* Reads more. Returns false at the end of the file, or after complaining. */
static bool fill(AuditLines *lines)
{
    ssize_t count;

    make_room(lines);
    do {
        count = audit_stream_read(&lines->stream, lines->buffer + lines->end,
                                  lines->space - lines->end);
    } while (count == 0 && follows_here(lines) && wait_for_more(lines));
    if (count > 0) {
        lines->end += (size_t)count;
        return true;
    }
    lines->at_end = true;
    if (count == 0)
        return false;
    lines->failed = true;
    if (errno == EBADMSG || errno == EPIPE)
        complain("cannot read %s: its gzip data %s", lines->name,
                 errno == EPIPE ? "ends too early" : "is damaged");
    else
        complain("cannot read %s: %s", lines->name, strerror(errno));
    return false;
}

/* Hands out what is there up to @length, and passes over its newline. */
static void hand_out(AuditLines *lines, size_t length, bool is_ended, AuditLine *ret)
{
    *ret = (AuditLine){
        .text = lines->buffer + lines->start,
        .length = lines->drops_line ? 0 : length,
        .source = lines->name,
        .number = ++lines->number,
        .is_ended = is_ended,
        .is_dropped = lines->drops_line,
    };
    lines->drops_line = false;
    lines->start += length + (is_ended ? 1 : 0);
    lines->searched = lines->start;
}

/* Returns false at the end of the file. */
static bool next_in_file(AuditLines *lines, AuditLine *ret)
{
    for (;;) {
        char *newline = memchr(lines->buffer + lines->searched, '\n', lines->end - lines->searched);

        if (newline) {
            hand_out(lines, (size_t)(newline - lines->buffer) - lines->start, true, ret);
            return true;
        }
        lines->searched = lines->end;
        if (lines->drops_line)
            lines->start = lines->searched = lines->end = 0;
        if (!lines->at_end && fill(lines))
            continue;
        if (lines->start == lines->end && !lines->drops_line)
            return false;
        hand_out(lines, lines->end - lines->start, false, ret);
        return true;
    }
}

int audit_lines_next(AuditLines *lines, AuditLine *ret)
{
    int result;

    for (;;) {
        if (lines->stream.fd >= 0 && next_in_file(lines, ret))
            return 1;
        if (follows_here(lines)) {
            lines->at_end = false; /* it was rotated with half a line at its end */
            continue;
        }
        result = open_next(lines);
        if (result < 0)
            lines->failed = true;
        else if (result == 0)
            return lines->failed ? -1 : 0;
    }
}
