/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trail: a file of our own, one JSON object in a line, appended to only, by the
 * daemon and by the hook. Each record ends with its number and with a hash over itself and
 * the hash before it, so that one that was altered, removed or put in is found out:
 *
 *   {...,"seq":7,"chain":"SHA-256 of the chain before, and of this line up to here"}
 *
 * Beside it, FILE.head holds the last number and hash. It is what writers lock, it carries
 * the chain over into a new file after a rotation, and it shows records missing at the end.
 */
#ifndef QG_TRAIL_H
#define QG_TRAIL_H

#include "util/digest.h"
#include "util/patient_lock.h"
#include "util/reason.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A longer record is refused, and readers may count on that. None is: what records hold of
 * others' words is bounded (src/audit/json.c), and the bounds add up to less.
 */
#define TRAIL_LINE_MAX ((size_t)131072)

/* Where a chain stands. All zero: before its first record. */
typedef struct TrailHead {
    uint64_t seq; /* of the last record */
    char chain[DIGEST_TEXT_SIZE]; /* its hash; empty before the first */
} TrailHead;

typedef struct TrailFile {
    int fd; /* -1: not open */
    dev_t device;
    ino_t inode;
    off_t size; /* bytes, when it was last looked at; -1: it has just been opened */
} TrailFile;

typedef struct Trail {
    const char *path;
    const char *head_path;
    pthread_mutex_t lock; /* guards what follows */
    TrailFile records;
    TrailFile head;
    PatientLock head_lock; /* of head: what keeps processes apart */
    TrailHead last; /* our own last record, ... */
    off_t end; /* ... and how large it left the file; 0: not known */
} Trail;

#define TRAIL_HEAD_SUFFIX ".head"

/* @file is a string literal. */
#define TRAIL_INIT(file)                                                                           \
    {                                                                                              \
        .path = (file), .head_path = file TRAIL_HEAD_SUFFIX, .lock = PTHREAD_MUTEX_INITIALIZER,    \
        .records.fd = -1, .head.fd = -1                                                            \
    }

/* Makes the trail's directory, so that others may put a file there first. */
void trail_prepare(const Trail *trail);

/*
 * Appends @json, an object's text, with one write(2). The files, and their directory, are
 * made when they are not there, for root alone. Threads and processes may call it at the
 * same time. Returns 0, or -1 with the reason: then the record is not in the file.
 * Another writer that holds the lock is waited for: a second, and then for some time not at
 * all.
 */
int trail_append(Trail *trail, const char *json, Reason *why);

void trail_close(Trail *trail);

/*
 * Takes a line without its newline apart: @ret_length is how much of it is hashed, @ret its
 * number and hash. Returns 0, or -1: it does not end as a record does.
 */
int trail_read_end(const char *line, size_t length, size_t *ret_length, TrailHead *ret);

/* The hash of a record: of the chain before it and the first @length bytes of its line. */
void trail_chain(const char *before, const char *line, size_t length, char ret[DIGEST_TEXT_SIZE]);

/* Reads FILE.head. Returns 1, 0 when there is none, -1 when it cannot be read or is none. */
int trail_read_head(const char *path, TrailHead *ret, Reason *why);

#endif
