/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Repetitions: when the host policy asks for it, a safe command that is the same in all that
 * a record says of it, but for the time, is recorded once in so many seconds, and the others
 * are counted. The counts are kept in a file, so that they outlive a daemon that is killed.
 */
#ifndef QG_REPEAT_H
#define QG_REPEAT_H

#include "audit/audit.h"

#include <stdbool.h>
#include <stdint.h>

/* Writes the record of @count repetitions. Called without a lock. */
typedef void (*RepeatWriter)(uint64_t count, const char *line, const char *json);

/*
 * Writes what an earlier daemon counted and did not get to write; from now on counts that
 * are due are written by @writer. Called once, before anything else here.
 */
void repeat_start(RepeatWriter writer);

/*
 * True when @record repeats one that repeat_begin() knows, and was counted: then nothing is
 * to be written.
 */
bool repeat_counts(const AuditRecord *record);

/* @record was written: for @seconds its repetitions are counted. */
void repeat_begin(const AuditRecord *record, unsigned seconds);

#endif
