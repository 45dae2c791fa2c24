/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* confirm: a second person's word for a grant. */
#include "grant/admin.h"
#include "grant_choice.h"
#include "grant_command.h"
#include "grant_row.h"
#include "ledger.h"
#include "output.h"
#include "util/cleanup.h"

#include <string.h>

static const struct option options[] = {GRANT_OPTION_JSON, {0}};

/* Complains and returns what is not so. */
static int refuse(const char *id, const char *why)
{
    complain("grant %s: %s", id, why);
    return EXIT_NO;
}

/* Whether @admin's word counts for @grant, as an exit status. */
static int check_second(const Grant *grant, const Admin *admin)
{
    int64_t now = grant_clock();

    if (!grant_is_open(grant, now))
        return complain("grant %s is %s already", grant->id, grant_standing(grant, now)), EXIT_NO;
    if (*grant->confirmed_by)
        return refuse(grant->id, "it is confirmed already");
    if (!admin_is_person(grant->given_by))
        return refuse(grant->id, "nobody knows who of root gave it: there is no login uid and no "
                                 "SUDO_UID on record");
    if (!admin->is_known)
        return refuse(grant->id, "nobody knows who of root you are: log in as yourself, or use "
                                 "sudo");
    if (strcmp(grant->given_by, admin->name) == 0)
        return refuse(grant->id, "you gave it yourself: a second person's word is needed");
    return EXIT_YES;
}

/* A GrantChange: @data is the grant as it is to be. */
static bool set_confirmed(Grant *grant, void *data)
{
    const Grant *confirmed = data;

    if (strcmp(grant->id, confirmed->id) != 0 || *grant->confirmed_by ||
        !grant_is_open(grant, grant_clock()))
        return false;
    memcpy(grant->confirmed_by, confirmed->confirmed_by, sizeof(grant->confirmed_by));
    return true;
}

/* Recorded first, as a grant is: what is not on record does not count. */
static int confirm(Grant *grant, const Admin *admin, bool as_json)
{
    CLEANUP(mem) Grant *changed = NULL;
    size_t count = 0;
    Reason why = {""};

    memcpy(grant->confirmed_by, admin->name, sizeof(admin->name));
    if (ledger_record(STEP_CONFIRMED, grant, admin->name) < 0)
        return complain("nothing is confirmed");
    if (grant_store_change(&ledger_store, set_confirmed, grant, &changed, &count, &why) < 0)
        return complain("nothing is confirmed: %s", why.text);
    if (count == 0)
        return refuse(grant->id, "it has come to its end meanwhile");
    if (as_json)
        return grant_print_json(grant_json(&changed[0], 0));
    if (!output_is_quiet())
        grant_print("confirmed", &changed[0]);
    return EXIT_YES;
}

int confirm_run(HelperContext *context, int argc, char **argv)
{
    CLEANUP(mem) Grant *grants = NULL;
    Admin admin = admin_at_work();
    GrantChoice choice;
    size_t count = 0;
    int status;

    if (grant_parse_choice(context, argc, argv, options, &choice) < 0)
        return EXIT_UNSURE;
    if (choice.n_words != 1)
        return complain("confirm: give the ID of one grant");
    if (ledger_open(context) < 0 || ledger_read(&grants, &count) < 0)
        return EXIT_UNSURE;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(grants[i].id, choice.words[0]) != 0)
            continue;
        status = check_second(&grants[i], &admin);
        return status == EXIT_YES ? confirm(&grants[i], &admin, choice.as_json) : status;
    }
    return refuse(choice.words[0], "there is no such grant: try 'virt-qmp-guard grants --all'");
}
