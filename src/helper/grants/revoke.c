/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* revoke: takes grants back. */
#include "domain.h"
#include "grant/admin.h"
#include "grant_choice.h"
#include "grant_command.h"
#include "grant_row.h"
#include "json_add.h"
#include "ledger.h"
#include "output.h"
#include "util/cleanup.h"

#include <string.h>

static const struct option options[] = {
    GRANT_OPTION_DOMAIN,
    GRANT_OPTION_ALL,
    GRANT_OPTION_JSON,
    {0},
};

static bool is_wanted(const GrantChoice *choice, const Grant *grant)
{
    if (choice->all || (choice->domain && grant_is_on(grant, choice->domain)))
        return true;
    for (int i = 0; i < choice->n_words; i++) {
        if (strcmp(choice->words[i], grant->id) == 0)
            return true;
    }
    return false;
}

/* A GrantChange: @data is a GrantChoice. */
static bool set_revoked(Grant *grant, void *data)
{
    int64_t now = grant_clock();

    return is_wanted(data, grant) && grant_is_open(grant, now) &&
           grant_finish(grant, GRANT_REVOKED, now);
}

static const Grant *find_grant(const Grant *grants, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(grants[i].id, id) == 0)
            return &grants[i];
    }
    return NULL;
}

/* Says which of the IDs named nothing to be revoked. Returns the exit status. */
static int check_ids(const GrantChoice *choice, const Grant *revoked, size_t n_revoked)
{
    CLEANUP(mem) Grant *grants = NULL;
    size_t count = 0;
    int status = EXIT_YES;

    if (ledger_read(&grants, &count) < 0)
        return EXIT_UNSURE;
    for (int i = 0; i < choice->n_words; i++) {
        const Grant *grant = find_grant(grants, count, choice->words[i]);

        if (find_grant(revoked, n_revoked, choice->words[i]))
            continue;
        status = EXIT_NO;
        if (grant)
            complain("grant %s is %s already", grant->id, grant_standing(grant, grant_clock()));
        else
            complain("grant %s: there is no such grant: try 'virt-qmp-guard grants --all'",
                     choice->words[i]);
    }
    return status;
}

static int print(const GrantChoice *choice, const Grant *revoked, size_t count)
{
    json_object *list = choice->as_json ? json_object_new_array() : NULL;

    for (size_t i = 0; i < count; i++) {
        if (list)
            json_append(list, grant_json(&revoked[i], 0));
        else if (!output_is_quiet())
            grant_print("revoked", &revoked[i]);
    }
    if (choice->as_json)
        return grant_print_json(list);
    if (count == 0 && choice->n_words == 0)
        output_remark("no grants\n");
    return EXIT_YES;
}

int revoke_run(HelperContext *context, int argc, char **argv)
{
    CLEANUP(mem) Grant *revoked = NULL;
    CLEANUP(mem) char *uuid = NULL;
    GrantChoice choice;
    Admin admin = admin_at_work();
    size_t count = 0;
    size_t unrecorded = 0;
    Reason why = {""};
    int changed;
    int status;

    if (grant_parse_choice(context, argc, argv, options, &choice) < 0)
        return EXIT_UNSURE;
    if ((choice.n_words > 0) + !!choice.domain + choice.all != 1)
        return complain("revoke: give the IDs of grants, or --domain DOMAIN, or --all");
    if (ledger_open(context) < 0)
        return EXIT_UNSURE;
    uuid = choice.domain ? helper_uuid_of_id(context, choice.domain) : NULL;
    if (uuid)
        choice.domain = uuid;
    /* Taking back takes effect first: it must not wait for a trail that cannot be written. */
    changed = grant_store_change(&ledger_store, set_revoked, &choice, &revoked, &count, &why);
    for (size_t i = 0; i < count; i++)
        unrecorded += ledger_record(STEP_REVOKED, &revoked[i], admin.name) < 0;
    status = print(&choice, revoked, count);
    if (unrecorded > 0)
        return complain("%zu revoked without a record", unrecorded);
    if (changed < 0)
        return complain("not all are revoked: %s", why.text);
    return status == EXIT_YES ? check_ids(&choice, revoked, count) : status;
}
