/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks whether records were altered, removed, put in or moved: see src/audit/trail.h. */
#ifndef QG_AUDIT_VERIFY_H
#define QG_AUDIT_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Verifies the chain over @files in this order; none: the trail with its rotated parts.
 * Prints what it found, and returns the exit status.
 */
int audit_verify(const char *const *files, size_t n_files, bool as_json);

#endif
