/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ledger.h"

#include "audit/outside.h"
#include "domain.h"
#include "util/cleanup.h"

#include <string.h>

GrantStore ledger_store = GRANT_STORE_INIT(GRANTS_PATH);

static Trail trail = TRAIL_INIT(TRAIL_PATH);

const GrantDesk ledger_desk = {.store = &ledger_store, .trail = &trail, .tells_syslog = true};

int ledger_record(GrantStep step, const Grant *grant, const char *by)
{
    Reason why;

    if (grant_record(&ledger_desk, step, grant, by, &why) == 0)
        return 0;
    complain("cannot record: %s", why.text);
    return -1;
}

/* A GrantChange: nothing happens by itself when a grant is over. */
static bool mark_over(Grant *grant, void *data)
{
    int64_t *now = data;

    return grant_expire(grant, now) ||
           (!run_is_alive(&grant->run) && grant_finish(grant, GRANT_ENDED, *now));
}

/* What cannot be recorded is over all the same. */
static int sweep(void)
{
    CLEANUP(mem) Grant *over = NULL;
    size_t count = 0;
    int64_t now = grant_clock();
    Reason why = {""};
    int result = grant_store_change(&ledger_store, mark_over, &now, &over, &count, &why);

    for (size_t i = 0; i < count; i++)
        (void)ledger_record(over[i].state == GRANT_ENDED ? STEP_ENDED : STEP_EXPIRED, &over[i],
                            NULL);
    if (result < 0)
        complain("cannot read the grants: %s", why.text);
    return result;
}

int ledger_open(const HelperContext *context)
{
    if (!helper_is_here(context, "grants are"))
        return -1;
    if (geteuid() != 0)
        return complain("grants are root's: run this as root"), -1;
    outside_open();
    return sweep();
}

int ledger_read(Grant **ret_grants, size_t *ret_count)
{
    Reason why = {""};

    if (grant_store_read(&ledger_store, NULL, ret_grants, ret_count, &why) < 0)
        return complain("cannot read the grants: %s", why.text), -1;
    return 0;
}

bool grant_is_on(const Grant *grant, const char *domain)
{
    return strcmp(grant->domain, domain) == 0 || strcasecmp(grant->uuid, domain) == 0;
}
