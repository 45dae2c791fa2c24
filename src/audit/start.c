/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start.h"

#include "audit/fields.h"
#include "util/cleanup.h"
#include "util/memory_text.h"
#include "util/printable.h"

#include <string.h>

typedef struct StartWording {
    const char *prefix;
    Verdict verdict;
    AuditPriority priority;
} StartWording;

static const StartWording started = {"VM start", VERDICT_ALLOW, AUDIT_INFO};
static const StartWording warned = {"VM start warning", VERDICT_WARN, AUDIT_WARNING};
static const StartWording would_refuse = {"VM start would refuse", VERDICT_AUDIT, AUDIT_ERROR};
static const StartWording refused = {"VM start refused", VERDICT_DENY, AUDIT_ERROR};

static void write_line(FILE *out, const StartEvent *event, const StartWording *wording)
{
    fprintf(out, "%s: ", wording->prefix);
    audit_write_name(out, event->domain);
    fprintf(out, " | %s", event->finding ? event->finding : event->operation);
    if (event->finding)
        fprintf(out, " | operation=%s", event->operation);
    fprintf(out, " | policy=%s", event->policy);
    if (!event->finding) {
        fprintf(out, " | findings=%zu", event->n_findings);
        audit_write_time(out, event->when);
        return;
    }
    fputs(" | rule=", out);
    audit_write_labelled(out, event->rule);
    fputs(" | reason=", out);
    write_printable(out, event->reason, NOT_IN_REASONS, SIZE_MAX);
}

static char *make_json(const StartEvent *event, const StartWording *wording)
{
    JsonWriter out = {0};

    audit_begin_json(&out, "start");
    audit_add_text(&out, "domain", event->domain);
    audit_add_text(&out, "uuid", event->uuid);
    audit_add_text(&out, "operation", event->operation);
    json_writer_text(&out, "verdict", verdict_name(wording->verdict));
    audit_add_text(&out, "finding", event->finding);
    if (event->finding) {
        audit_add_text(&out, "rule", event->rule);
        audit_add_text(&out, "reason", event->reason);
    } else {
        json_writer_number(&out, "findings", (int64_t)event->n_findings);
    }
    audit_add_text(&out, "policy", event->policy);
    return audit_end_json(&out);
}

static const StartWording *wording_of(const StartEvent *event)
{
    if (!event->finding)
        return &started;
    if (event->action != START_REFUSE)
        return &warned;
    return event->refuses ? &refused : &would_refuse;
}

void audit_start_make(const StartEvent *event, AuditRecord *ret)
{
    const StartWording *wording = wording_of(event);
    MemoryText text;
    FILE *out;

    *ret = (AuditRecord){
        .priority = wording->priority,
        .verdict = verdict_name(wording->verdict),
        .domain = audit_name(event->domain),
        .json = make_json(event, wording),
    };
    out = memory_text_open(&text);
    if (!out)
        return;
    write_line(out, event, wording);
    audit_end_line(ret, &text, ret->domain && ret->json);
}
