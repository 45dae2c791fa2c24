/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fields that the records of this folder are put together from. */
#ifndef QG_FIELDS_H
#define QG_FIELDS_H

#include <stdio.h>
#include <time.h>

/* What a name may not hold, lest it look like a field, a field's value or a line's start. */
#define NOT_IN_NAMES "|=:"
#define NOT_IN_LISTS NOT_IN_NAMES ",[]"
#define NOT_IN_REASONS "|="

/* A name from outside, as audit_name() has it. */
void audit_write_name(FILE *out, const char *name);

/* `sasl:NAME`, `baseline:@dangerous`: the part up to the first colon is ours. */
void audit_write_labelled(FILE *out, const char *text);

/* ` | timestamp=...`, local time. */
void audit_write_time(FILE *out, time_t when);

#endif
