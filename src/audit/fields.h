/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fields that the records of this folder are put together from. */
#ifndef QG_FIELDS_H
#define QG_FIELDS_H

#include "audit/audit.h"
#include "util/json_writer.h"

#include <stdio.h>
#include <time.h>

/* What a name may not hold, lest it look like a field, a field's value or a line's start. */
#define NOT_IN_NAMES "|=:"
#define NOT_IN_LISTS NOT_IN_NAMES ",[]"
#define NOT_IN_REASONS "|="

/* What the record calls the command. */
const char *audit_command(const AuditEvent *event);

/* What a memory dump is for. */
const char *audit_purpose(const Decision *decision);

/* A name from outside, as audit_name() has it. */
void audit_write_name(FILE *out, const char *name);

/* `sasl:NAME`, `baseline:@dangerous`: the part up to the first colon is ours. */
void audit_write_labelled(FILE *out, const char *text);

/* ` | timestamp=...`, local time. */
void audit_write_time(FILE *out, time_t when);

/*
 * Adds the text @value as member @name, encoded like a line's, of at most JSON_TEXT_MAX
 * bytes. NULL adds nothing.
 */
#define JSON_TEXT_MAX ((size_t)1024)
void audit_add_text(JsonWriter *out, const char *name, const char *value);

/* Ends a record's line. Without all that goes with it, and all of itself, there is none. */
void audit_end_line(AuditRecord *ret, MemoryText *line, bool is_whole);

/*
 * Begin the record of an event, with `time` (UTC, RFC 3339, microseconds) and `event`, and end it:
 * the text (caller frees), or NULL when out of memory. @out is all zero before and after.
 */
void audit_begin_json(JsonWriter *out, const char *event);
char *audit_end_json(JsonWriter *out);

#endif
