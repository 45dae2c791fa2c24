/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text_line.h"

#include "audit/audit.h"
#include "util/daemon_name.h"
#include "when.h"

#include <stdio.h>
#include <string.h>

#define TAG_MAX 32

static size_t count_digits(const char *text, size_t length)
{
    size_t count = 0;

    while (count < length && text[count] >= '0' && text[count] <= '9')
        count++;
    return count;
}

/* libvirt's `123: info : `. Returns its length, 0: it is none. */
static size_t read_level(const char *text, size_t length, bool *ret_is_warning)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    size_t at = count_digits(text, length);

    if (at == 0 || at > 20 || length - at < 2 || memcmp(text + at, ": ", 2) != 0)
        return 0;
    at += 2;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        size_t size = strlen(levels[i]);

        if (length - at < size + 3 || memcmp(text + at, levels[i], size) != 0 ||
            memcmp(text + at + size, " : ", 3) != 0)
            continue;
        *ret_is_warning = strcmp(levels[i], "warning") == 0;
        return at + size + 3;
    }
    return 0;
}

/* `Nov 21 12:34:56` as syslog writes it, local and without a year: the last one that was. */
static size_t read_syslog_time(const char *text, size_t length, struct timespec *ret)
{
    char copy[16];
    time_t now = time(NULL);
    struct tm today;
    struct tm date = {0};
    const char *end;

    if (length < 15 || text[3] != ' ' || text[6] != ' ')
        return 0;
    memcpy(copy, text, 15);
    copy[15] = '\0';
    end = strptime(copy, "%b %d %H:%M:%S", &date);
    if (!end || *end)
        return 0;
    localtime_r(&now, &today);
    date.tm_year = today.tm_year;
    date.tm_isdst = -1;
    ret->tv_sec = mktime(&date);
    if (ret->tv_sec > now + 24 * 3600L) {
        date.tm_year--;
        date.tm_isdst = -1;
        ret->tv_sec = mktime(&date);
    }
    return 15;
}

bool text_tag_is_ours(const char *tag)
{
    return strcmp(tag, SYSLOG_NAME) == 0 || (!strchr(tag, '/') && is_guarded_daemon_name(tag));
}

/* ` HOST TAG[123]: `. Returns its length, 0: it is none. */
static size_t read_tag(const char *text, size_t length, bool *ret_is_foreign)
{
    const char *end = memchr(text, ':', length);
    const char *host_end;
    const char *tag;
    size_t size;
    char copy[TAG_MAX];

    if (length < 2 || *text != ' ' || !end || end + 1 == text + length || end[1] != ' ')
        return 0;
    host_end = memchr(text + 1, ' ', (size_t)(end - text - 1));
    if (!host_end || host_end == text + 1)
        return 0;
    tag = host_end + 1;
    size = strcspn(tag, "[: ");
    if (size == 0 || tag + size > end)
        return 0;
    snprintf(copy, sizeof(copy), "%.*s", (int)(size < TAG_MAX ? size : TAG_MAX - 1), tag);
    *ret_is_foreign = !text_tag_is_ours(copy);
    return (size_t)(end + 2 - text);
}

void text_prefix_read(const char *line, size_t length, TextPrefix *ret)
{
    size_t time_length;
    size_t tag_length;
    size_t level_length;

    *ret = (TextPrefix){0};
    time_length = when_read(line, length, WHEN_LOCAL, &ret->when);
    ret->is_exact = time_length > 0;
    if (time_length == 0)
        time_length = read_syslog_time(line, length, &ret->when);
    if (time_length > 0) {
        tag_length = read_tag(line + time_length, length - time_length, &ret->is_foreign);
        if (length - time_length >= 2 && memcmp(line + time_length, ": ", 2) == 0)
            ret->length = time_length + 2;
        else if (tag_length > 0)
            ret->length = time_length + tag_length;
    }
    level_length = read_level(line + ret->length, length - ret->length, &ret->is_warning);
    ret->length += level_length;
    /* What only looks like a time is none. */
    if (ret->length == 0)
        *ret = (TextPrefix){0};
}
