/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON text that is written member by member, without a tree: for records, of which every command
 * has two. Without memory for any of it there is no text at all. A writer starts as zeros.
 *
 * Everywhere @name is the member's, and NULL for an element of a list. It is a constant of ours,
 * and of an object each name is written once: nobody looks for it here.
 */
#ifndef QG_JSON_WRITER_H
#define QG_JSON_WRITER_H

#include "memory_text.h"

#include <json-c/json.h>
#include <stdint.h>

typedef struct JsonWriter {
    MemoryText text;
} JsonWriter;

/* Begin and end an object or a list; @bracket is the opening or the closing one. */
void json_writer_open(JsonWriter *writer, const char *name, char bracket);
void json_writer_close(JsonWriter *writer, char bracket);

/* Without @value, which is UTF-8, the whole text is given up. */
void json_writer_text(JsonWriter *writer, const char *name, const char *value);

void json_writer_number(JsonWriter *writer, const char *name, int64_t value);

/* Without @value, which stays the caller's, the whole text is given up. */
void json_writer_value(JsonWriter *writer, const char *name, json_object *value);

/* What another writer wrote before its object was closed, without the opening bracket. */
void json_writer_members(JsonWriter *writer, const char *members);

/* What was written (caller frees); NULL when any of it was lost. The writer is as new. */
char *json_writer_finish(JsonWriter *writer);

#endif
