/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "filter.h"

#include "grant/grant.h"
#include "json_line.h"
#include "policy/policy.h"
#include "scan.h"
#include "util/choice.h"
#include "util/cleanup.h"
#include "util/glob.h"
#include "util/nearest.h"
#include "util/printable.h"
#include "when.h"

#include <ctype.h>
#include <string.h>

/* Of one glob against one name; both are short. */
#define GLOB_STEPS ((size_t)1000000)

#define WHAT_SIZE 512

/* The kinds of records, and which are left out by themselves. */
static const struct EventRow {
    const char *name;
    bool is_hidden;
} events[] = {
    {"decision", false}, {"outcome", true}, {"repeat", false},   {"start", false},
    {"grant", false},    {"policy", true},  {"identity", false}, {"lost", true},
};

#define EVENT_COUNT (sizeof(events) / sizeof(events[0]))

static int add_wanted(AuditFilter *filter, RowField field, const char *text, Reason *why)
{
    CLEANUP(mem) char *encoded = printable(text, "");
    CLEANUP(json) json_object *string = encoded ? json_object_new_string(encoded) : NULL;
    const char *quoted = json_object_to_json_string_ext(string, JSON_C_TO_STRING_PLAIN |
                                                                    JSON_C_TO_STRING_NOSLASHESCAPE);
    Wanted *wanted = &filter->wanted[filter->n_wanted];

    for (size_t i = 0; i < filter->n_wanted; i++) {
        if (filter->wanted[i].field == field)
            return reason_set(why, "'%s' and '%s': give one of them", filter->wanted[i].text,
                              encoded ? encoded : "");
    }
    *wanted = (Wanted){.field = field, .quoted = string ? strdup(quoted) : NULL};
    wanted->text = steal_pointer(&encoded);
    filter->n_wanted++;
    if (!wanted->quoted)
        return reason_set(why, "out of memory");
    wanted->quoted_length = strlen(wanted->quoted);
    return 0;
}

bool audit_filter_read_uuid(const char *text, char ret[UUID_TEXT_SIZE])
{
    if (strlen(text) != UUID_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++) {
        bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_hyphen ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
        ret[i] = (char)tolower((unsigned char)text[i]);
    }
    ret[UUID_TEXT_SIZE - 1] = '\0';
    return true;
}

int audit_filter_vm(AuditFilter *filter, const char *text, Reason *why)
{
    char uuid[UUID_TEXT_SIZE];

    if (audit_filter_read_uuid(text, uuid))
        return add_wanted(filter, ROW_UUID, uuid, why);
    return add_wanted(filter, ROW_DOMAIN, text, why);
}

int audit_filter_user(AuditFilter *filter, const char *text, Reason *why)
{
    return add_wanted(filter, ROW_USER, text, why);
}

int audit_filter_command(AuditFilter *filter, const char *text, Reason *why)
{
    if (filter->command)
        return reason_set(why, "'%s' and '%s': give one of them", filter->command, text);
    filter->command = printable(text, "");
    return filter->command ? 0 : reason_set(why, "out of memory");
}

/* One of a few words. */
static int add_word(AuditFilter *filter, RowField field, const char *text, const char *const *words,
                    size_t count, Reason *why)
{
    Nearest nearest = nearest_to(text);
    char told[CHOICE_SIZE];
    char hint[80];

    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], text) == 0)
            return add_wanted(filter, field, text, why);
        nearest_try(&nearest, words[i]);
    }
    return reason_set(why, "there is no %s '%s': it is %s%s%s", audit_row_member(field), text,
                      choice_tell(words, count, told),
                      field == ROW_VERDICT ? " (blocked is deny)" : "",
                      nearest_hint(&nearest, hint, sizeof(hint)));
}

int audit_filter_class(AuditFilter *filter, const char *text, Reason *why)
{
    const char *words[CLASS_COUNT];

    for (int i = 0; i < CLASS_COUNT; i++)
        words[i] = class_name((CommandClass)i);
    return add_word(filter, ROW_CLASS, text, words, CLASS_COUNT, why);
}

int audit_filter_verdict(AuditFilter *filter, const char *text, Reason *why)
{
    const char *words[VERDICT_COUNT];

    for (int i = 0; i < VERDICT_COUNT; i++)
        words[VERDICT_COUNT - 1 - i] = verdict_name((Verdict)i);
    if (strcmp(text, "blocked") == 0)
        text = verdict_name(VERDICT_DENY);
    return add_word(filter, ROW_VERDICT, text, words, VERDICT_COUNT, why);
}

int audit_filter_channel(AuditFilter *filter, const char *text, Reason *why)
{
    const char *words[CHANNEL_COUNT];

    for (int i = 0; i < CHANNEL_COUNT; i++)
        words[i] = channel_name((Channel)i);
    return add_word(filter, ROW_CHANNEL, text, words, CHANNEL_COUNT, why);
}

int audit_filter_event(AuditFilter *filter, const char *text, Reason *why)
{
    const char *words[EVENT_COUNT];

    for (size_t i = 0; i < EVENT_COUNT; i++)
        words[i] = events[i].name;
    filter->has_event = true;
    return add_word(filter, ROW_EVENT, text, words, EVENT_COUNT, why);
}

int audit_filter_grant(AuditFilter *filter, const char *text, Reason *why)
{
    size_t length = strlen(text);

    if (filter->grant)
        return reason_set(why, "'%s' and '%s': give one of them", filter->grant, text);
    if (length != GRANT_ID_SIZE - 1 || strspn(text, "0123456789abcdef") != length)
        return reason_set(why, "'%s' is no grant: its id is %d of the digits 0 to 9 and a to f",
                          text, GRANT_ID_SIZE - 1);
    filter->grant = strdup(text);
    return filter->grant ? 0 : reason_set(why, "out of memory");
}

static int read_time(const char *text, struct timespec *ret, char ret_text[40], Reason *why)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (when_parse(text, now, ret, why) < 0)
        return -1;
    when_write(*ret, ret_text);
    return 0;
}

int audit_filter_since(AuditFilter *filter, const char *text, Reason *why)
{
    return read_time(text, &filter->since, filter->since_text, why);
}

int audit_filter_until(AuditFilter *filter, const char *text, Reason *why)
{
    return read_time(text, &filter->until, filter->until_text, why);
}

static bool is_shown(const AuditFilter *filter, const char *event)
{
    if (filter->has_event || (filter->outcomes && strcmp(event, "outcome") == 0))
        return true;
    for (size_t i = 0; i < EVENT_COUNT; i++) {
        if (strcmp(events[i].name, event) == 0)
            return !events[i].is_hidden;
    }
    return false;
}

/* The times of the trail are all of one form, and so sort as texts. */
static bool may_be_then(const AuditFilter *filter, const char *line)
{
    const char *time = json_line_time(line);

    return (!*filter->since_text || memcmp(time, filter->since_text, JSON_LINE_TIME_LENGTH) >= 0) &&
           (!*filter->until_text || memcmp(time, filter->until_text, JSON_LINE_TIME_LENGTH) <= 0);
}

static bool has_trail_time(const char *line)
{
    static const char form[] = "0000-00-00T00:00:00.000000Z";
    const char *time = json_line_time(line);

    for (size_t i = 0; i < JSON_LINE_TIME_LENGTH; i++) {
        bool is_digit = time[i] >= '0' && time[i] <= '9';

        if (form[i] == '0' ? !is_digit : time[i] != form[i])
            return false;
    }
    return true;
}

/* One that the guard does not write, so that a text may be written otherwise. */
static bool has_escape(const char *line, size_t length)
{
    const char *end = line + length;
    const char *at = line;

    while ((at = memchr(at, '\\', (size_t)(end - at)))) {
        if (end - at < 2 || (at[1] != '\\' && at[1] != '"'))
            return true;
        at += 2;
    }
    return false;
}

bool audit_filter_may_match(const AuditFilter *filter, const char *line, size_t length)
{
    const char *event = json_line_event(line);
    size_t left = filter->n_wanted;
    ScanMember member;
    Scan scan;

    if (!json_line_is_trail(line, length) || !has_trail_time(line) || has_escape(line, length) ||
        scan_may_have_twice(line, length))
        return true;
    /* Its user has to be put together first. */
    if (memcmp(event, "identity\"", 9) == 0)
        return true;
    if (!filter->outcomes && !filter->has_event && memcmp(event, "outcome\"", 8) == 0)
        return false;
    if (!may_be_then(filter, line))
        return false;
    /* They are counted, whatever else is wanted. */
    if (memcmp(event, "lost\"", 5) == 0)
        return true;
    if (filter->grant && !memmem(line, length, filter->grant, GRANT_ID_SIZE - 1))
        return false;
    scan = scan_start(line, length);
    while (left > 0 && scan_next(&scan, &member)) {
        for (size_t i = 0; i < filter->n_wanted; i++) {
            const Wanted *wanted = &filter->wanted[i];

            if (!scan_is_named(&member, audit_row_member(wanted->field)))
                continue;
            if (member.value_length != wanted->quoted_length ||
                memcmp(member.value, wanted->quoted, wanted->quoted_length) != 0)
                return false;
            left--;
        }
    }
    return left == 0 || scan.failed;
}

static bool is_before(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

bool audit_filter_is_then(const AuditFilter *filter, const AuditRow *row)
{
    if (!*filter->since_text && !*filter->until_text)
        return true;
    if (row->when.tv_sec == 0)
        return row->fields[ROW_EVENT] && strcmp(row->fields[ROW_EVENT], "lost") == 0;
    return (!*filter->since_text || !is_before(row->when, filter->since)) &&
           (!*filter->until_text || !is_before(filter->until, row->when));
}

static bool matches_glob(const char *pattern, const char *text)
{
    size_t budget = GLOB_STEPS;

    return text && glob_match(pattern, text, &budget) == GLOB_YES;
}

/* A start has no command: it is found by what was found, and by what the table shows of it. */
static bool matches_command(const AuditFilter *filter, const AuditRow *row)
{
    char what[WHAT_SIZE];

    if (!filter->command || matches_glob(filter->command, row->fields[ROW_COMMAND]) ||
        matches_glob(filter->command, row->fields[ROW_HMP]))
        return true;
    return strcmp(row->fields[ROW_EVENT], "start") == 0 &&
           (matches_glob(filter->command, row->fields[ROW_FINDING]) ||
            matches_glob(filter->command, audit_row_what(row, what, sizeof(what))));
}

/* A decision may name several. */
static bool matches_grant(const AuditFilter *filter, const AuditRow *row)
{
    const char *ids = row->fields[ROW_GRANT];

    while (filter->grant && ids) {
        size_t length = strcspn(ids, " ");

        if (length == GRANT_ID_SIZE - 1 && memcmp(ids, filter->grant, length) == 0)
            return true;
        ids = ids[length] ? ids + length + 1 : NULL;
    }
    return !filter->grant;
}

bool audit_filter_matches(const AuditFilter *filter, const AuditRow *row)
{
    const char *event = row->fields[ROW_EVENT];

    if (!event || !is_shown(filter, event) || !audit_filter_is_then(filter, row))
        return false;
    for (size_t i = 0; i < filter->n_wanted; i++) {
        const char *text = row->fields[filter->wanted[i].field];

        if (!text || strcmp(text, filter->wanted[i].text) != 0)
            return false;
    }
    return matches_grant(filter, row) && matches_command(filter, row);
}

void audit_filter_clear(AuditFilter *filter)
{
    for (size_t i = 0; i < filter->n_wanted; i++) {
        free(filter->wanted[i].text);
        free(filter->wanted[i].quoted);
    }
    free(filter->command);
    free(filter->grant);
    *filter = (AuditFilter){0};
}
