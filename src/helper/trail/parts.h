/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The trail and its rotated parts: FILE, FILE.1, FILE.2.gz, FILE-20261121, ... */
#ifndef QG_AUDIT_PARTS_H
#define QG_AUDIT_PARTS_H

#include "util/reason.h"

#include <stddef.h>

typedef struct AuditPart {
    char *path;
    int fd; /* -1: taken by someone */
} AuditPart;

typedef struct AuditParts {
    AuditPart *parts; /* oldest first; the last one is FILE itself if it is there */
    size_t count;
} AuditParts;

/*
 * Opens all of them, so that a rotation in the midst of reading takes nothing away. Returns
 * 0, or -1 with the reason: also when there is not one. Released with audit_parts_clear().
 */
int audit_parts_open(const char *path, AuditParts *ret, Reason *why);
void audit_parts_clear(AuditParts *parts);

#endif
