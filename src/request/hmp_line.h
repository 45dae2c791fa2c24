/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An HMP line as QEMU's monitor reads it (monitor/hmp.c: get_command_name,
 * get_str, monitor_parse_arguments), and the line rebuilt from what was read.
 *
 * Where QEMU is generous (arithmetic, registers, strings cut at 1023 bytes, a
 * flag glued to its neighbour's text) this reader is not: a line that it does not
 * understand in full is refused, never guessed at.
 */
#ifndef QG_HMP_LINE_H
#define QG_HMP_LINE_H

#include "catalog/catalog.h"
#include "util/reason.h"

#include <json-c/json.h>
#include <stddef.h>

#define HMP_LINE_MAX ((size_t)4096)

/* QEMU cuts a string argument silently at this many bytes. */
#define HMP_STRING_MAX ((size_t)1023)

typedef struct HmpLine {
    const CatalogEntry *entry; /* NULL: a command that the catalogue lacks */
    char *name; /* `migrate`, `info block` */
    char *line; /* rebuilt with single spaces: what is judged and forwarded */
    json_object *arguments; /* by QEMU's argument names; empty when entry is NULL */
} HmpLine;

/* Parses @length bytes at @text into @ret. Returns 0, or -1 with the reason. */
int hmp_line_parse(const char *text, size_t length, HmpLine *ret, Reason *why);

/* Releases what @line holds; it may be half built or all zero. */
void hmp_line_clear(HmpLine *line);

#endif
