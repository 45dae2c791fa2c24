/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of a file or pipe; those of a gzip file as they were before it was compressed. */
#ifndef QG_AUDIT_STREAM_H
#define QG_AUDIT_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <zlib.h>

typedef struct AuditStream {
    int fd; /* -1: closed */
    bool was_read; /* what it holds is known from its first bytes */
    bool is_gzip;
    bool inside; /* a gzip member that has not ended yet */
    uint64_t done; /* bytes taken from @fd */
    z_stream inflater;
    unsigned char *input; /* of a gzip file */
} AuditStream;

/* Takes over @fd. */
void audit_stream_open(AuditStream *stream, int fd);

/*
 * Reads at most @size bytes. Returns their number, 0 at the end (and again, when there is
 * no more by then), -1 and errno: EBADMSG for damaged gzip data, EPIPE for such that ends
 * too early.
 */
ssize_t audit_stream_read(AuditStream *stream, char *buffer, size_t size);

void audit_stream_close(AuditStream *stream);

#endif
