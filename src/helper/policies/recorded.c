/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recorded.h"

#include "helper.h"
#include "trail/filter.h"
#include "trail/reader.h"
#include "util/cleanup.h"
#include "util/printable.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static const char *text_of(json_object *json, const char *member)
{
    json_object *value = NULL;

    if (!json_object_object_get_ex(json, member, &value) ||
        !json_object_is_type(value, json_type_string))
        return NULL;
    return json_object_get_string(value);
}

/* What is behind @prefix; NULL: another label. */
static const char *labelled(const char *label, const char *prefix)
{
    return strncmp(label, prefix, strlen(prefix)) == 0 ? label + strlen(prefix) : NULL;
}

/* In the text log only a label of another kind has a colon: sasl:NAME, x509:DN, uid:N. */
static void read_caller(json_object *json, Recorded *ret)
{
    json_object *who = NULL;

    if (json_object_object_get_ex(json, "who", &who)) {
        ret->unix_user = text_of(who, "user");
        ret->sasl = text_of(who, "sasl");
        ret->x509 = text_of(who, "x509");
        ret->selinux = text_of(who, "selinux");
        return;
    }
    if (strcmp(ret->user, "-") != 0 && !strchr(ret->user, ':'))
        ret->unix_user = ret->user;
    ret->sasl = labelled(ret->user, "sasl:");
    ret->x509 = labelled(ret->user, "x509:");
}

static bool read_kind(json_object *json, Recorded *ret)
{
    const char *event = text_of(json, "event");
    json_object *count = NULL;

    ret->count = 1;
    if (!event)
        return false;
    if (strcmp(event, "repeat") == 0) {
        if (!json_object_object_get_ex(json, "count", &count) || json_object_get_int64(count) < 1)
            return false;
        ret->count = json_object_get_int64(count);
        return true;
    }
    ret->is_outcome = strcmp(event, "outcome") == 0;
    return ret->is_outcome || strcmp(event, "decision") == 0;
}

bool recorded_read(json_object *json, Recorded *ret)
{
    const char *channel = text_of(json, "channel");
    const char *name = text_of(json, "verdict");
    int verdict = name ? verdict_from_name(name) : -1;

    *ret = (Recorded){.json = json};
    if (!read_kind(json, ret))
        return false;
    ret->domain = text_of(json, "domain");
    ret->user = text_of(json, "user");
    ret->name = text_of(json, "command");
    ret->rule = text_of(json, "rule");
    if (!ret->domain || !ret->user || !ret->name || !channel || channel_from_name(channel) < 0)
        return false;
    if (verdict < 0 && !ret->is_outcome)
        return false;
    ret->is_granted = verdict == VERDICT_GRANT;
    ret->verdict = verdict < 0 || ret->is_granted ? VERDICT_DENY : (Verdict)verdict;
    ret->rule = ret->rule ? ret->rule : "";
    read_caller(json, ret);
    ret->channel = (Channel)channel_from_name(channel);
    if (ret->channel != CHANNEL_AGENT && strcmp(ret->name, HMP_WRAPPER) == 0) {
        ret->channel = CHANNEL_HMP;
        ret->name = text_of(json, "hmp");
    }
    return true;
}

json_object *recorded_list(const Recorded *recorded, const char *member)
{
    json_object *list = NULL;

    if (!json_object_object_get_ex(recorded->json, member, &list) ||
        !json_object_is_type(list, json_type_array))
        return NULL;
    return list;
}

const char *recorded_text(const Recorded *recorded, const char *member)
{
    return text_of(recorded->json, member);
}

const char *recorded_decider(const Recorded *recorded)
{
    const char *part = text_of(recorded->json, "part");

    return part ? part : recorded->name;
}

GroupSet recorded_groups(const Recorded *recorded)
{
    json_object *names = recorded_list(recorded, "groups");
    GroupSet groups = 0;

    for (size_t i = 0; names && i < json_object_array_length(names); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(names, i));
        const GroupInfo *group = name ? group_find(name) : NULL;

        groups |= group ? group->set : 0;
    }
    return groups;
}

int recorded_class(const Recorded *recorded)
{
    const char *name = text_of(recorded->json, "class");

    for (int class = 0; name && class < CLASS_COUNT; class ++) {
        if (strcmp(class_name((CommandClass) class), name) == 0)
            return class;
    }
    return -1;
}

char *recorded_decode(const char *text)
{
    char *plain = malloc(strlen(text) + 1);
    char *out = plain;

    if (!plain)
        return NULL;
    while (*text) {
        unsigned byte;

        if (text[0] == '\\' && text[1] == 'x' && isxdigit((unsigned char)text[2]) &&
            isxdigit((unsigned char)text[3]) && sscanf(text + 2, "%2x", &byte) == 1 && byte) {
            *out++ = (char)byte;
            text += 4;
        } else {
            *out++ = *text++;
        }
    }
    *out = '\0';
    return plain;
}

char *recorded_shown(const char *text)
{
    CLEANUP(mem) char *plain = NULL;

    for (const char *at = text; *at; at++) {
        if ((unsigned char)*at < 0x20 || (unsigned char)*at > 0x7e) {
            plain = recorded_decode(text);
            return plain ? printable(plain, "") : NULL;
        }
    }
    return strdup(text);
}

/* As it is called, or as records write it. */
static bool is_wanted(const char *recorded, const char *wanted)
{
    CLEANUP(mem) char *plain = NULL;

    if (!wanted || strcmp(recorded, wanted) == 0)
        return true;
    plain = recorded_decode(recorded);
    return plain && strcmp(plain, wanted) == 0;
}

/* @data counts them. */
static void complain_of_line(void *data, const char *source, uint64_t line_number, const char *why)
{
    uint64_t *count = data;

    if ((*count)++ < UNREADABLE_NAMED)
        complain("%s:%" PRIu64 ": %s", source, line_number, why);
}

/* As audit --vm does: a UUID means no name. */
static bool is_domain(const Recorded *recorded, const char *wanted)
{
    const char *uuid = text_of(recorded->json, "uuid");
    char wanted_uuid[UUID_TEXT_SIZE];

    if (wanted && audit_filter_read_uuid(wanted, wanted_uuid))
        return uuid && strcmp(uuid, wanted_uuid) == 0;
    return is_wanted(recorded->domain, wanted);
}

static bool is_asked(const RecordedQuery *query, const Recorded *recorded)
{
    return (query->wants_outcomes || !recorded->is_outcome) && is_domain(recorded, query->domain) &&
           is_wanted(recorded->user, query->user);
}

int recorded_each(const RecordedQuery *query, RecordedVisitor visit, void *data,
                  uint64_t *ret_unreadable)
{
    uint64_t unreadable = 0;
    AuditSource source = {.files = (const char *const *)query->files,
                          .n_files = query->n_files,
                          .complain = complain_of_line,
                          .data = &unreadable};
    AuditReader *reader = audit_reader_open(&source);
    AuditEntry entry;
    int result = reader ? 1 : -1;

    while (result == 1) {
        Recorded recorded;

        result = audit_reader_next(reader, &entry);
        if (result == 1 && recorded_read(entry.json, &recorded) && is_asked(query, &recorded) &&
            visit(data, &recorded) != 0)
            result = -1;
    }
    *ret_unreadable = unreadable;
    audit_reader_close(reader);
    return result;
}
