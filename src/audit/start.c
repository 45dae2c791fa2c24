/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start.h"

#include "audit/fields.h"
#include "util/cleanup.h"
#include "util/printable.h"

#include <string.h>

typedef struct StartWording {
    const char *prefix;
    const char *verdict;
    AuditPriority priority;
} StartWording;

static const StartWording started = {"VM start", "allow", AUDIT_INFO};
static const StartWording warned = {"VM start warning", "warn", AUDIT_WARNING};
static const StartWording refused = {"VM start refused", "deny", AUDIT_ERROR};

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

/* What an outsider wrote need not be UTF-8; JSON has to be. */
static json_object *new_text(const char *text)
{
    CLEANUP(mem) char *encoded = text ? printable(text, "") : NULL;

    return encoded ? json_object_new_string(encoded) : NULL;
}

static char *make_json(const StartEvent *event, const StartWording *wording)
{
    CLEANUP(json) json_object *object = json_object_new_object();
    char time_text[32] = "";
    struct tm utc;

    if (!object)
        return NULL;
    if (gmtime_r(&event->when, &utc))
        strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_object_object_add(object, "time", json_object_new_string(time_text));
    json_object_object_add(object, "event", json_object_new_string("start"));
    json_object_object_add(object, "domain", new_text(event->domain));
    json_object_object_add(object, "uuid", new_text(event->uuid));
    json_object_object_add(object, "operation", json_object_new_string(event->operation));
    json_object_object_add(object, "verdict", json_object_new_string(wording->verdict));
    json_object_object_add(object, "policy", json_object_new_string(event->policy));
    if (event->finding) {
        json_object_object_add(object, "finding", json_object_new_string(event->finding));
        json_object_object_add(object, "rule", new_text(event->rule));
        json_object_object_add(object, "reason", new_text(event->reason));
    } else {
        json_object_object_add(object, "findings",
                               json_object_new_int64((int64_t)event->n_findings));
    }
    return strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                             JSON_C_TO_STRING_NOSLASHESCAPE));
}

void audit_start_make(const StartEvent *event, AuditRecord *ret)
{
    const StartWording *wording = !event->finding ? &started : event->refuses ? &refused : &warned;
    bool is_complete;
    size_t size;
    FILE *out;

    *ret = (AuditRecord){
        .priority = wording->priority,
        .verdict = wording->verdict,
        .domain = audit_name(event->domain),
        .json = make_json(event, wording),
    };
    if (event->finding && event->action == START_REFUSE)
        ret->priority = AUDIT_ERROR; /* also where nothing can be refused any more */
    out = open_memstream(&ret->line, &size);
    if (!out)
        return;
    write_line(out, event, wording);
    is_complete = !ferror(out) && ret->domain && ret->json;
    if (fclose(out) != 0 || !is_complete) {
        free(ret->line);
        ret->line = NULL;
    }
}
