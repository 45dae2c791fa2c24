/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grant.h"

#include "audit/fields.h"
#include "util/cleanup.h"
#include "util/memory_text.h"
#include "util/printable.h"

#include <inttypes.h>
#include <string.h>

typedef struct StepWording {
    const char *name;
    Verdict verdict;
    AuditPriority priority;
    const char *message_id;
} StepWording;

static const StepWording steps[GRANT_STEP_COUNT] = {
    [STEP_GIVEN] = {"given", VERDICT_GRANT, AUDIT_WARNING, "77c08dd1b06a4f4eae1d706c5860d2e3"},
    [STEP_CONFIRMED] = {"confirmed", VERDICT_GRANT, AUDIT_WARNING,
                        "4230971043c34528b890f49d55e18fc9"},
    [STEP_REVOKED] = {"revoked", VERDICT_DENY, AUDIT_WARNING, "4f1dd85e25f64e44842b41f9a9c075b5"},
    [STEP_EXPIRED] = {"expired", VERDICT_DENY, AUDIT_INFO, "eda11bd4b2b7474c9697aaaa35086495"},
    [STEP_ENDED] = {"ended", VERDICT_DENY, AUDIT_INFO, "5bc3eef0ebc345a3be169acda570788f"},
    [STEP_FAILED] = {"failed", VERDICT_DENY, AUDIT_ERROR, "f98beca4a2644558bb2de75299179d6f"},
};

/* A grant of a text does not show it: only which command it is. */
static const char *what_of(const Grant *grant)
{
    return *grant->command ? grant->command : "(text)";
}

char *audit_grant_for(const Grant *grant)
{
    const char *kind = grant_caller_kind_name((GrantCallerKind)grant->caller_kind);
    char *text = NULL;

    if (grant->caller_kind == GRANT_ANYBODY)
        return strdup(kind);
    return asprintf(&text, "%s:%s", kind, grant->caller) < 0 ? NULL : text;
}

/* Whole seconds that are left of its time; 0 when it is over. */
static int64_t seconds_left(const GrantEvent *event)
{
    int64_t left = event->grant->expires - event->now;

    return left > 0 ? left / 1000 : 0;
}

static void write_line(FILE *out, const GrantEvent *event, const char *whose)
{
    const Grant *grant = event->grant;

    fprintf(out, "QMP grant %s: ", steps[event->step].name);
    audit_write_name(out, grant->domain);
    fputs(" | ", out);
    audit_write_name(out, what_of(grant));
    fputs(" | user=", out);
    audit_write_labelled(out, event->by);
    fprintf(out, " | channel=%s | grant=%s | for=", channel_name((Channel)grant->channel),
            grant->id);
    audit_write_labelled(out, whose);
    if (*grant->text)
        fprintf(out, " | text=%s", grant->text);
    fprintf(out, " | left=%" PRIu32 " | seconds=%" PRId64 " | reason=", grant->left,
            seconds_left(event));
    write_printable(out, grant->reason, NOT_IN_REASONS, SIZE_MAX);
}

static char *make_json(const GrantEvent *event, const char *whose)
{
    const Grant *grant = event->grant;
    JsonWriter out = {0};

    audit_begin_json(&out, "grant");
    json_writer_text(&out, "step", steps[event->step].name);
    audit_add_text(&out, "grant", grant->id);
    audit_add_text(&out, "domain", grant->domain);
    audit_add_text(&out, "uuid", grant->uuid);
    audit_add_text(&out, "user", event->by ? event->by : "-");
    json_writer_text(&out, "channel", channel_name((Channel)grant->channel));
    audit_add_text(&out, "command", what_of(grant));
    audit_add_text(&out, "granted-text", *grant->text ? grant->text : NULL);
    audit_add_text(&out, "for", whose);
    json_writer_number(&out, "uses", grant->uses);
    json_writer_number(&out, "left", grant->left);
    json_writer_number(&out, "seconds", seconds_left(event));
    audit_add_text(&out, "given-by", grant->given_by);
    audit_add_text(&out, "confirmed-by", *grant->confirmed_by ? grant->confirmed_by : NULL);
    audit_add_text(&out, "reason", grant->reason);
    return audit_end_json(&out);
}

void audit_grant_make(const GrantEvent *event, AuditRecord *ret)
{
    const StepWording *wording = &steps[event->step];
    CLEANUP(mem) char *whose = audit_grant_for(event->grant);
    MemoryText text;
    FILE *out;

    *ret = (AuditRecord){
        .priority = wording->priority,
        .message_id = wording->message_id,
        .verdict = verdict_name(wording->verdict),
        .domain = audit_name(event->grant->domain),
        .command = audit_name(what_of(event->grant)),
        .user = audit_name(event->by),
    };
    if (!whose)
        return;
    ret->json = make_json(event, whose);
    out = memory_text_open(&text);
    if (!out)
        return;
    write_line(out, event, whose);
    audit_end_line(ret, &text, ret->domain && ret->command && ret->user && ret->json);
}
