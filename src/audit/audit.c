/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/audit.h"

#include "audit/fields.h"
#include "util/memory_text.h"
#include "util/printable.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#define PARAMETERS_MAX 32

/* How each class that passes is worded: see docs/audit.md. */
typedef struct ClassWording {
    const char *prefix;
    AuditPriority priority;
    const char *message_id;
} ClassWording;

static const ClassWording class_wordings[CLASS_COUNT] = {
    [CLASS_UNKNOWN] = {"QMP unknown", AUDIT_WARNING, "b85b7205fc9f4259b0817ed930449dec"},
    [CLASS_SAFE] = {"QMP", AUDIT_INFO, "28b4afb95f9a48b08cf285a425bca0e8"},
    [CLASS_PRIVILEGED] = {"QMP privileged", AUDIT_WARNING, "607e75be760f4f01943f92e990457425"},
    [CLASS_MEMORY_DUMP] = {"QMP memory dump", AUDIT_INFO, "046fa730706c47e9a1f867fe6e7935e4"},
    [CLASS_DANGEROUS] = {"QMP dangerous", AUDIT_WARNING, "9892642a8ff941768244a7bcccf6714f"},
};

static const ClassWording blocked = {"QMP blocked", AUDIT_ERROR,
                                     "a3e00fb12b304135a4355bb2d936d1ae"};
static const ClassWording would_block = {"QMP would block", AUDIT_WARNING,
                                         "b90639d6faba426abb68140711637af9"};

char *audit_name(const char *name)
{
    return printable_cut(name, NOT_IN_NAMES, AUDIT_NAME_MAX);
}

/* One name of a list. False, with `...` for the rest, when there are enough of them. */
static bool write_listed(FILE *out, const char *name, int *count)
{
    if (*count == PARAMETERS_MAX) {
        fputs(",...", out);
        return false;
    }
    fputs((*count)++ ? "," : "", out);
    write_printable(out, name, NOT_IN_LISTS, AUDIT_NAME_MAX);
    return true;
}

static void write_parameters(FILE *out, json_object *arguments)
{
    int count = 0;

    fputs(" | params=[", out);
    if (arguments) {
        json_object_object_foreach (arguments, name, value) {
            (void)value;
            if (!write_listed(out, name, &count))
                break;
        }
    }
    fputc(']', out);
}

/* The actions of a transaction, each name once. */
static void write_parts(FILE *out, const Request *request)
{
    int count = 0;

    fputs(" | parts=[", out);
    for (size_t i = 1; i < request->n_operations; i++) {
        const char *name = request->operations[i].name;
        size_t earlier = 1;

        while (earlier < i && strcmp(request->operations[earlier].name, name) != 0)
            earlier++;
        if (earlier == i && !write_listed(out, name, &count))
            break;
    }
    fputc(']', out);
}

/* What only some records have: how it came, and which part of the request decided. */
static void write_origin(FILE *out, const AuditEvent *event)
{
    const Decision *decision = event->decision;

    if (event->channel == CHANNEL_AGENT || (event->channel == CHANNEL_HMP && !event->request))
        fprintf(out, " | channel=%s", channel_name(event->channel));
    if (event->profile)
        fprintf(out, " | profile=%s", event->profile);
    if (!event->request)
        return;
    if (event->request->operations[0].channel == CHANNEL_HMP) {
        fputs(" | hmp=", out);
        audit_write_name(out, event->request->operations[0].name);
    }
    if (event->request->n_operations > 1)
        write_parts(out, event->request);
    if (decision && decision->operation != &event->request->operations[0]) {
        fputs(" | part=", out);
        audit_write_name(out, decision->operation->name);
    }
}

/* What it passes by, or what might have let it pass and does not count. */
static void write_grants(FILE *out, const AuditEvent *event)
{
    const Decision *decision = event->decision;

    for (size_t i = 0; decision && i < decision->n_takes; i++) {
        fprintf(out, " | grant=%s | left=%" PRIu32 " | reason=", decision->takes[i].grant->id,
                decision->takes[i].left);
        write_printable(out, decision->takes[i].grant->reason, NOT_IN_REASONS, SIZE_MAX);
    }
    if (event->refused_grant)
        fprintf(out, " | grant=%s | reason=it is %s", event->refused_grant->id,
                grant_obstacle_name(event->obstacle));
}

/* `host:limit:...` has two labels of ours; every other name has one at most. */
static void write_rule_id(FILE *out, const Decision *decision)
{
    char buffer[64];
    const char *id = decision_rule_id(decision, buffer, sizeof(buffer));

    if (decision->cause == CAUSE_LIMIT) {
        size_t origin = strcspn(id, ":") + 1;

        fprintf(out, "%.*s", (int)origin, id);
        id += origin;
    }
    audit_write_labelled(out, id);
}

static void write_rule(FILE *out, const AuditEvent *event)
{
    fputs(" | rule=", out);
    if (event->decision)
        write_rule_id(out, event->decision);
    else
        audit_write_labelled(out, event->failed_rule);
    if (event->reason) {
        fputs(" | reason=", out);
        write_printable(out, event->reason, NOT_IN_REASONS, SIZE_MAX);
    }
}

static const char *user_of(const AuditEvent *event)
{
    return event->caller ? event->caller->label : NULL;
}

static const ClassWording *wording_of(const Decision *decision)
{
    if (!decision || decision->verdict == VERDICT_DENY)
        return &blocked;
    if (decision->verdict == VERDICT_AUDIT)
        return &would_block;
    return &class_wordings[decision->operation->is.command_class];
}

/* The fields behind the command, in the order that docs/audit.md promises. */
static void write_fields(FILE *out, const AuditEvent *event, const ClassWording *wording)
{
    const Decision *decision = event->decision;
    bool passes = wording != &blocked && wording != &would_block;
    CommandClass class = passes ? decision->operation->is.command_class : CLASS_UNKNOWN;

    if (class == CLASS_SAFE)
        write_parameters(out, event->request->operations[0].arguments);
    fputs(" | user=", out);
    audit_write_labelled(out, user_of(event));
    if (class == CLASS_MEMORY_DUMP) {
        fputs(" | purpose=", out);
        audit_write_name(out, audit_purpose(decision));
    }
    if (!passes || class == CLASS_DANGEROUS || decision->verdict == VERDICT_GRANT)
        write_rule(out, event);
    write_grants(out, event);
    if (wording == &would_block)
        fprintf(out, " | class=%s", class_name(decision->operation->is.command_class));
    if (class == CLASS_SAFE)
        audit_write_time(out, event->when);
    write_origin(out, event);
}

static AuditPriority priority_of(const ClassWording *wording, const AuditEvent *event)
{
    const Decision *decision = event->decision;
    bool warns = decision &&
                 (decision->verdict == VERDICT_WARN || decision->verdict == VERDICT_GRANT);

    if (warns && wording->priority == AUDIT_INFO)
        return AUDIT_WARNING;
    return event->is_repeated ? AUDIT_INFO : wording->priority;
}

void audit_record_make(const AuditEvent *event, AuditRecord *ret)
{
    const ClassWording *wording = wording_of(event->decision);
    const char *command = audit_command(event);
    bool is_repeatable = event->counts_repeats && event->decision &&
                         event->decision->verdict == VERDICT_ALLOW &&
                         wording == &class_wordings[CLASS_SAFE];
    MemoryText text;
    FILE *out;

    *ret = (AuditRecord){
        .priority = priority_of(wording, event),
        .message_id = wording->message_id,
        .verdict = verdict_name(event->decision ? event->decision->verdict : VERDICT_DENY),
        .domain = audit_name(event->domain),
        .command = audit_name(command),
        .user = audit_name(user_of(event)),
    };
    ret->common = audit_common_json(event);
    ret->json = ret->common ? audit_decision_json(event, ret->common, ret->verdict) : NULL;
    if (is_repeatable)
        ret->repeat = audit_repeat_json(event, ret->verdict);
    out = memory_text_open(&text);
    if (!out)
        return;
    fprintf(out, "%s: ", wording->prefix);
    audit_write_name(out, event->domain);
    fputs(" | ", out);
    audit_write_name(out, command);
    write_fields(out, event, wording);
    audit_end_line(ret, &text, ret->json && ret->domain && ret->command && ret->user);
}

void audit_record_clear(AuditRecord *record)
{
    free(record->line);
    free(record->json);
    free(record->common);
    free(record->repeat);
    free(record->domain);
    free(record->command);
    free(record->user);
    *record = (AuditRecord){0};
}
