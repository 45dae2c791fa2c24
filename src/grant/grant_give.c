/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grant_give.h"

#include "audit/outside.h"
#include "util/cleanup.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/* What grant_revoke() looks for. */
typedef struct Revocation {
    const char *id;
    int64_t now;
} Revocation;

int grant_set_text(Grant *grant, const Request *request)
{
    const Operation *first = &request->operations[0];
    GrantText text;

    if (grant_text_digest(request, &text) < 0)
        return -1;
    memcpy(grant->text, text.digest, sizeof(text.digest));
    grant->channel = (int32_t)first->channel;
    grant->groups = 0;
    for (size_t i = 0; i < request->n_operations; i++)
        grant->groups |= request->operations[i].is.groups;
    /* The name, as an HMP line has values in it; no name is longer than this. */
    snprintf(grant->command, sizeof(grant->command), "%s", first->name);
    return 0;
}

static int append_record(const GrantDesk *desk, const AuditRecord *record, Reason *why)
{
    if (!record->line || !record->json)
        return reason_set(why, "out of memory");
    return desk->tells_syslog ? outside_record(desk->trail, record, why)
                              : trail_append(desk->trail, record->json, why);
}

int grant_record(const GrantDesk *desk, GrantStep step, const Grant *grant, const char *by,
                 Reason *why)
{
    GrantEvent event = {.step = step, .grant = grant, .by = by, .now = grant_clock()};
    AuditRecord record;
    int result;

    audit_grant_make(&event, &record);
    result = append_record(desk, &record, why);
    audit_record_clear(&record);
    return result;
}

static int start_grant(Grant *grant, int64_t now, int64_t seconds, Reason *why)
{
    if (now <= 0)
        return reason_set(why, "this host has no clock that nobody can set");
    if (seconds < 1 || seconds > GRANT_SECONDS_MAX)
        return reason_set(why, "a grant lasts from 1 to %" PRId64 " seconds", GRANT_SECONDS_MAX);
    if (grant->uses < 1 || grant->uses > GRANT_USES_MAX)
        return reason_set(why, "a grant has from 1 to %d uses", GRANT_USES_MAX);
    if (grant_make_id(grant) < 0)
        return reason_set(why, "there is no random number to be had");
    grant->given = time(NULL);
    grant->expires = now + seconds * 1000;
    grant->state = GRANT_GIVEN;
    grant->left = grant->uses;
    grant->finished = 0;
    *grant->confirmed_by = '\0';
    return grant_is_sound(grant) ? 0 : reason_set(why, "the grant is not complete");
}

int grant_give(const GrantDesk *desk, Grant *grant, int64_t seconds, Reason *why)
{
    int64_t now = grant_clock();
    Reason unheard;

    if (start_grant(grant, now, seconds, why) < 0 ||
        grant_record(desk, STEP_GIVEN, grant, grant->given_by, why) < 0)
        return -1;
    if (grant_store_add(desk->store, grant, now, why) == 0)
        return 0;
    /* That the trail cannot be told either is no news to anybody: the grant is not there. */
    (void)grant_record(desk, STEP_FAILED, grant, grant->given_by, &unheard);
    return -1;
}

/* A GrantChange. */
static bool mark_revoked(Grant *grant, void *data)
{
    const Revocation *revocation = data;

    return strcmp(grant->id, revocation->id) == 0 &&
           grant_finish(grant, GRANT_REVOKED, revocation->now);
}

int grant_revoke(const GrantDesk *desk, const char *id, const char *by, Reason *why)
{
    Revocation revocation = {.id = id, .now = grant_clock()};
    CLEANUP(mem) Grant *revoked = NULL;
    size_t count = 0;
    int result = grant_store_change(desk->store, mark_revoked, &revocation, &revoked, &count, why);

    for (size_t i = 0; i < count; i++) {
        if (grant_record(desk, STEP_REVOKED, &revoked[i], by, why) < 0)
            result = -1;
    }
    if (result < 0)
        return -1;
    return count > 0 ? 1 : 0;
}
