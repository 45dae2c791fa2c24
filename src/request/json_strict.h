/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON as a guard must read it: one object, RFC 8259 to the letter, nothing that
 * libvirt's or QEMU's readers are known to take differently.
 *
 * json-c builds the tree; it alone takes NaN, `1.`, NUL inside strings and
 * repeated keys. So a lexer of our own goes over the bytes first and refuses
 * those, and afterwards the two readers' counts of object members must agree.
 */
#ifndef QG_JSON_STRICT_H
#define QG_JSON_STRICT_H

#include "util/reason.h"

#include <json-c/json.h>
#include <stddef.h>

/* libvirt's own limit for one string on the wire (REMOTE_STRING_MAX). */
#define REQUEST_BYTES_MAX ((size_t)4194304)

/* QEMU's own names are shorter; it repeats a wrong one in its answer. */
#define JSON_KEY_MAX ((size_t)255)

/* QEMU forgets its open braces at 2097152 tokens, 64 MiB or depth 1024; stay far below. */
#define REQUEST_TOKENS_MAX ((size_t)65536)
#define REQUEST_DEPTH_MAX 32

/*
 * Parses @length bytes at @text. Returns a new object (caller puts it), or NULL
 * with the reason, which names the byte offset, counted from 0.
 */
json_object *json_strict_parse(const char *text, size_t length, Reason *why);

/*
 * Writes @object as ASCII without white space: the text that is forwarded.
 * Everything else is a \uXXXX escape, because libvirt 11.3 refuses raw UTF-8.
 * Returns a new string (caller frees), or NULL when out of memory.
 */
char *json_canonical_text(json_object *object);

#endif
