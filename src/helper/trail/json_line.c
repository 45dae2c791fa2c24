/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json_line.h"

#include "json_add.h"
#include "policy/policy.h"
#include "row.h"
#include "text_line.h"
#include "util/cleanup.h"
#include "util/digest.h"
#include "util/json_text.h"
#include "util/utf8.h"
#include "when.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#define TRAIL_START "{\"time\":\""
#define TRAIL_EVENT "\",\"event\":\""
#define TRAIL_CHAIN ",\"chain\":\""

/* From the comma in front of the chain to the closing brace. */
#define CHAIN_LENGTH (sizeof(TRAIL_CHAIN) - 1 + DIGEST_TEXT_SIZE - 1 + 2)

bool json_line_is_trail(const char *line, size_t length)
{
    static const size_t start = sizeof(TRAIL_START) - 1;
    const char *event = line + start + JSON_LINE_TIME_LENGTH;

    return length > start + JSON_LINE_TIME_LENGTH + sizeof(TRAIL_EVENT) + CHAIN_LENGTH &&
           memcmp(line, TRAIL_START, start) == 0 &&
           memcmp(event, TRAIL_EVENT, sizeof(TRAIL_EVENT) - 1) == 0 &&
           memcmp(line + length - CHAIN_LENGTH, TRAIL_CHAIN, sizeof(TRAIL_CHAIN) - 1) == 0 &&
           memcmp(line + length - 2, "\"}", 2) == 0;
}

static const char *text_member(json_object *object, const char *name)
{
    json_object *value = json_object_object_get(object, name);

    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* `__REALTIME_TIMESTAMP`: microseconds. Source: systemd.journal-fields(7). */
static void read_journal_time(json_object *entry, struct timespec *ret)
{
    const char *text = text_member(entry, "__REALTIME_TIMESTAMP");
    long long microseconds = text ? strtoll(text, NULL, 10) : 0;

    *ret = (struct timespec){0};
    if (microseconds > 0) {
        ret->tv_sec = (time_t)(microseconds / 1000000);
        ret->tv_nsec = (long)(microseconds % 1000000) * 1000;
    }
}

/* The message; journalctl writes one that is not plain text as an array of its bytes. */
static char *read_message(json_object *entry)
{
    json_object *message = json_object_object_get(entry, "MESSAGE");
    size_t count;
    char *bytes;

    if (json_object_is_type(message, json_type_string))
        return strdup(json_object_get_string(message));
    if (!json_object_is_type(message, json_type_array))
        return NULL;
    count = json_object_array_length(message);
    bytes = calloc(1, count + 1);
    for (size_t i = 0; bytes && i < count; i++)
        bytes[i] = (char)json_object_get_int(json_object_array_get_idx(message, i));
    return bytes;
}

/*
 * libvirt's name for the part of it, or of us, that says this. An error of its own may be a
 * client's words, or those of a daemon that a client made it connect to, from their first letter.
 */
static bool is_libvirts_own(json_object *entry)
{
    const char *source = text_member(entry, "LIBVIRT_SOURCE");

    return json_object_object_get_ex(entry, "LIBVIRT_SOURCE", NULL) &&
           (!source || strcmp(source, "qmpguard") != 0);
}

/*
 * journald notes _UID itself: anybody may send it a message that looks like ours. Who it was
 * among root's programs is what they say.
 */
static bool is_foreign(json_object *entry)
{
    const char *uid = text_member(entry, "_UID");
    const char *program = text_member(entry, "SYSLOG_IDENTIFIER");

    if (is_libvirts_own(entry))
        return true;
    if (json_object_object_get_ex(entry, "_UID", NULL) && (!uid || strcmp(uid, "0") != 0))
        return true;
    if (!json_object_object_get_ex(entry, "SYSLOG_IDENTIFIER", NULL))
        return false;
    return !program || !text_tag_is_ours(program);
}

/* What the plugin gave the journal beside the line is exact. */
static void take_fields(json_object *record, json_object *entry)
{
    const char *verdict = text_member(entry, "QMPGUARD_VERDICT");
    const char *event = text_member(record, "event");

    if (verdict && verdict_from_name(verdict) >= 0 && event && strcmp(event, "decision") == 0)
        json_add_text(record, "verdict", verdict);
}

static json_object *read_journal(json_object *entry, struct timespec *ret_when, const char **why)
{
    CLEANUP(mem) char *message = read_message(entry);
    const char *priority = text_member(entry, "PRIORITY");
    json_object *record;
    struct timespec unused;
    TextPrefix prefix;

    if (is_foreign(entry))
        return NULL;
    if (!message) {
        if (text_member(entry, "QMPGUARD_VERDICT"))
            *why = "its MESSAGE was left out: run journalctl with --all";
        return NULL;
    }
    text_prefix_read(message, strlen(message), &prefix);
    record = text_record_read(message + prefix.length, strlen(message) - prefix.length,
                              prefix.is_warning || (priority && strcmp(priority, "4") == 0),
                              &unused, why);
    read_journal_time(entry, ret_when);
    if (record && !text_member(entry, "_UID")) {
        *why = "its _UID was left out, so that anybody may have written it";
        json_object_put(record);
        return NULL;
    }
    if (record) {
        take_fields(record, entry);
        text_record_set_time(record, *ret_when);
    }
    return record;
}

static bool has_bad_count(json_object *record, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(record, name, &value) &&
           (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 1 ||
            json_object_get_int64(value) > JSON_LINE_COUNT_MAX);
}

static bool has_bad_text(json_object *record, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(record, name, &value) &&
           !json_object_is_type(value, json_type_string);
}

/* Returns NULL, or why @record is none of the trail. */
static const char *find_fault(json_object *record)
{
    if (!text_member(record, "event"))
        return "a record without an event";
    if (has_bad_text(record, "time"))
        return JSON_LINE_BAD_TEXT;
    for (RowField field = 0; field < ROW_FIELD_COUNT; field++) {
        if (audit_row_is_text(field) && field != ROW_OBSTACLE &&
            has_bad_text(record, audit_row_member(field)))
            return JSON_LINE_BAD_TEXT;
    }
    return has_bad_count(record, "count") || has_bad_count(record, "records") ? JSON_LINE_BAD_COUNT
                                                                              : NULL;
}

/* Members of all objects in a line that was parsed: each has a colon outside of the texts. */
static size_t count_written(const char *line, size_t length)
{
    size_t count = 0;
    bool in_text = false;

    for (size_t i = 0; i < length; i++) {
        if (in_text && line[i] == '\\')
            i++;
        else if (line[i] == '"')
            in_text = !in_text;
        else if (!in_text && line[i] == ':')
            count++;
    }
    return count;
}

/* ... and those that json-c kept. The depth is the tokener's. */
static size_t count_kept(json_object *json)
{
    size_t count = 0;

    if (json_object_is_type(json, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(json); i++)
            count += count_kept(json_object_array_get_idx(json, i));
    } else if (json_object_is_type(json, json_type_object)) {
        struct json_object_iterator at = json_object_iter_begin(json);
        struct json_object_iterator end = json_object_iter_end(json);

        for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
            count += 1 + count_kept(json_object_iter_peek_value(&at));
    }
    return count;
}

/*
 * The same line in ASCII, for which the caller frees: json-c 0.18 takes no other letter when it is
 * strict. NULL when the line is no UTF-8.
 */
static char *in_ascii(const char *line, size_t length, size_t *ret_length)
{
    MemoryText text;
    size_t size = 1;

    if (!memory_text_open(&text))
        return NULL;
    for (size_t at = 0; at < length && size > 0; at += size) {
        uint32_t character;

        if ((unsigned char)line[at] < 0x80) {
            memory_text_add(&text, line + at, size = 1);
        } else {
            size = utf8_read(line + at, length - at, &character);
            if (size > 0)
                json_text_add_escaped(&text, character);
        }
    }
    *ret_length = text.length;
    if (size > 0)
        return memory_text_close(&text);
    free(memory_text_close(&text));
    return NULL;
}

static bool is_ascii(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)line[i] >= 0x80)
            return false;
    }
    return true;
}

static json_object *parse(json_tokener *tokener, const char *line, size_t length, const char **why)
{
    CLEANUP(mem) char *ascii = NULL;
    json_object *object = NULL;
    enum json_tokener_error error;

    if (!is_ascii(line, length)) {
        line = ascii = in_ascii(line, length, &length);
        if (!ascii) {
            *why = "bytes that are not UTF-8";
            return NULL;
        }
    }
    json_tokener_reset(tokener);
    if (length <= INT_MAX)
        object = json_tokener_parse_ex(tokener, line, (int)length);
    error = json_tokener_get_error(tokener);
    if (error == json_tokener_success && json_tokener_get_parse_end(tokener) == length &&
        json_object_is_type(object, json_type_object)) {
        if (count_kept(object) == count_written(line, length))
            return object;
        *why = "a member that is there twice";
        json_object_put(object);
        return NULL;
    }
    json_object_put(object);
    if (error == json_tokener_continue)
        *why = "a JSON object without its end: it is torn";
    else
        *why = "not a JSON object";
    return NULL;
}

json_object *json_line_read(json_tokener *tokener, const char *line, size_t length,
                            bool *ret_is_journal, struct timespec *ret_when, const char **why)
{
    CLEANUP(json) json_object *object = parse(tokener, line, length, why);
    const char *text;

    *ret_when = (struct timespec){0};
    if (!object)
        return NULL;
    *why = NULL;
    *ret_is_journal = json_object_object_get(object, "__REALTIME_TIMESTAMP") ||
                      json_object_object_get(object, "MESSAGE");
    if (*ret_is_journal)
        return read_journal(object, ret_when, why);
    *why = find_fault(object);
    if (*why)
        return NULL;
    text = text_member(object, "time");
    if (text && when_read(text, strlen(text), WHEN_UTC, ret_when) != strlen(text)) {
        *why = "its time is no time";
        return NULL;
    }
    return steal_pointer(&object);
}
