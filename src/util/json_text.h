/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON that is put together and written as a whole or not at all. json-c's own writer does not
 * say when there was no memory for a piece of the text, and leaves it out.
 */
#ifndef QG_JSON_TEXT_H
#define QG_JSON_TEXT_H

#include "memory_text.h"

#include <json-c/json.h>
#include <stdbool.h>

/*
 * Add @value, which is taken over, as a member or an element. 0, or -1 when out of memory: then
 * @value, too, is NULL or gone.
 */
int json_add_member(json_object *object, const char *name, json_object *value);
int json_add_element(json_object *array, json_object *value);

/*
 * The text in ASCII and without white space: what is forwarded, and what is recorded. Everything
 * else is a \uXXXX escape, because libvirt 11.3 refuses raw UTF-8. Returns a new string (caller
 * frees); NULL when out of memory, or for a string that is no UTF-8.
 */
char *json_canonical_text(json_object *value);

/* The same, added to @out: of a value, and of a text as a JSON string. 0, or -1 for what has none.
 */
int json_text_add_value(MemoryText *out, json_object *value);
int json_text_add(MemoryText *out, const char *text);

/* A character as an escape, or two, as JSON has it inside a string. */
void json_text_add_escaped(MemoryText *out, uint32_t character);

/*
 * How many of the @length bytes at @text stand for themselves inside a JSON string: from the first
 * on, printable ASCII but the quote and the backslash.
 */
size_t json_plain_bytes(const char *text, size_t length);

/* Room for the text of any number that is not kept as it was written. */
#define JSON_SCALAR_SIZE 32

/*
 * The text of what is neither an object nor a list, without quotes and without an allocation;
 * borrowed from @value or written to @buffer. NULL for an object and a list.
 */
const char *json_scalar(json_object *value, char buffer[JSON_SCALAR_SIZE]);

#endif
