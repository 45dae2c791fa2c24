/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table that is printed row by row, whatever there is to come: no row is kept. */
#ifndef QG_AUDIT_TABLE_LINES_H
#define QG_AUDIT_TABLE_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLUMNS_MAX 8

typedef struct TableColumn {
    const char *name;
    size_t width; /* to begin with; grows with what is printed */
    bool is_number; /* to the right */
} TableColumn;

typedef struct TableLines {
    TableColumn columns[TABLE_COLUMNS_MAX];
    size_t n_columns;
    bool has_header; /* printed */
} TableLines;

/* Prints one row; NULL is `-`. What is not printable ASCII is \xHH. */
void table_lines_print(TableLines *table, const char *const *cells);

/* Prints a text as a cell of one has it. Returns how wide that is. */
size_t table_lines_write(const char *text);

#endif
