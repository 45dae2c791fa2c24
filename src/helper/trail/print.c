/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "print.h"

#include "json_add.h"
#include "table_lines.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WHAT_SIZE 512

/* Digits of a policy's digest that are shown: enough to tell one from another. */
#define DIGEST_SHOWN 12

static TableLines records = {
    .columns = {{"time", 19},
                {"vm", 10},
                {"user", 8},
                {"channel", 7},
                {"command", 24},
                {"class", 11},
                {"verdict", 7},
                {"rule", 0}},
    .n_columns = 8,
};

const char *print_time(struct timespec when, char buffer[PRINT_TIME_SIZE])
{
    struct tm local;

    if (when.tv_sec == 0 || !localtime_r(&when.tv_sec, &local) ||
        strftime(buffer, PRINT_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &local) == 0)
        return "-";
    return buffer;
}

/* `query-status x12` of a repeat, `lost 7`; in @buffer or borrowed. */
static const char *with_count(const AuditRow *row, const char *what, char *buffer, size_t size)
{
    if (row->fields[ROW_COUNT])
        snprintf(buffer, size, "%s x%" PRIu64, what, audit_row_weight(row));
    else if (row->fields[ROW_RECORDS])
        snprintf(buffer, size, "%s %" PRIu64, what, audit_row_weight(row));
    else
        return what;
    return buffer;
}

/* Of a policy's record the policy that it was and is. */
static const char *policy_of(const AuditRow *row, char *buffer, size_t size)
{
    const char *now = row->fields[ROW_POLICY];
    const char *was = row->fields[ROW_WAS];

    if (!now)
        return NULL;
    if (was)
        snprintf(buffer, size, "was %.*s, now %.*s", DIGEST_SHOWN, was, DIGEST_SHOWN, now);
    else
        snprintf(buffer, size, "%.*s", DIGEST_SHOWN, now);
    return buffer;
}

/* The rule, and the grants by which it passed or did not; in @buffer or borrowed. */
static const char *rule_and_grant(const AuditRow *row, char *buffer, size_t size)
{
    const char *const *fields = row->fields;

    if (!fields[ROW_GRANT])
        return fields[ROW_RULE];
    snprintf(buffer, size, "%s, grant %s%s%s", fields[ROW_RULE] ? fields[ROW_RULE] : "-",
             fields[ROW_GRANT], fields[ROW_OBSTACLE] ? " is " : "",
             fields[ROW_OBSTACLE] ? fields[ROW_OBSTACLE] : "");
    return buffer;
}

/* What stands in the last column; in @buffer or borrowed. */
static const char *because(const AuditRow *row, char *buffer, size_t size)
{
    const char *const *fields = row->fields;

    if (audit_row_is_event(row, "policy"))
        return policy_of(row, buffer, size);
    if (!audit_row_is_event(row, "grant"))
        return rule_and_grant(row, buffer, size);
    snprintf(buffer, size, "grant %s for %s", fields[ROW_GRANT] ? fields[ROW_GRANT] : "-",
             fields[ROW_FOR] ? fields[ROW_FOR] : "-");
    return buffer;
}

static int print_row(void *data, const AuditRow *row)
{
    char time_text[PRINT_TIME_SIZE];
    char what[WHAT_SIZE];
    char counted[WHAT_SIZE + 32];
    char reason[WHAT_SIZE];
    const char *const *fields = row->fields;
    const char *verdict = fields[ROW_VERDICT] ? fields[ROW_VERDICT] : fields[ROW_RESULT];
    const char *const cells[] = {
        print_time(row->when, time_text),
        fields[ROW_DOMAIN],
        fields[ROW_USER],
        fields[ROW_CHANNEL],
        with_count(row, audit_row_what(row, what, sizeof(what)), counted, sizeof(counted)),
        fields[ROW_CLASS],
        verdict,
        because(row, reason, sizeof(reason)),
    };

    table_lines_print(&records, cells);
    return 0;
}

static bool is_printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] > 0x7e)
            return false;
    }
    return true;
}

static void print_escaped(uint32_t character)
{
    if (character >= 0x10000) {
        print_escaped(0xd800 + ((character - 0x10000) >> 10));
        print_escaped(0xdc00 + ((character - 0x10000) & 0x3ff));
        return;
    }
    printf("\\u%04x", (unsigned)character);
}

/* What json-c wrote: outside its texts it is ASCII. */
static void print_json_text(const char *text)
{
    size_t length = strlen(text);

    if (is_printable(text, length)) {
        puts(text);
        return;
    }
    for (size_t at = 0; at < length;) {
        uint32_t character = 0;
        size_t size = utf8_read(text + at, length - at, &character);

        if (character >= 0x20 && character <= 0x7e)
            putchar((int)character);
        else
            print_escaped(size ? character : 0xfffd);
        at += size ? size : 1;
    }
    putchar('\n');
}

/* 0, or -1 when out of memory. */
static int print_json(json_object *json)
{
    const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
                                                                JSON_C_TO_STRING_NOSLASHESCAPE);

    if (!text || !json_is_whole(json))
        return -1;
    print_json_text(text);
    return 0;
}

static int print_line(void *data, const AuditRow *row)
{
    const AuditEntry *entry = row->entry;

    /* One that was not parsed is known to be printable. */
    if (entry->is_converted || !is_printable(entry->line, entry->length)) {
        return print_json(entry->json);
    }
    fwrite(entry->line, 1, entry->length, stdout);
    putchar('\n');
    return 0;
}

static int finish(void *data)
{
    return 0;
}

AuditView print_view(bool as_json)
{
    AuditView view = {as_json ? print_line : print_row, finish, NULL};

    return view;
}
