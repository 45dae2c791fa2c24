/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The records of the trail: docs/audit-record.schema.json says what each member is.
 * Texts from outside are encoded as in a line, so they are ASCII; what is not known is left
 * out.
 */
#include "audit/audit.h"

#include "audit/fields.h"
#include "util/cleanup.h"
#include "util/digest.h"
#include "util/json_text.h"
#include "util/printable.h"

#include <string.h>

/* Values that one rule may have recorded. */
#define VALUES_MAX 8

/* Bytes that the names in a record's lists may take together, as written. */
#define LISTS_MAX ((size_t)16384)

/*
 * Adds a name to a list that shares @room with others. Returns false, with `...` for the
 * rest, when there is no more.
 */
static bool add_name(JsonWriter *out, const char *name, size_t *room)
{
    CLEANUP(mem) char *encoded = printable_cut(name, "", AUDIT_NAME_MAX);
    /* Each encoded byte has a backslash, which JSON doubles; and there are quotes. */
    size_t size = encoded ? 2 * strlen(encoded) + 3 : 0;

    if (size > *room) {
        json_writer_text(out, NULL, "...");
        return false;
    }
    *room -= size;
    json_writer_text(out, NULL, encoded);
    return true;
}

/* Whose command it was, and which. */
static void add_command(JsonWriter *out, const AuditEvent *event)
{
    const char *user = event->caller ? event->caller->label : NULL;

    audit_add_text(out, "domain", event->domain ? event->domain : "-");
    audit_add_text(out, "uuid", event->uuid);
    audit_add_text(out, "user", user ? user : "-");
    json_writer_text(out, "channel", channel_name(event->channel));
    audit_add_text(out, "command", audit_command(event));
}

char *audit_common_json(const AuditEvent *event)
{
    JsonWriter out = {0};

    audit_add_text(&out, "id", event->id);
    add_command(&out, event);
    return json_writer_finish(&out);
}

static void add_number(JsonWriter *out, const char *name, int64_t value)
{
    if (value >= 0)
        json_writer_number(out, name, value);
}

static void add_who(JsonWriter *out, const Caller *caller)
{
    json_writer_open(out, "who", '{');
    audit_add_text(out, "user", caller->user);
    add_number(out, "uid", caller->uid);
    add_number(out, "gid", caller->gid);
    add_number(out, "pid", caller->pid);
    audit_add_text(out, "sasl", caller->sasl);
    audit_add_text(out, "x509", caller->x509);
    audit_add_text(out, "selinux", caller->selinux);
    audit_add_text(out, "claimed", caller->claimed);
    json_writer_close(out, '}');
}

static void add_groups(JsonWriter *out, GroupSet groups)
{
    const char *name;
    size_t at = 0;

    json_writer_open(out, "groups", '[');
    while ((name = group_next_name(groups, &at)))
        json_writer_text(out, NULL, name);
    json_writer_close(out, ']');
}

static void add_parameters(JsonWriter *out, json_object *arguments, size_t *room)
{
    json_writer_open(out, "parameters", '[');
    if (arguments) {
        json_object_object_foreach (arguments, name, value) {
            (void)value;
            if (!add_name(out, name, room))
                break;
        }
    }
    json_writer_close(out, ']');
}

static json_object *new_text(const char *value)
{
    CLEANUP(mem) char *encoded = printable_cut(value, "", JSON_TEXT_MAX);

    return encoded ? json_object_new_string(encoded) : NULL;
}

/*
 * The values of the arguments that @record names: never an object's or a list's. A tree, since
 * it may name one twice. NULL: out of memory.
 */
static json_object *values_of(const char *record, const Operation *operation)
{
    CLEANUP(json) json_object *values = json_object_new_object();
    CLEANUP(mem) char *names = strdup(record);
    size_t left = VALUES_MAX;
    char *rest = NULL;

    for (char *name = names ? strtok_r(names, " ", &rest) : NULL; name && left > 0;
         name = strtok_r(NULL, " ", &rest), left--) {
        char buffer[JSON_SCALAR_SIZE];
        json_object *value = NULL;
        const char *text = NULL;

        if (json_object_object_get_ex(operation->arguments, name, &value) && value)
            text = json_scalar(value, buffer);
        if (text && json_add_member(values, name, new_text(text)) < 0)
            return NULL;
    }
    return names ? steal_pointer(&values) : NULL;
}

/* Those that the rule which decided asks for. */
static void add_values(JsonWriter *out, const Rule *rule, const Operation *operation)
{
    if (rule && rule->record) {
        CLEANUP(json) json_object *values = values_of(rule->record, operation);

        json_writer_value(out, "values", values);
    }
}

static void add_parts(JsonWriter *out, const Request *request, size_t *room)
{
    json_writer_open(out, "parts", '[');
    for (size_t i = 1; i < request->n_operations; i++) {
        if (!add_name(out, request->operations[i].name, room))
            break;
    }
    json_writer_close(out, ']');
}

static void add_request(JsonWriter *out, const AuditEvent *event)
{
    const Request *request = event->request;
    const Operation *first = &request->operations[0];
    const Decision *decision = event->decision;
    const Operation *decided = decision && decision->operation ? decision->operation : first;
    size_t room = LISTS_MAX;

    if (first->channel == CHANNEL_HMP)
        audit_add_text(out, "hmp", first->name);
    json_writer_text(out, "class", class_name(decided->is.command_class));
    add_groups(out, decided->is.groups);
    add_parameters(out, first->arguments, &room);
    if (decision)
        add_values(out, decision->rule, decided);
    if (request->n_operations > 1)
        add_parts(out, request, &room);
    if (decided != first)
        audit_add_text(out, "part", decided->name);
    if (decision && decided->is.command_class == CLASS_MEMORY_DUMP)
        audit_add_text(out, "purpose", audit_purpose(decision));
}

/* The grants it passes by, or the one that might have let it pass and does not count. */
static void add_grants(JsonWriter *out, const AuditEvent *event)
{
    const Decision *decision = event->decision;
    size_t count = decision ? decision->n_takes : 0;

    if (count > 0)
        json_writer_open(out, "grants", '[');
    for (size_t i = 0; i < count; i++) {
        const GrantTake *take = &decision->takes[i];

        json_writer_open(out, NULL, '{');
        audit_add_text(out, "grant", take->grant->id);
        json_writer_number(out, "taken", take->count);
        json_writer_number(out, "left", take->left);
        audit_add_text(out, "given-by", take->grant->given_by);
        audit_add_text(out, "reason", take->grant->reason);
        json_writer_close(out, '}');
    }
    if (count > 0)
        json_writer_close(out, ']');
    if (event->refused_grant) {
        json_writer_open(out, "refused-grant", '{');
        audit_add_text(out, "grant", event->refused_grant->id);
        audit_add_text(out, "reason", grant_obstacle_name(event->obstacle));
        json_writer_close(out, '}');
    }
}

static void add_text_digest(JsonWriter *out, const AuditEvent *event)
{
    char text[DIGEST_TEXT_SIZE];
    Digest digest;

    if (!event->text)
        return;
    digest_start(&digest);
    digest_add(&digest, event->text, event->length);
    digest_finish(&digest, text);
    json_writer_text(out, "text", text);
    json_writer_number(out, "bytes", (int64_t)event->length);
}

/* Who sent what, and the policies that it was judged by. */
static void add_circumstances(JsonWriter *out, const AuditEvent *event)
{
    if (event->caller)
        add_who(out, event->caller);
    add_text_digest(out, event);
    audit_add_text(out, "policy", event->policy);
    audit_add_text(out, "host-policy", event->host_policy);
}

char *audit_repeat_json(const AuditEvent *event, const char *verdict)
{
    JsonWriter out = {0};
    char buffer[64];

    json_writer_open(&out, NULL, '{');
    json_writer_text(&out, "event", "repeat");
    add_command(&out, event);
    json_writer_text(&out, "verdict", verdict);
    audit_add_text(&out, "rule", decision_rule_id(event->decision, buffer, sizeof(buffer)));
    add_request(&out, event);
    add_circumstances(&out, event);
    return json_writer_finish(&out);
}

char *audit_decision_json(const AuditEvent *event, const char *common, const char *verdict)
{
    const Decision *decision = event->decision;
    JsonWriter out = {0};
    char buffer[64];

    audit_begin_json(&out, "decision");
    json_writer_members(&out, common);
    json_writer_text(&out, "verdict", verdict);
    audit_add_text(&out, "rule",
                   decision ? decision_rule_id(decision, buffer, sizeof(buffer))
                            : event->failed_rule);
    audit_add_text(&out, "reason", event->reason);
    add_grants(&out, event);
    if (event->request)
        add_request(&out, event);
    audit_add_text(&out, "profile", event->profile);
    add_circumstances(&out, event);
    return audit_end_json(&out);
}

char *audit_outcome_json(const AuditOutcome *outcome)
{
    JsonWriter out = {0};

    audit_begin_json(&out, "outcome");
    json_writer_members(&out, outcome->common);
    json_writer_text(&out, "result", outcome->result);
    audit_add_text(&out, "error", outcome->error);
    json_writer_number(&out, "duration_us", outcome->duration_us);
    return audit_end_json(&out);
}

char *audit_identity_json(const Caller *caller)
{
    JsonWriter out = {0};

    audit_begin_json(&out, "identity");
    json_writer_text(&out, "verdict", verdict_name(VERDICT_DENY));
    add_who(&out, caller);
    return audit_end_json(&out);
}

char *audit_policy_json(const char *domain, const char *uuid, const char *policy, const char *was)
{
    JsonWriter out = {0};

    audit_begin_json(&out, "policy");
    audit_add_text(&out, "domain", domain ? domain : "-");
    audit_add_text(&out, "uuid", uuid);
    audit_add_text(&out, "policy", policy);
    audit_add_text(&out, "was", was);
    return audit_end_json(&out);
}

char *audit_lost_json(uint64_t records)
{
    JsonWriter out = {0};

    audit_begin_json(&out, "lost");
    json_writer_number(&out, "records", (int64_t)records);
    return audit_end_json(&out);
}
