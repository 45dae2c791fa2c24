/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A second reader of JSON, which shares nothing with src/ and json-c's parser. */
#ifndef QG_JSON_WALK_H
#define QG_JSON_WALK_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * True when @text says @value and nothing else: each member once, no NUL in a string. Only
 * for texts that are JSON: it is not strict where the values alone tell a difference.
 */
bool json_walk_says(const char *text, size_t length, json_object *value);

#endif
