/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include "json_add.h"
#include "output.h"
#include "util/cleanup.h"
#include "util/printable.h"

#include <libsmartcols/libsmartcols.h>

static const char *cell_text(json_object *value)
{
    if (json_object_is_type(value, json_type_boolean))
        return json_object_get_boolean(value) ? "yes" : "no";
    return json_object_get_string(value);
}

int table_print(json_object *rows, const char *const *columns, size_t n_columns)
{
    struct libscols_table *table = scols_new_table();
    size_t n_rows = rows ? json_object_array_length(rows) : 0;
    int result = table && (!rows || json_is_whole(rows)) ? 0 : -1;

    for (size_t i = 0; result == 0 && i < n_columns; i++)
        result = scols_table_new_column(table, columns[i], 0, 0) ? 0 : -1;
    for (size_t i = 0; result == 0 && i < n_rows; i++) {
        json_object *row = json_object_array_get_idx(rows, i);
        struct libscols_line *line = scols_table_new_line(table, NULL);

        result = line ? 0 : -1;
        for (size_t column = 0; result == 0 && column < n_columns; column++)
            result = scols_line_set_data(line, column,
                                         cell_text(json_object_object_get(row, columns[column])));
    }
    if (result == 0 && output_is_quiet())
        result = scols_table_enable_noheadings(table, 1);
    if (result == 0 && n_rows > 0)
        result = scols_print_table(table);
    scols_unref_table(table);
    return result == 0 ? 0 : -1;
}

void table_add_text(json_object *row, const char *column, const char *text)
{
    CLEANUP(mem) char *encoded = printable(text, "");

    json_add(row, column, encoded ? json_object_new_string(encoded) : NULL);
}
