/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "row.h"

#include "json_line.h"
#include "scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const members[ROW_FIELD_COUNT] = {
    [ROW_EVENT] = "event",   [ROW_DOMAIN] = "domain",       [ROW_UUID] = "uuid",
    [ROW_USER] = "user",     [ROW_CHANNEL] = "channel",     [ROW_COMMAND] = "command",
    [ROW_HMP] = "hmp",       [ROW_CLASS] = "class",         [ROW_VERDICT] = "verdict",
    [ROW_RULE] = "rule",     [ROW_OPERATION] = "operation", [ROW_FINDING] = "finding",
    [ROW_RESULT] = "result", [ROW_COUNT] = "count",         [ROW_FIRST] = "first",
    [ROW_LAST] = "last",     [ROW_RECORDS] = "records",     [ROW_POLICY] = "policy",
    [ROW_WAS] = "was",       [ROW_CLAIMED] = "claimed",     [ROW_STEP] = "step",
    [ROW_FOR] = "for",       [ROW_GRANT] = "grant",         [ROW_OBSTACLE] = "refused-grant",
};

const char *audit_row_member(RowField field)
{
    return members[field];
}

bool audit_row_is_text(RowField field)
{
    return field != ROW_COUNT && field != ROW_RECORDS;
}

bool audit_row_is_event(const AuditRow *row, const char *event)
{
    return row->fields[ROW_EVENT] && strcmp(row->fields[ROW_EVENT], event) == 0;
}

/* A copy without the quotes and what stands for them inside. NULL: there is no room. */
static const char *unquoted(AuditRow *row, const ScanMember *member)
{
    char *copy = row->storage + row->used;
    bool is_text = *member->value == '"';
    const char *from = member->value + is_text;
    const char *end = member->value + member->value_length - is_text;
    size_t length = 0;

    if (member->value_length + 1 > sizeof(row->storage) - row->used)
        return NULL;
    if (!memchr(from, '\\', (size_t)(end - from))) {
        length = (size_t)(end - from);
        memcpy(copy, from, length);
    } else {
        for (; from < end; from++) {
            from += *from == '\\' && from + 1 < end;
            copy[length++] = *from;
        }
    }
    copy[length] = '\0';
    row->used += length + 1;
    return copy;
}

static const char no_room[] = "members of more than 256 KiB";

/* Puts the member where it belongs. Returns NULL, or why it cannot be read. */
static const char *take_member(AuditRow *row, const ScanMember *member)
{
    static size_t lengths[ROW_FIELD_COUNT];

    for (size_t i = 0; i < ROW_FIELD_COUNT; i++) {
        if (lengths[i] == 0)
            lengths[i] = strlen(members[i]);
        if (member->name_length != lengths[i] || memcmp(member->name, members[i], lengths[i]) != 0)
            continue;
        if (audit_row_is_text((RowField)i) && *member->value != '"')
            return JSON_LINE_BAD_TEXT;
        row->fields[i] = unquoted(row, member);
        return row->fields[i] ? NULL : no_room;
    }
    return NULL;
}

/* Only a refused claim has no user but in `who`. */
static int set_claim(AuditRow *row, const char *uid, size_t length)
{
    ScanMember member = {NULL, 0, row->storage + row->used, length + 4};

    if (length + 16 > sizeof(row->storage) - row->used)
        return -1;
    memcpy(row->storage + row->used, "uid:", 4);
    memcpy(row->storage + row->used + 4, uid, length);
    row->fields[ROW_USER] = unquoted(row, &member);
    return 0;
}

static bool is_integer(const ScanMember *member)
{
    size_t sign = member->value_length > 0 && *member->value == '-' ? 1 : 0;

    for (size_t i = sign; i < member->value_length; i++) {
        if (member->value[i] < '0' || member->value[i] > '9')
            return false;
    }
    return member->value_length > sign;
}

static bool is_bad_count(const ScanMember *member)
{
    int64_t count;

    if (!scan_is_named(member, "count") && !scan_is_named(member, "records"))
        return false;
    if (!is_integer(member) || member->value_length > 16)
        return true;
    count = strtoll(member->value, NULL, 10); /* a comma or a brace ends it */
    return count < 1 || count > JSON_LINE_COUNT_MAX;
}

static int read_claim(AuditRow *row, const ScanMember *who)
{
    Scan scan = scan_start(who->value, who->value_length);
    ScanMember member;

    while (scan_next(&scan, &member)) {
        if (scan_is_named(&member, "claimed") && *member.value == '"' && take_member(row, &member))
            return -1;
        if (scan_is_named(&member, "uid") && !row->fields[ROW_USER] && is_integer(&member) &&
            set_claim(row, member.value, member.value_length) < 0)
            return -1;
    }
    return 0;
}

/* The grant that did not count: {"grant": ID, "reason": WHY}. */
static int read_refused(AuditRow *row, const ScanMember *refused)
{
    Scan scan = scan_start(refused->value, refused->value_length);
    ScanMember member;

    row->fields[ROW_OBSTACLE] = NULL;
    while (scan_next(&scan, &member)) {
        if (scan_is_named(&member, "grant") && take_member(row, &member))
            return -1;
        if (!scan_is_named(&member, "reason"))
            continue;
        row->fields[ROW_OBSTACLE] = unquoted(row, &member);
        if (!row->fields[ROW_OBSTACLE])
            return -1;
    }
    return 0;
}

static const char *text_of(json_object *object, const char *name)
{
    json_object *value = json_object_object_get(object, name);

    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* The grants that a decision rests on; a line that has such a list is always parsed. */
static int read_grants(AuditRow *row, json_object *json)
{
    json_object *grants = json_object_object_get(json, "grants");
    bool is_list = json_object_is_type(grants, json_type_array);
    size_t count = is_list ? json_object_array_length(grants) : 0;
    char *ids = row->storage + row->used;

    for (size_t i = 0; i < count; i++) {
        const char *id = text_of(json_object_array_get_idx(grants, i), "grant");
        size_t length = id ? strlen(id) : 0;

        if (length == 0)
            continue;
        if (length + 1 > sizeof(row->storage) - row->used)
            return -1;
        if (row->fields[ROW_GRANT])
            row->storage[row->used - 1] = ' ';
        row->fields[ROW_GRANT] = ids;
        memcpy(row->storage + row->used, id, length + 1);
        row->used += length + 1;
    }
    return 0;
}

static int read_decision(AuditRow *row, json_object *json)
{
    json_object *refused = json_object_object_get(json, "refused-grant");

    row->fields[ROW_OBSTACLE] = NULL;
    if (json_object_is_type(refused, json_type_object)) {
        row->fields[ROW_GRANT] = text_of(refused, "grant");
        row->fields[ROW_OBSTACLE] = text_of(refused, "reason");
        return 0;
    }
    row->fields[ROW_GRANT] = NULL;
    return read_grants(row, json);
}

/* Returns NULL, or why it cannot be read; so does read_json(). */
static const char *read_line(AuditRow *row)
{
    Scan scan = scan_start(row->entry->line, row->entry->length);
    ScanMember member;
    const char *why;

    while (scan_next(&scan, &member)) {
        if (is_bad_count(&member))
            return JSON_LINE_BAD_COUNT;
        if (scan_is_named(&member, "refused-grant") && *member.value == '{') {
            if (read_refused(row, &member) < 0)
                return no_room;
            continue;
        }
        why = take_member(row, &member);
        if (why)
            return why;
        if (scan_is_named(&member, "who") && audit_row_is_event(row, "identity") &&
            read_claim(row, &member) < 0)
            return no_room;
    }
    return scan.failed ? "members that cannot be told apart" : NULL;
}

static const char *read_json(AuditRow *row, json_object *json)
{
    json_object *who = json_object_object_get(json, "who");
    json_object *uid = json_object_object_get(who, "uid");
    json_object *claimed = json_object_object_get(who, "claimed");

    for (size_t i = 0; i < ROW_FIELD_COUNT; i++) {
        json_object *value = json_object_object_get(json, members[i]);

        if (json_object_is_type(value, json_type_string) ||
            json_object_is_type(value, json_type_int))
            row->fields[i] = json_object_get_string(value);
    }
    if (audit_row_is_event(row, "decision"))
        return read_decision(row, json) < 0 ? no_room : NULL;
    if (!audit_row_is_event(row, "identity"))
        return NULL;
    if (json_object_is_type(claimed, json_type_string))
        row->fields[ROW_CLAIMED] = json_object_get_string(claimed);
    if (!json_object_is_type(uid, json_type_int) || row->fields[ROW_USER])
        return NULL;
    if (set_claim(row, json_object_get_string(uid), strlen(json_object_get_string(uid))) < 0)
        return no_room;
    return NULL;
}

const char *audit_row_read(const AuditEntry *entry, AuditRow *ret)
{
    memset(ret->fields, 0, sizeof(ret->fields));
    ret->when = entry->when;
    ret->entry = entry;
    ret->used = 0;
    return entry->json ? read_json(ret, entry->json) : read_line(ret);
}

bool audit_row_is_command(const AuditRow *row)
{
    return audit_row_is_event(row, "decision") || audit_row_is_event(row, "repeat");
}

uint64_t audit_row_weight(const AuditRow *row)
{
    const char *number = NULL;

    if (audit_row_is_event(row, "repeat"))
        number = row->fields[ROW_COUNT];
    else if (audit_row_is_event(row, "lost"))
        number = row->fields[ROW_RECORDS];
    return number ? strtoull(number, NULL, 10) : 1;
}

const char *audit_row_what(const AuditRow *row, char *buffer, size_t size)
{
    static const RowField details[] = {ROW_FINDING, ROW_OPERATION, ROW_CLAIMED};
    const char *detail = NULL;

    for (size_t i = 0; !detail && i < sizeof(details) / sizeof(details[0]); i++)
        detail = row->fields[details[i]];

    if (audit_row_is_event(row, "grant")) {
        snprintf(buffer, size, "grant %s: %s", row->fields[ROW_STEP] ? row->fields[ROW_STEP] : "-",
                 row->fields[ROW_COMMAND] ? row->fields[ROW_COMMAND] : "-");
        return buffer;
    }
    if (row->fields[ROW_HMP]) {
        snprintf(buffer, size, "%s (hmp)", row->fields[ROW_HMP]);
        return buffer;
    }
    if (row->fields[ROW_COMMAND])
        return row->fields[ROW_COMMAND];
    if (!row->fields[ROW_EVENT])
        return "-";
    if (audit_row_is_event(row, "policy"))
        return row->fields[ROW_WAS] ? "policy changed" : "policy in force";
    snprintf(buffer, size, detail ? "%s: %s" : "%s", row->fields[ROW_EVENT], detail);
    return buffer;
}
