/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How people and programs are shown a grant. */
#ifndef QG_GRANT_ROW_H
#define QG_GRANT_ROW_H

#include "grant/grant.h"

#include <json-c/json.h>

/*
 * A new object (caller puts it), or NULL when out of memory. What is in @confirmed_groups needs a
 * second person's word.
 */
json_object *grant_json(const Grant *grant, GroupSet confirmed_groups);

/* The same as a line of `grants`. */
json_object *grant_row(const Grant *grant, GroupSet confirmed_groups);

/* Prints @object on one line and puts it. Returns the exit status. */
int grant_print_json(json_object *object);

/* `granted 1a2b3c4d: qmp 'inject-nmi' on domain 'demo' for user:alice, 1 of 1 uses, 14m 59s`. */
void grant_print(const char *word, const Grant *grant);

/* The columns of grant_row(), in order, and their number. */
extern const char *const grant_columns[];
extern const size_t grant_column_count;

#endif
