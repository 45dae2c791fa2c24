/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of several files, one after the other, in constant memory. */
#ifndef QG_AUDIT_LINES_H
#define QG_AUDIT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer line is not looked at: it is far more than the guard ever writes. */
#define AUDIT_LINE_MAX ((size_t)4 * 1024 * 1024)

typedef struct AuditLine {
    const char *text; /* borrowed until the next one is read */
    size_t length; /* without the newline */
    const char *source; /* the file's name; `-` for standard input */
    uint64_t number; /* in that file, counted from 1 */
    bool is_ended; /* by a newline */
    bool is_dropped; /* it is too long, and @text is empty */
} AuditLine;

typedef struct AuditLines AuditLines;

/*
 * Opens the first of @files, which are borrowed; none: the trail with its rotated parts.
 * @follows: at the end of the last file waits for more, across rotations. NULL after
 * complaining on stderr.
 */
AuditLines *audit_lines_open(const char *const *files, size_t n_files, bool follows);

/*
 * Returns 1 and the next line, 0 at the end, -1 after complaining on stderr. A file that
 * cannot be read to its end does not keep the others from being read.
 */
int audit_lines_next(AuditLines *lines, AuditLine *ret);

/* Bytes read so far, and in all (0: not known). */
void audit_lines_progress(const AuditLines *lines, uint64_t *ret_done, uint64_t *ret_all);

void audit_lines_close(AuditLines *lines);

#endif
