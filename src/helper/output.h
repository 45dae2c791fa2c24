/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all subcommands print alike: remarks, which -q leaves out, colours, and JSON. */
#ifndef QG_HELPER_OUTPUT_H
#define QG_HELPER_OUTPUT_H

#include <json-c/json.h>
#include <stdbool.h>

/* -q: only the data, as virsh does it: no headings, and no word of what went well. */
void output_be_quiet(void);
bool output_is_quiet(void);

/* Prints what is no data, unless -q was given. */
void output_remark(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True on a terminal that knows colours, for a user who wants them. */
bool output_has_colours(void);

/* Writes what was printed so far. Returns the errno of the first time that this failed, or 0. */
int output_flush(void);

/*
 * Prints @object on one line, in printable ASCII, or nothing of what is not whole (json_add()).
 * Returns 0, or -1 when out of memory.
 */
int output_json(json_object *object);

#endif
