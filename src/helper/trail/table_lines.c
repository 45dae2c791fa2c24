/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table_lines.h"

#include "output.h"

#include <stdio.h>
#include <string.h>

/* A cell that is wider moves what is behind it, but not the rows to come. */
#define WIDTH_MAX 48

/* What records hold is ASCII; a file that somebody wrote may hold what moves a terminal. */
size_t table_lines_write(const char *text)
{
    size_t width = 0;

    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte >= 0x20 && byte <= 0x7e) {
            putchar(byte);
            width++;
        } else {
            width += (size_t)printf("\\x%02x", byte);
        }
    }
    return width;
}

static void write_blanks(size_t count)
{
    while (count-- > 0)
        putchar(' ');
}

static void print_cells(TableLines *table, const char *const *cells)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        TableColumn *column = &table->columns[i];
        const char *text = cells[i] ? cells[i] : "-";
        size_t length = strlen(text);
        size_t width;

        if (length > column->width && length <= WIDTH_MAX)
            column->width = length;
        if (column->is_number && length < column->width)
            write_blanks(column->width - length);
        width = table_lines_write(text);
        if (i + 1 == table->n_columns)
            break;
        if (!column->is_number && width < column->width)
            write_blanks(column->width - width);
        putchar(' ');
    }
    putchar('\n');
}

void table_lines_print(TableLines *table, const char *const *cells)
{
    if (!table->has_header && !output_is_quiet()) {
        const char *names[TABLE_COLUMNS_MAX];

        for (size_t i = 0; i < table->n_columns; i++)
            names[i] = table->columns[i].name;
        table->has_header = true;
        print_cells(table, names);
    }
    print_cells(table, cells);
}
