/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* revoke: takes grants back. */
#include "grant/admin.h"
#include "grant_command.h"
#include "grant_row.h"
#include "ledger.h"
#include "util/cleanup.h"

#include <getopt.h>
#include <string.h>

/* Which: of these three, one is given. */
typedef struct RevokeOptions {
    char **ids;
    int n_ids;
    const char *domain; /* name or UUID */
    bool all;
    bool as_json;
} RevokeOptions;

static int parse_options(int argc, char **argv, RevokeOptions *ret)
{
    static const struct option options[] = {
        {"domain", required_argument, NULL, 'd'},
        {"all", no_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'd':
            ret->domain = optarg;
            break;
        case 'a':
            ret->all = true;
            break;
        case 'j':
            ret->as_json = true;
            break;
        default:
            return -1;
        }
    }
    ret->ids = argv + optind;
    ret->n_ids = argc - optind;
    if ((ret->n_ids > 0) + !!ret->domain + ret->all != 1)
        return complain("revoke: give the IDs of grants, or --domain DOMAIN, or --all"), -1;
    return 0;
}

static bool is_wanted(const RevokeOptions *options, const Grant *grant)
{
    if (options->all || (options->domain && grant_is_on(grant, options->domain)))
        return true;
    for (int i = 0; i < options->n_ids; i++) {
        if (strcmp(options->ids[i], grant->id) == 0)
            return true;
    }
    return false;
}

/* A GrantChange: @data is a RevokeOptions. */
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
static int check_ids(const RevokeOptions *options, const Grant *revoked, size_t n_revoked)
{
    CLEANUP(mem) Grant *grants = NULL;
    size_t count = 0;
    int status = EXIT_YES;

    if (ledger_read(&grants, &count) < 0)
        return EXIT_UNSURE;
    for (int i = 0; i < options->n_ids; i++) {
        const Grant *grant = find_grant(grants, count, options->ids[i]);

        if (find_grant(revoked, n_revoked, options->ids[i]))
            continue;
        status = EXIT_NO;
        if (grant)
            complain("grant %s is %s already", grant->id, grant_standing(grant, grant_clock()));
        else
            complain("grant %s: there is no such grant: try 'virt-qmp-guard grants --all'",
                     options->ids[i]);
    }
    return status;
}

static int print(const RevokeOptions *options, const Grant *revoked, size_t count)
{
    json_object *list = options->as_json ? json_object_new_array() : NULL;

    for (size_t i = 0; i < count; i++) {
        if (list)
            json_object_array_add(list, grant_json(&revoked[i], 0));
        else
            grant_print("revoked", &revoked[i]);
    }
    if (options->as_json)
        return grant_print_json(list);
    if (count == 0 && options->n_ids == 0)
        puts("no grants");
    return EXIT_YES;
}

int revoke_run(const HelperContext *context, int argc, char **argv)
{
    CLEANUP(mem) Grant *revoked = NULL;
    RevokeOptions options = {0};
    Admin admin = admin_at_work();
    size_t count = 0;
    size_t unrecorded = 0;
    Reason why = {""};
    int changed;
    int status;

    if (parse_options(argc, argv, &options) < 0 || ledger_open() < 0)
        return EXIT_UNSURE;
    /* Taking back takes effect first: it must not wait for a trail that cannot be written. */
    changed = grant_store_change(&ledger_store, set_revoked, &options, &revoked, &count, &why);
    for (size_t i = 0; i < count; i++)
        unrecorded += ledger_record(STEP_REVOKED, &revoked[i], admin.name) < 0;
    status = print(&options, revoked, count);
    if (unrecorded > 0)
        return complain("%zu revoked without a record", unrecorded);
    if (changed < 0)
        return complain("not all are revoked: %s", why.text);
    return status == EXIT_YES ? check_ids(&options, revoked, count) : status;
}
