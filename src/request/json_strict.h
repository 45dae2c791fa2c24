/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON as a guard must read it: one object by RFC 8259, and nothing of it that libvirt's or
 * QEMU's readers are known to take differently, nor a raw DEL, which terminals obey.
 *
 * json-c keeps the tree, but does not read the text: it takes NaN, `1.`, NUL inside strings and
 * repeated keys, and without memory its reader cuts a text short (before 0.17) or dies.
 */
#ifndef QG_JSON_STRICT_H
#define QG_JSON_STRICT_H

#include "util/json_text.h"
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
 * with the reason, which mostly names the byte offset, counted from 0.
 */
json_object *json_strict_parse(const char *text, size_t length, Reason *why);

#endif
