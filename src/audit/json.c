/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The records of the durable trail: docs/audit-record.schema.json says what each member is.
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
#include <time.h>

/* Values that one rule may have recorded. */
#define VALUES_MAX 8

/* Bytes that the names in a record's lists may take together, as written. */
#define LISTS_MAX ((size_t)16384)

/* At most @most bytes of it. NULL is `-`, as in a line. */
static json_object *new_cut_text(const char *value, size_t most)
{
    CLEANUP(mem) char *encoded = printable_cut(value, "", most);

    return encoded ? json_object_new_string(encoded) : NULL;
}

static json_object *new_text(const char *value)
{
    return new_cut_text(value, JSON_TEXT_MAX);
}

/*
 * Adds a name to a list that shares @room with others. Returns false, with `...` for the
 * rest, when there is no more.
 */
static bool add_name(json_object *names, const char *name, size_t *room)
{
    json_object *text = new_cut_text(name, AUDIT_NAME_MAX);
    /* Each encoded byte has a backslash, which JSON doubles; and there are quotes. */
    size_t size = 2 * (size_t)json_object_get_string_len(text) + 3;

    if (size > *room) {
        json_object_put(text);
        json_append(names, json_object_new_string("..."));
        return false;
    }
    *room -= size;
    json_append(names, text);
    return true;
}

void audit_add_text(json_object *object, const char *name, const char *value)
{
    if (value)
        json_add(object, name, new_text(value));
}

void audit_add_time(json_object *object)
{
    struct timespec now;
    struct tm utc;
    char text[40] = "";
    size_t length = 0;

    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc))
        length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, sizeof(text) - length, ".%06ldZ", now.tv_nsec / 1000);
    json_add(object, "time", json_object_new_string(text));
}

json_object *audit_common_json(const AuditEvent *event, const char *kind)
{
    json_object *object = json_object_new_object();

    if (!object)
        return NULL;
    audit_add_time(object);
    json_add(object, "event", json_object_new_string(kind));
    audit_add_text(object, "id", event->id);
    json_add(object, "domain", new_text(event->domain));
    audit_add_text(object, "uuid", event->uuid);
    json_add(object, "user", new_text(event->caller ? event->caller->label : NULL));
    json_add(object, "channel", json_object_new_string(channel_name(event->channel)));
    audit_add_text(object, "command", audit_command(event));
    return object;
}

static void add_number(json_object *object, const char *name, int64_t value)
{
    if (value >= 0)
        json_add(object, name, json_object_new_int64(value));
}

static void add_who(json_object *object, const Caller *caller)
{
    json_object *who = json_object_new_object();

    audit_add_text(who, "user", caller->user);
    add_number(who, "uid", caller->uid);
    add_number(who, "gid", caller->gid);
    add_number(who, "pid", caller->pid);
    audit_add_text(who, "sasl", caller->sasl);
    audit_add_text(who, "x509", caller->x509);
    audit_add_text(who, "selinux", caller->selinux);
    audit_add_text(who, "claimed", caller->claimed);
    json_add(object, "who", who);
}

static void add_parameters(json_object *object, json_object *arguments, size_t *room)
{
    json_object *names = json_object_new_array();

    if (arguments) {
        json_object_object_foreach (arguments, name, value) {
            (void)value;
            if (!add_name(names, name, room))
                break;
        }
    }
    json_add(object, "parameters", names);
}

/* The values that the rule which decided asks for: never an object's or a list's. */
static void add_values(json_object *object, const Rule *rule, const Operation *operation)
{
    size_t left = VALUES_MAX;

    CLEANUP(mem) char *names = NULL;
    json_object *values = NULL;
    char *rest = NULL;

    if (!rule || !rule->record)
        return;
    names = strdup(rule->record);
    if (names)
        values = json_object_new_object();
    for (char *name = values ? strtok_r(names, " ", &rest) : NULL; name && left > 0;
         name = strtok_r(NULL, " ", &rest), left--) {
        char buffer[JSON_SCALAR_SIZE];
        json_object *value = NULL;

        if (json_object_object_get_ex(operation->arguments, name, &value) && value)
            audit_add_text(values, name, json_scalar(value, buffer));
    }
    json_add(object, "values", values);
}

static void add_parts(json_object *object, const Request *request, size_t *room)
{
    json_object *names = json_object_new_array();

    for (size_t i = 1; i < request->n_operations; i++) {
        if (!add_name(names, request->operations[i].name, room))
            break;
    }
    json_add(object, "parts", names);
}

static void add_request(json_object *object, const AuditEvent *event)
{
    const Request *request = event->request;
    const Operation *first = &request->operations[0];
    const Decision *decision = event->decision;
    const Operation *decided = decision && decision->operation ? decision->operation : first;
    size_t room = LISTS_MAX;

    if (first->channel == CHANNEL_HMP)
        audit_add_text(object, "hmp", first->name);
    json_add(object, "class", json_object_new_string(class_name(decided->is.command_class)));
    json_add(object, "groups", group_name_list(decided->is.groups));
    add_parameters(object, first->arguments, &room);
    if (decision)
        add_values(object, decision->rule, decided);
    if (request->n_operations > 1)
        add_parts(object, request, &room);
    if (decided != first)
        audit_add_text(object, "part", decided->name);
    if (decision && decided->is.command_class == CLASS_MEMORY_DUMP)
        audit_add_text(object, "purpose", audit_purpose(decision));
}

/* The grants it passes by, or the one that might have let it pass and does not count. */
static void add_grants(json_object *object, const AuditEvent *event)
{
    const Decision *decision = event->decision;
    size_t count = decision ? decision->n_takes : 0;
    json_object *grants = count > 0 ? json_object_new_array() : NULL;

    for (size_t i = 0; i < count; i++) {
        const GrantTake *take = &decision->takes[i];
        json_object *taken = json_object_new_object();

        audit_add_text(taken, "grant", take->grant->id);
        json_add(taken, "taken", json_object_new_int64(take->count));
        json_add(taken, "left", json_object_new_int64(take->left));
        audit_add_text(taken, "given-by", take->grant->given_by);
        audit_add_text(taken, "reason", take->grant->reason);
        json_append(grants, taken);
    }
    if (count > 0)
        json_add(object, "grants", grants);
    if (event->refused_grant) {
        json_object *refused = json_object_new_object();

        audit_add_text(refused, "grant", event->refused_grant->id);
        audit_add_text(refused, "reason", grant_obstacle_name(event->obstacle));
        json_add(object, "refused-grant", refused);
    }
}

static void add_text_digest(json_object *object, const AuditEvent *event)
{
    char text[DIGEST_TEXT_SIZE];
    Digest digest;

    if (!event->text)
        return;
    digest_start(&digest);
    digest_add(&digest, event->text, event->length);
    digest_finish(&digest, text);
    json_add(object, "text", json_object_new_string(text));
    json_add(object, "bytes", json_object_new_int64((int64_t)event->length));
}

char *audit_repeat_json(const AuditEvent *event, const char *verdict)
{
    CLEANUP(json) json_object *object = audit_common_json(event, "repeat");
    char buffer[64];
    char *text;

    if (!object)
        return NULL;
    json_object_object_del(object, "time");
    json_object_object_del(object, "id");
    json_add(object, "verdict", json_object_new_string(verdict));
    audit_add_text(object, "rule", decision_rule_id(event->decision, buffer, sizeof(buffer)));
    add_request(object, event);
    if (event->caller)
        add_who(object, event->caller);
    add_text_digest(object, event);
    audit_add_text(object, "policy", event->policy);
    audit_add_text(object, "host-policy", event->host_policy);
    text = json_canonical_text(object);
    if (text)
        text[strlen(text) - 1] = '\0'; /* the brace */
    return text;
}

char *audit_decision_json(const AuditEvent *event, const char *verdict)
{
    CLEANUP(json) json_object *object = audit_common_json(event, "decision");
    const Decision *decision = event->decision;
    char buffer[64];

    if (!object)
        return NULL;
    json_add(object, "verdict", json_object_new_string(verdict));
    audit_add_text(object, "rule",
                   decision ? decision_rule_id(decision, buffer, sizeof(buffer))
                            : event->failed_rule);
    audit_add_text(object, "reason", event->reason);
    add_grants(object, event);
    if (event->request)
        add_request(object, event);
    audit_add_text(object, "profile", event->profile);
    if (event->caller)
        add_who(object, event->caller);
    add_text_digest(object, event);
    audit_add_text(object, "policy", event->policy);
    audit_add_text(object, "host-policy", event->host_policy);
    return json_canonical_text(object);
}

char *audit_outcome_json(const AuditOutcome *outcome)
{
    audit_add_time(outcome->common);
    json_add(outcome->common, "result", json_object_new_string(outcome->result));
    audit_add_text(outcome->common, "error", outcome->error);
    json_add(outcome->common, "duration_us", json_object_new_int64(outcome->duration_us));
    return json_canonical_text(outcome->common);
}

char *audit_identity_json(const Caller *caller)
{
    CLEANUP(json) json_object *object = json_object_new_object();

    if (!object)
        return NULL;
    audit_add_time(object);
    json_add(object, "event", json_object_new_string("identity"));
    json_add(object, "verdict", json_object_new_string("deny"));
    add_who(object, caller);
    return json_canonical_text(object);
}

char *audit_policy_json(const char *domain, const char *uuid, const char *policy, const char *was)
{
    CLEANUP(json) json_object *object = json_object_new_object();

    if (!object)
        return NULL;
    audit_add_time(object);
    json_add(object, "event", json_object_new_string("policy"));
    json_add(object, "domain", new_text(domain));
    audit_add_text(object, "uuid", uuid);
    audit_add_text(object, "policy", policy);
    audit_add_text(object, "was", was);
    return json_canonical_text(object);
}

char *audit_lost_json(uint64_t records)
{
    CLEANUP(json) json_object *object = json_object_new_object();

    if (!object)
        return NULL;
    audit_add_time(object);
    json_add(object, "event", json_object_new_string("lost"));
    json_add(object, "records", json_object_new_int64((int64_t)records));
    return json_canonical_text(object);
}
