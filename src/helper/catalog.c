/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* catalog: what the guard knows of commands, and the groups there are. */
#include "helper.h"

#include "util/cleanup.h"

#include <getopt.h>
#include <libsmartcols/libsmartcols.h>
#include <string.h>

typedef struct CatalogOptions {
    const char *name; /* a command; NULL: all */
    const GroupInfo *group; /* NULL: any */
    bool lists_groups;
    bool as_json;
} CatalogOptions;

static const char *const command_columns[] = {"channel", "name", "class",
                                              "groups",  "seen", "instead"};
static const char *const group_columns[] = {"group", "help"};

/* What some arguments add to a command's groups. */
static GroupSet groups_by_arguments(const CatalogEntry *entry)
{
    GroupSet groups = 0;

    for (size_t i = 0; i < entry->n_effects; i++)
        groups |= entry->effects[i].groups;
    return groups & ~entry->groups;
}

/*
 * The groups that are no class and say nothing of the catalogue, as one text; those that
 * come with some arguments in parentheses. Caller frees.
 */
static char *groups_of(const CatalogEntry *entry)
{
    char *text = NULL;
    size_t size;
    size_t count;
    const GroupInfo *groups = group_list(&count);
    FILE *out = open_memstream(&text, &size);
    const char *between = "";

    if (!out)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        bool is_single = (groups[i].set & (groups[i].set - 1)) == 0;
        bool is_class = strcmp(groups[i].name + 1, class_name(entry->command_class)) == 0;

        bool is_by_argument = groups[i].set & groups_by_arguments(entry);

        if (!is_single || is_class || strcmp(groups[i].name, "@known") == 0 ||
            !(groups[i].set & entry->groups || is_by_argument))
            continue;
        fprintf(out, is_by_argument ? "%s(%s)" : "%s%s", between, groups[i].name);
        between = " ";
    }
    return fclose(out) == 0 ? text : NULL;
}

static json_object *command_row(const CatalogEntry *entry)
{
    json_object *row = json_object_new_object();
    CLEANUP(mem) char *groups = groups_of(entry);
    char seen[32];

    snprintf(seen, sizeof(seen), "%s-%s", entry->first, entry->last);
    json_object_object_add(row, "channel", json_object_new_string(channel_name(entry->channel)));
    json_object_object_add(row, "name", json_object_new_string(entry->name));
    json_object_object_add(row, "class", json_object_new_string(class_name(entry->command_class)));
    json_object_object_add(row, "groups", json_object_new_string(groups ? groups : ""));
    json_object_object_add(row, "seen", json_object_new_string(seen));
    json_object_object_add(row, "instead",
                           json_object_new_string(entry->instead ? entry->instead : ""));
    return row;
}

static json_object *command_rows(const CatalogOptions *options)
{
    json_object *rows = json_object_new_array();
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);

    for (size_t i = 0; rows && i < count; i++) {
        const CatalogEntry *entry = &entries[i];

        if (options->name && catalog_find(entry->channel, options->name) != entry)
            continue;
        if (options->group && !((entry->groups | groups_by_arguments(entry)) & options->group->set))
            continue;
        json_object_array_add(rows, command_row(entry));
    }
    return rows;
}

static json_object *group_rows(void)
{
    json_object *rows = json_object_new_array();
    size_t count;
    const GroupInfo *groups = group_list(&count);

    for (size_t i = 0; rows && i < count; i++) {
        json_object *row = json_object_new_object();

        json_object_object_add(row, "group", json_object_new_string(groups[i].name));
        json_object_object_add(row, "help", json_object_new_string(groups[i].help));
        json_object_array_add(rows, row);
    }
    return rows;
}

static int print_table(json_object *rows, const char *const *columns, size_t n_columns)
{
    struct libscols_table *table = scols_new_table();
    int result = table ? 0 : -1;

    for (size_t i = 0; result == 0 && i < n_columns; i++)
        result = scols_table_new_column(table, columns[i], 0, 0) ? 0 : -1;
    for (size_t i = 0; result == 0 && i < json_object_array_length(rows); i++) {
        json_object *row = json_object_array_get_idx(rows, i);
        struct libscols_line *line = scols_table_new_line(table, NULL);

        for (size_t column = 0; line && column < n_columns; column++)
            scols_line_set_data(
                line, column, json_object_get_string(json_object_object_get(row, columns[column])));
        result = line ? 0 : -1;
    }
    if (result == 0)
        result = scols_print_table(table);
    scols_unref_table(table);
    return result;
}

static int print_rows(const CatalogOptions *options)
{
    CLEANUP(json)
    json_object *rows = options->lists_groups ? group_rows() : command_rows(options);
    size_t count = rows ? json_object_array_length(rows) : 0;
    int result = 0;

    if (!rows)
        return complain("out of memory");
    if (options->as_json)
        puts(json_object_to_json_string_ext(rows, JSON_C_TO_STRING_PLAIN |
                                                      JSON_C_TO_STRING_NOSLASHESCAPE));
    else if (count && options->lists_groups)
        result = print_table(rows, group_columns, sizeof(group_columns) / sizeof(*group_columns));
    else if (count)
        result = print_table(rows, command_columns,
                             sizeof(command_columns) / sizeof(*command_columns));
    else
        fprintf(stderr, "virt-qmp-guard: the catalogue has no such command\n");
    if (result != 0)
        return complain("out of memory");
    return count ? EXIT_YES : EXIT_NO;
}

int catalog_run(const HelperContext *context, int argc, char **argv)
{
    static const struct option long_options[] = {
        {"group", required_argument, NULL, 'g'},
        {"groups", no_argument, NULL, 'l'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    CatalogOptions options = {0};
    int option;

    (void)context;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case 'g':
            options.group = group_find(optarg);
            if (!options.group)
                return complain("there is no group '%s': see --groups", optarg);
            break;
        case 'l':
            options.lists_groups = true;
            break;
        case 'j':
            options.as_json = true;
            break;
        default:
            return EXIT_UNSURE;
        }
    }
    if (argc - optind > 1 || (options.lists_groups && (options.group || optind < argc)))
        return complain("catalog: give one command at most; --groups stands alone");
    options.name = argv[optind];
    return print_rows(&options);
}
