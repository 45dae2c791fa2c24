/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* catalog: what the guard knows of commands, and the groups there are. */
#include "catalog.h"

#include "catalog_compare.h"
#include "domain.h"
#include "json_add.h"
#include "name_verdict.h"
#include "options.h"
#include "output.h"
#include "table.h"
#include "util/cleanup.h"
#include "util/memory_text.h"
#include "util/nearest.h"

#include <string.h>

typedef struct CatalogOptions {
    const char *name; /* a command; NULL: all */
    const GroupInfo *group; /* NULL: any */
    const char *against; /* a domain, or a file with what a QEMU has */
    const char *older; /* a file with what a QEMU had, to be compared with `newer` */
    const char *newer;
    const char *host_policy; /* a file; NULL: the host's own */
    bool lists_groups;
    bool shows_profiles;
    bool as_json;
} CatalogOptions;

static const char *const command_columns[] = {"channel", "name",   "class",  "groups",
                                              "seen",    "native", "instead"};
static const char *const group_columns[] = {"group", "help"};
static const char *const compare_columns[] = {"what", "name", "class", "verdict"};

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
    MemoryText text;
    size_t count;
    const GroupInfo *groups = group_list(&count);
    FILE *out = memory_text_open(&text);
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
    return memory_text_close(&text);
}

/* The permissions that libvirt's own call for the same wants: a list, or text to be shown. */
static json_object *native_of(const CatalogEntry *entry, bool as_json)
{
    NativeSet native = catalog_native(entry, entry->groups);
    CLEANUP(mem) char *shown = NULL;
    MemoryText text;
    const char *between = "";
    FILE *out;

    if (as_json)
        return native_name_list(native);
    out = memory_text_open(&text);
    if (!out)
        return NULL;
    for (unsigned bit = 0; native_name(bit); bit++) {
        if (native & (NativeSet)1 << bit) {
            fprintf(out, "%s%s", between, native_name(bit));
            between = " or ";
        }
    }
    shown = memory_text_close(&text);
    return shown ? json_object_new_string(shown) : NULL;
}

static json_object *command_row(const CatalogEntry *entry, bool as_json)
{
    json_object *row = json_object_new_object();
    CLEANUP(mem) char *groups = groups_of(entry);
    char seen[32];

    snprintf(seen, sizeof(seen), "%s-%s", entry->first, entry->last);
    json_add_text(row, "channel", channel_name(entry->channel));
    json_add_text(row, "name", entry->name);
    json_add_text(row, "class", class_name(entry->command_class));
    json_add_text(row, "groups", groups);
    json_add_text(row, "seen", seen);
    json_add(row, "native", native_of(entry, as_json));
    json_add_text(row, "instead", entry->instead ? entry->instead : "");
    return row;
}

/* What each profile does to the command by its name alone. */
static void add_profiles(json_object *row, const CatalogEntry *entry)
{
    json_object *profiles = json_object_new_object();

    policy_profile("baseline"); /* loads all of them */
    for (size_t i = 0; policy_profile_name(i); i++) {
        const char *name = policy_profile_name(i);
        Verdict verdict = name_verdict_of_profile(entry->channel, entry->name,
                                                  policy_profile(name));

        json_add_text(profiles, name, verdict_name(verdict));
    }
    json_add(row, "profiles", profiles);
}

static json_object *command_rows(const CatalogOptions *options)
{
    json_object *rows = json_object_new_array();
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);

    for (size_t i = 0; rows && i < count; i++) {
        const CatalogEntry *entry = &entries[i];
        json_object *row;

        if (options->name && catalog_find(entry->channel, options->name) != entry)
            continue;
        if (options->group && !((entry->groups | groups_by_arguments(entry)) & options->group->set))
            continue;
        row = command_row(entry, options->as_json);
        if (options->shows_profiles)
            add_profiles(row, entry);
        json_append(rows, row);
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

        json_add_text(row, "group", groups[i].name);
        json_add_text(row, "help", groups[i].help);
        json_append(rows, row);
    }
    return rows;
}

static int print_rows(const CatalogOptions *options, json_object *rows, const char *const *columns,
                      size_t n_columns)
{
    return options->as_json ? output_json(rows) : table_print(rows, columns, n_columns);
}

#define COUNT(columns) (sizeof(columns) / sizeof(*(columns)))

/* To lack a command, or to bring a new one, is a finding. */
static int print_comparison(const HelperContext *context, const CatalogOptions *options)
{
    CLEANUP(json)
    json_object *rows = options->against
                            ? catalog_against(context, options->against, options->host_policy)
                            : catalog_diff(options->older, options->newer, options->host_policy);

    if (!rows)
        return EXIT_UNSURE;
    if (json_object_array_length(rows) == 0 && !options->as_json) {
        if (options->against)
            output_remark("the catalogue has all of its commands\n");
        else
            output_remark("no command is new, and none is gone\n");
        return EXIT_YES;
    }
    if (print_rows(options, rows, compare_columns, COUNT(compare_columns)) < 0)
        return complain("out of memory");
    return json_object_array_length(rows) ? EXIT_NO : EXIT_YES;
}

static void complain_of_name(const char *name)
{
    Nearest nearest = nearest_to(name);
    char hint[NEAREST_HINT_SIZE];

    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        catalog_try_commands((Channel)channel, &nearest);
    complain("the catalogue has no command '%s'%s", name,
             nearest_hint(&nearest, hint, sizeof(hint)));
}

static void tell_none(const CatalogOptions *options)
{
    if (options->group)
        complain("the catalogue has no such command in %s", options->group->name);
    else if (options->name)
        complain_of_name(options->name);
}

/* NULL after complaining. */
static const GroupInfo *find_group(const char *name)
{
    const GroupInfo *group = group_find(name);
    Nearest nearest = nearest_to(name);
    char hint[NEAREST_HINT_SIZE];

    group_try_names(&nearest);
    if (!group)
        complain("there is no group '%s': see 'virt-qmp-guard catalog --groups'%s", name,
                 nearest_hint(&nearest, hint, sizeof(hint)));
    return group;
}

static int print_catalog(const CatalogOptions *options)
{
    CLEANUP(json)
    json_object *rows = options->lists_groups ? group_rows() : command_rows(options);
    int result;

    if (!rows)
        return complain("out of memory");
    result = options->lists_groups
                 ? print_rows(options, rows, group_columns, COUNT(group_columns))
                 : print_rows(options, rows, command_columns, COUNT(command_columns));
    if (result < 0)
        return complain("out of memory");
    if (json_object_array_length(rows) > 0)
        return EXIT_YES;
    if (!options->as_json)
        tell_none(options);
    return EXIT_NO;
}

static int parse_options(HelperContext *context, int argc, char **argv, CatalogOptions *ret)
{
    static const struct option options[] = {
        {"group", required_argument, NULL, 'g'},
        {"groups", no_argument, NULL, 'l'},
        {"profiles", no_argument, NULL, 'p'},
        {"against", required_argument, NULL, 'a'},
        {"diff", required_argument, NULL, 'd'},
        {"policy", required_argument, NULL, 'P'},
        {"host-policy", required_argument, NULL, 'P'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = helper_option(context, argc, argv, "", options)) != -1) {
        switch (option) {
        case 'g':
            ret->group = find_group(optarg);
            if (!ret->group)
                return -1;
            break;
        case 'l':
            ret->lists_groups = true;
            break;
        case 'p':
            ret->shows_profiles = true;
            break;
        case 'a':
            ret->against = optarg;
            break;
        case 'd':
            ret->older = optarg;
            break;
        case 'P':
            ret->host_policy = optarg;
            break;
        case 'j':
            ret->as_json = true;
            break;
        default:
            return -1;
        }
    }
    return 0;
}

/* One thing at a time: the catalogue, its groups, or a comparison. */
static bool is_consistent(const CatalogOptions *options)
{
    bool lists = options->name || options->group || options->shows_profiles;
    int things = options->lists_groups + !!options->against + !!options->older + lists;

    return things <= 1 && (!options->older || options->newer) &&
           (!options->shows_profiles || options->as_json);
}

int catalog_run(HelperContext *context, int argc, char **argv)
{
    CatalogOptions options = {0};
    CLEANUP(mem) char *words = NULL;
    const char *rest;

    if (parse_options(context, argc, argv, &options) < 0)
        return EXIT_UNSURE;
    rest = argv[optind];
    if (options.older)
        options.newer = rest;
    else
        options.name = rest;
    /* As HMP has it: info block. */
    if (options.name && argc - optind == 2) {
        if (asprintf(&words, "%s %s", rest, argv[optind + 1]) < 0)
            return words = NULL, complain("out of memory");
        if (catalog_find(CHANNEL_HMP, words)) {
            options.name = words;
            optind++;
        }
    }
    if (argc - optind > 1 || !is_consistent(&options))
        return complain("catalog: give a NAME and --group, or --groups, or --against, or --diff "
                        "OLD NEW; --profiles goes with --json");
    if ((options.against || options.older) && !options.host_policy &&
        !helper_is_here(context, "without --policy the host policy is"))
        return EXIT_UNSURE;
    return options.against || options.older ? print_comparison(context, &options)
                                            : print_catalog(&options);
}
