/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "when.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DAY (24 * INT64_C(3600))

#define ACCEPTED                                                                                   \
    "accepted are 2026-11-21, '2026-11-21 14:30', '2026-11-21 14:30:00' (local time; UTC with a "  \
    "Z "                                                                                           \
    "behind it, or +01:00), 14:30 (of today), now, today, yesterday, '10 min ago', '1 hour ago', " \
    "'2 days ago', @SECONDS"

/* Reads exactly @count digits. Returns -1 when there are none such. */
static int digits(const char *text, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = 10 * value + (text[i] - '0');
    }
    return value;
}

/* Days from 1970-01-01, by the proleptic Gregorian calendar; timegm(3) is far slower. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t shifted = (month + 9) % 12; /* March is 0: the leap day is a year's last */
    int64_t day_of_year = (153 * shifted + 2) / 5 + day - 1;

    return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

/* Reads `.123456`, of which any number of digits may be there. */
static size_t read_fraction(const char *text, size_t length, long *ret)
{
    long unit = 100000000;
    size_t at = 1;

    *ret = 0;
    if (length < 2 || (text[0] != '.' && text[0] != ',') || !isdigit((unsigned char)text[1]))
        return 0;
    for (; at < length && isdigit((unsigned char)text[at]); at++, unit /= 10)
        *ret += unit * (text[at] - '0');
    return at;
}

/* Reads `Z`, `+0100`, `+01:00`. Returns its length; 0: there is no zone. */
static size_t read_offset(const char *text, size_t length, int *ret_seconds)
{
    size_t minutes = length > 3 && text[3] == ':' ? 4 : 3;
    int hour;
    int minute;

    *ret_seconds = 0;
    if (length >= 1 && (*text == 'Z' || *text == 'z'))
        return 1;
    if (length < minutes + 2 || (*text != '+' && *text != '-'))
        return 0;
    hour = digits(text + 1, 2);
    minute = digits(text + minutes, 2);
    if (hour < 0 || hour > 14 || minute < 0 || minute > 59)
        return 0;
    *ret_seconds = (*text == '-' ? -1 : 1) * (hour * 60 + minute) * 60;
    return minutes + 2;
}

static bool is_date(const struct tm *date)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = date->tm_year + 1900;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return year >= 1970 && date->tm_mon >= 0 && date->tm_mon < 12 && date->tm_mday >= 1 &&
           date->tm_mday <= month_days[date->tm_mon] &&
           (date->tm_mon != 1 || date->tm_mday < 29 || is_leap);
}

/* Reads `2026-11-21`. */
static bool read_date(const char *text, size_t length, struct tm *ret)
{
    if (length < 10 || text[4] != '-' || text[7] != '-')
        return false;
    ret->tm_year = digits(text, 4) - 1900;
    ret->tm_mon = digits(text + 5, 2) - 1;
    ret->tm_mday = digits(text + 8, 2);
    return is_date(ret);
}

/* Reads `12:34:56` or, if @may_be_short, `12:34`. Returns its length or 0. */
static size_t read_clock(const char *text, size_t length, bool may_be_short, struct tm *ret)
{
    bool has_seconds = length >= 8 && text[5] == ':';

    if (length < 5 || text[2] != ':' || (!has_seconds && !may_be_short))
        return 0;
    ret->tm_hour = digits(text, 2);
    ret->tm_min = digits(text + 3, 2);
    ret->tm_sec = has_seconds ? digits(text + 6, 2) : 0;
    if (ret->tm_hour < 0 || ret->tm_hour > 23 || ret->tm_min < 0 || ret->tm_min > 59 ||
        ret->tm_sec < 0 || ret->tm_sec > 60)
        return 0;
    return has_seconds ? 8 : 5;
}

static time_t utc_seconds(const struct tm *date)
{
    return (time_t)(days_of(date->tm_year + 1900, date->tm_mon + 1, date->tm_mday) * DAY +
                    date->tm_hour * 3600L + date->tm_min * 60L + date->tm_sec);
}

static time_t local_seconds(struct tm date)
{
    date.tm_isdst = -1;
    return mktime(&date);
}

/* The clock, its fraction and its zone, behind a date that was read. */
static size_t read_rest(const char *text, size_t length, bool may_be_short, WhenZone zone,
                        struct tm *date, struct timespec *ret)
{
    size_t at = read_clock(text, length, may_be_short, date);
    size_t offset_length;
    int offset;

    if (at == 0)
        return 0;
    at += read_fraction(text + at, length - at, &ret->tv_nsec);
    offset_length = read_offset(text + at, length - at, &offset);
    ret->tv_sec = offset_length || zone == WHEN_UTC ? utc_seconds(date) - offset
                                                    : local_seconds(*date);
    return at + offset_length;
}

size_t when_read(const char *text, size_t length, WhenZone zone, struct timespec *ret)
{
    struct tm date = {0};
    size_t rest;

    if (!read_date(text, length, &date) || length < 11 || (text[10] != 'T' && text[10] != ' '))
        return 0;
    rest = read_rest(text + 11, length - 11, false, zone, &date, ret);
    return rest ? 11 + rest : 0;
}

void when_write(struct timespec when, char ret[WHEN_TEXT_SIZE])
{
    struct tm utc;
    size_t length = 0;

    if (gmtime_r(&when.tv_sec, &utc))
        length = strftime(ret, WHEN_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(ret + length, WHEN_TEXT_SIZE - length, ".%06ldZ", when.tv_nsec / 1000 % 1000000);
}

/* The midnight with which the day @days before @now's began. */
static time_t midnight(struct timespec now, int days)
{
    struct tm date = {0};

    localtime_r(&now.tv_sec, &date);
    date.tm_hour = date.tm_min = date.tm_sec = 0;
    date.tm_mday -= days;
    return local_seconds(date);
}

/* `10 min ago` */
static bool parse_ago(const char *text, struct timespec now, struct timespec *ret)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {
        {"s", 1},
        {"sec", 1},
        {"second", 1},
        {"m", 60},
        {"min", 60},
        {"minute", 60},
        {"h", 3600},
        {"hour", 3600},
        {"d", DAY},
        {"day", DAY},
        {"w", 7L * DAY},
        {"week", 7L * DAY},
        {"month", 30L * DAY},
        {"y", 365L * DAY},
        {"year", 365L * DAY},
    };
    unsigned long count;
    char unit[16];
    int end = 0;

    if (!isdigit((unsigned char)*text) ||
        sscanf(text, "%9lu %15[a-z] ago%n", &count, unit, &end) != 2 || end == 0 || text[end])
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t length = strlen(units[i].name);

        if (strncmp(unit, units[i].name, length) != 0 ||
            (unit[length] && strcmp(unit + length, "s") != 0))
            continue;
        ret->tv_sec = now.tv_sec - (time_t)((int64_t)count * units[i].seconds);
        ret->tv_nsec = now.tv_nsec;
        return ret->tv_sec >= 0;
    }
    return false;
}

/* `2026-11-21`, `2026-11-21 14:30`, `14:30:00Z`, ... */
static bool parse_date(const char *text, struct timespec now, struct timespec *ret)
{
    size_t length = strlen(text);
    struct tm date = {0};
    size_t read = 0;

    if (read_date(text, length, &date)) {
        if (length == 10) {
            ret->tv_sec = local_seconds(date);
            return true;
        }
        if (text[10] != 'T' && text[10] != ' ')
            return false;
        read = 11;
    } else {
        localtime_r(&now.tv_sec, &date);
    }
    length -= read;
    return length > 0 && read_rest(text + read, length, true, WHEN_LOCAL, &date, ret) == length;
}

static bool parse_seconds(const char *text, struct timespec *ret)
{
    char *end;
    long long seconds;

    if (*text != '@' || !isdigit((unsigned char)text[1]))
        return false;
    errno = 0;
    seconds = strtoll(text + 1, &end, 10);
    ret->tv_sec = (time_t)seconds;
    return !errno && seconds < 253402300800LL &&
           (*end == '\0' || read_fraction(end, strlen(end), &ret->tv_nsec) == strlen(end));
}

int when_parse(const char *text, struct timespec now, struct timespec *ret, Reason *why)
{
    *ret = (struct timespec){0};
    if (strcasecmp(text, "now") == 0)
        *ret = now;
    else if (strcasecmp(text, "today") == 0)
        ret->tv_sec = midnight(now, 0);
    else if (strcasecmp(text, "yesterday") == 0)
        ret->tv_sec = midnight(now, 1);
    else if (!parse_seconds(text, ret) && !parse_ago(text, now, ret) && !parse_date(text, now, ret))
        return reason_set(why, "'%s' is no time: " ACCEPTED, text);
    return 0;
}
