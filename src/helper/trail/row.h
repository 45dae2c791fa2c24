/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Those members of a record that are asked for, shown and counted by. */
#ifndef QG_AUDIT_ROW_H
#define QG_AUDIT_ROW_H

#include "reader.h"

typedef enum RowField {
    ROW_EVENT,
    ROW_DOMAIN,
    ROW_UUID,
    ROW_USER,
    ROW_CHANNEL,
    ROW_COMMAND,
    ROW_HMP,
    ROW_CLASS,
    ROW_VERDICT,
    ROW_RULE,
    ROW_OPERATION,
    ROW_FINDING,
    ROW_RESULT,
    ROW_COUNT,
    ROW_FIRST,
    ROW_LAST,
    ROW_RECORDS,
    ROW_POLICY,
    ROW_WAS,
    ROW_STEP,
    ROW_FOR,
    ROW_GRANT, /* its id; of a decision the ids of all it names, with a blank between them */
    ROW_OBSTACLE, /* why the grant does not count; NULL: it does */
    ROW_CLAIMED, /* of `who`, as is the user where a record has none */
    ROW_FIELD_COUNT,
} RowField;

/* Room for these members of one record: more than the guard writes in all of it. */
#define ROW_STORAGE ((size_t)256 * 1024)

typedef struct AuditRow {
    const char *fields[ROW_FIELD_COUNT]; /* numbers as text; NULL: it has none */
    struct timespec when; /* {0, 0}: it does not say */
    const AuditEntry *entry;
    size_t used;
    char storage[ROW_STORAGE];
} AuditRow;

/* @entry, parsed or not, is borrowed. Returns NULL, or why it cannot be read. */
const char *audit_row_read(const AuditEntry *entry, AuditRow *ret);

const char *audit_row_member(RowField field);

/* True when it is a text in a line of the trail; `refused-grant` is an object of texts. */
bool audit_row_is_text(RowField field);

bool audit_row_is_event(const AuditRow *row, const char *event);

/* True for `decision` and `repeat`: a command, or several. */
bool audit_row_is_command(const AuditRow *row);

/* How many commands, lost records, or other events, it stands for. */
uint64_t audit_row_weight(const AuditRow *row);

/* Of two weights; what is more than a JSON number holds is as much as it holds. */
static inline uint64_t audit_sum(uint64_t a, uint64_t b)
{
    return a >= INT64_MAX || b >= INT64_MAX - a ? INT64_MAX : a + b;
}

/*
 * `query-status`, `info status (hmp)`, `start: prepare`, `policy changed`, `grant given: quit`;
 * in @buffer or borrowed.
 */
const char *audit_row_what(const AuditRow *row, char *buffer, size_t size);

#endif
