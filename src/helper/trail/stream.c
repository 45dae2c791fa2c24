/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_SIZE 65536

/* inflateInit2(): a gzip header is wanted, the window may have any size. */
#define GZIP_WINDOW (15 + 16)

void audit_stream_open(AuditStream *stream, int fd)
{
    *stream = (AuditStream){.fd = fd};
}

static ssize_t read_some(AuditStream *stream, void *buffer, size_t size)
{
    ssize_t count;

    do {
        count = read(stream->fd, buffer, size);
    } while (count < 0 && errno == EINTR);
    if (count > 0)
        stream->done += (uint64_t)count;
    return count;
}

/* The bytes in @buffer, which were taken for plain ones, are the start of a gzip file. */
static int start_inflating(AuditStream *stream, const char *buffer, size_t length)
{
    stream->input = malloc(INPUT_SIZE > length ? INPUT_SIZE : length);
    if (!stream->input || inflateInit2(&stream->inflater, GZIP_WINDOW) != Z_OK) {
        errno = ENOMEM;
        return -1;
    }
    memcpy(stream->input, buffer, length);
    stream->inflater.next_in = stream->input;
    stream->inflater.avail_in = (unsigned)length;
    stream->is_gzip = true;
    return 0;
}

/* Returns 1, 0 at the end of the file, -1. */
static int fill_input(AuditStream *stream)
{
    ssize_t count = read_some(stream, stream->input, INPUT_SIZE);

    if (count <= 0) {
        if (count == 0 && stream->inside) {
            errno = EPIPE;
            return -1;
        }
        return (int)count;
    }
    stream->inflater.next_in = stream->input;
    stream->inflater.avail_in = (unsigned)count;
    return 1;
}

static ssize_t inflate_some(AuditStream *stream, char *buffer, size_t size)
{
    z_stream *inflater = &stream->inflater;
    int result;

    inflater->next_out = (unsigned char *)buffer;
    inflater->avail_out = (unsigned)size;
    while (inflater->avail_out == size) {
        if (inflater->avail_in == 0) {
            result = fill_input(stream);
            if (result <= 0)
                return result;
        }
        stream->inside = true;
        result = inflate(inflater, Z_NO_FLUSH);
        if (result == Z_STREAM_END) {
            /* A file may be several that were put together. */
            stream->inside = false;
            result = inflateReset(inflater);
        }
        if (result != Z_OK && result != Z_BUF_ERROR) {
            errno = result == Z_MEM_ERROR ? ENOMEM : EBADMSG;
            return -1;
        }
    }
    return (ssize_t)(size - inflater->avail_out);
}

ssize_t audit_stream_read(AuditStream *stream, char *buffer, size_t size)
{
    ssize_t count;

    if (stream->is_gzip)
        return inflate_some(stream, buffer, size);
    count = read_some(stream, buffer, size);
    if (count <= 0 || stream->was_read)
        return count;
    stream->was_read = true;
    if (count < 2 || memcmp(buffer, "\x1f\x8b", 2) != 0)
        return count;
    return start_inflating(stream, buffer, (size_t)count) < 0 ? -1
                                                              : inflate_some(stream, buffer, size);
}

void audit_stream_close(AuditStream *stream)
{
    if (stream->is_gzip)
        inflateEnd(&stream->inflater);
    free(stream->input);
    if (stream->fd > STDIN_FILENO)
        close(stream->fd);
    *stream = (AuditStream){.fd = -1};
}
