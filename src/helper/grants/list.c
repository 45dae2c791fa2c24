/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* grants: which there are. */
#include "domain.h"
#include "grant_choice.h"
#include "grant_command.h"
#include "grant_row.h"
#include "ledger.h"
#include "output.h"
#include "table.h"
#include "util/cleanup.h"

#include <string.h>

static const struct option options[] = {GRANT_OPTION_ALL, GRANT_OPTION_JSON, {0}};

static bool is_wanted(const GrantChoice *choice, const Grant *grant)
{
    if (choice->n_words > 0 && !grant_is_on(grant, choice->words[0]))
        return false;
    return choice->all || grant_is_open(grant, grant_clock());
}

/* NULL when out of memory. */
static json_object *make_rows(const GrantChoice *choice, const Grant *grants, size_t count,
                              GroupSet confirmed_groups)
{
    json_object *rows = json_object_new_array();

    for (size_t i = 0; rows && i < count; i++) {
        json_object *row;

        if (!is_wanted(choice, &grants[i]))
            continue;
        row = choice->as_json ? grant_json(&grants[i], confirmed_groups)
                              : grant_row(&grants[i], confirmed_groups);
        if (!row || json_object_array_add(rows, row) < 0) {
            json_object_put(row);
            json_object_put(rows);
            return NULL;
        }
    }
    return rows;
}

/* They are listed whatever becomes of the policy, lest they could not be revoked by name. */
static GroupSet confirmed_groups_of_host(void)
{
    CLEANUP(mem) char *told = NULL;
    Policy *policy = NULL;
    PolicyError error = {0};
    GroupSet groups = 0;
    int result = helper_host_policy(NULL, &policy, &error);

    if (result == 0)
        groups = policy->confirmed_groups;
    if (result == 1) {
        told = helper_policy_error(HOST_POLICY_PATH, &error);
        complain("warning: %s: nothing passes under an invalid host policy",
                 told ? told : "out of memory");
    }
    policy_unref(policy);
    return groups;
}

int grants_run(HelperContext *context, int argc, char **argv)
{
    GrantChoice choice;
    CLEANUP(mem) char *uuid = NULL;
    CLEANUP(mem) Grant *grants = NULL;
    CLEANUP(json) json_object *rows = NULL;
    size_t count = 0;

    if (grant_parse_choice(context, argc, argv, options, &choice) < 0)
        return EXIT_UNSURE;
    if (choice.n_words > 1)
        return complain("grants: one domain, please");
    uuid = choice.n_words > 0 ? helper_uuid_of_id(context, choice.words[0]) : NULL;
    if (uuid)
        choice.words[0] = uuid;
    if (ledger_open(context) < 0 || ledger_read(&grants, &count) < 0)
        return EXIT_UNSURE;
    rows = make_rows(&choice, grants, count, confirmed_groups_of_host());
    if (!rows)
        return complain("out of memory");
    if (choice.as_json)
        return grant_print_json(steal_pointer(&rows));
    if (json_object_array_length(rows) == 0) {
        output_remark("no grants\n");
        return EXIT_YES;
    }
    return table_print(rows, grant_columns, grant_column_count) < 0 ? complain("out of memory")
                                                                    : EXIT_YES;
}
