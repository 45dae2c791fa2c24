/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows for people. */
#ifndef QG_TABLE_H
#define QG_TABLE_H

#include <json-c/json.h>
#include <stddef.h>

/*
 * Prints the objects in @rows as a table whose columns are the members @columns; true and
 * false are `yes` and `no`. Nothing is printed for no rows. Returns 0 or -1.
 */
int table_print(json_object *rows, const char *const *columns, size_t n_columns);

/* Adds a cell to a row, encoded to printable ASCII; NULL is `-`. */
void table_add_text(json_object *row, const char *column, const char *text);

#endif
