/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines that are JSON: records of the trail, and what `journalctl -o json` prints. */
#ifndef QG_AUDIT_JSON_LINE_H
#define QG_AUDIT_JSON_LINE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * True for a line that was, by its two ends, written by the guard and is whole. Then its
 * members are in the guard's order and there are no blanks between them.
 */
bool json_line_is_trail(const char *line, size_t length);

/* Its time, `2026-11-21T12:34:56.123456Z`, and its event, up to the quote behind it. */
#define JSON_LINE_TIME_LENGTH ((size_t)27)
#define json_line_time(line) ((line) + sizeof("{\"time\":\"") - 1)
#define json_line_event(line)                                                                      \
    (json_line_time(line) + JSON_LINE_TIME_LENGTH + sizeof("\",\"event\":\"") - 1)

/* How many commands, or records, one record may stand for. */
#define JSON_LINE_COUNT_MAX INT64_C(1000000000000000)
#define JSON_LINE_BAD_COUNT "its count is no number from 1 to 10^15"

/* What is shown of a record is text, save for those. */
#define JSON_LINE_BAD_TEXT "a member is no text"

/*
 * Reads a line. A new object with the members of a record, NULL with *@why NULL for an entry
 * of the journal that is none of ours, NULL with *@why set for what cannot be read.
 */
json_object *json_line_read(json_tokener *tokener, const char *line, size_t length,
                            bool *ret_is_journal, struct timespec *ret_when, const char **why);

#endif
