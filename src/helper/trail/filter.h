/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which records are wanted. */
#ifndef QG_AUDIT_FILTER_H
#define QG_AUDIT_FILTER_H

#include "row.h"
#include "util/reason.h"

#include <stdbool.h>

/* A member that must have one value: as it is, and as it stands in a line of the trail. */
typedef struct Wanted {
    RowField field;
    char *text;
    char *quoted;
    size_t quoted_length;
} Wanted;

typedef struct AuditFilter {
    Wanted wanted[8];
    size_t n_wanted;
    char *command; /* a glob; NULL: any */
    char *grant; /* its id; NULL: any, and none */
    struct timespec since; /* {0, 0}: any time */
    struct timespec until;
    char since_text[40]; /* the same as the trail has them; empty: any time */
    char until_text[40];
    bool outcomes;
    bool has_event; /* is wanted: then no kind of record is left out by itself */
} AuditFilter;

/* Each takes what an option was given. Return 0, or -1 with the reason. */
int audit_filter_vm(AuditFilter *filter, const char *text, Reason *why);
int audit_filter_user(AuditFilter *filter, const char *text, Reason *why);
int audit_filter_command(AuditFilter *filter, const char *text, Reason *why);
int audit_filter_class(AuditFilter *filter, const char *text, Reason *why);
int audit_filter_verdict(AuditFilter *filter, const char *text, Reason *why);
int audit_filter_event(AuditFilter *filter, const char *text, Reason *why);
int audit_filter_channel(AuditFilter *filter, const char *text, Reason *why);
int audit_filter_grant(AuditFilter *filter, const char *text, Reason *why);
int audit_filter_since(AuditFilter *filter, const char *text, Reason *why);
int audit_filter_until(AuditFilter *filter, const char *text, Reason *why);

/*
 * False when the line is, beyond doubt, a record of the trail that is not wanted. For all
 * others the record has to be read.
 */
bool audit_filter_may_match(const AuditFilter *filter, const char *line, size_t length);

/*
 * Is it of the time that was asked for? A `lost` record that does not say when it was is of
 * any.
 */
bool audit_filter_is_then(const AuditFilter *filter, const AuditRow *row);

bool audit_filter_matches(const AuditFilter *filter, const AuditRow *row);

void audit_filter_clear(AuditFilter *filter);

#define UUID_TEXT_SIZE 37

/* True, and as records have it, when @text is a UUID: 8-4-4-4-12 hexadecimal digits. */
bool audit_filter_read_uuid(const char *text, char ret[UUID_TEXT_SIZE]);

#endif
