/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walks over the members of a record as the guard writes it: one JSON object, ASCII, without
 * blanks. Nothing is copied and nothing below the members is looked at, which is many times
 * faster than making a tree of it. Whatever is written otherwise is left to json-c.
 */
#ifndef QG_AUDIT_SCAN_H
#define QG_AUDIT_SCAN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Scan {
    const char *at;
    const char *end;
    bool failed; /* it is no such record; or it may be one that is written otherwise */
} Scan;

typedef struct ScanMember {
    const char *name; /* between its quotes */
    size_t name_length;
    const char *value; /* with its quotes if it is a text */
    size_t value_length;
} ScanMember;

Scan scan_start(const char *line, size_t length);

/* Returns false at the end, or where it fails. */
bool scan_next(Scan *scan, ScanMember *ret);

bool scan_is_named(const ScanMember *member, const char *name);

/*
 * False when, beyond doubt, no member is there twice, nor in an object below. True also for
 * more members, or deeper ones, than the guard writes.
 */
bool scan_may_have_twice(const char *line, size_t length);

/* True when every byte of the line is as JSON wants it. */
bool scan_is_sound(const char *line, size_t length);

#endif
