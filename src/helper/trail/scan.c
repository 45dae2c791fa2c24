/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan.h"

#include <string.h>

#define DEPTH_MAX 32

/* Of a record of the guard's, and with some to spare. */
#define MEMBERS_MAX 64
#define OBJECTS_MAX 2

Scan scan_start(const char *line, size_t length)
{
    Scan scan = {line + 1, line + length, length < 2 || *line != '{'};

    return scan;
}

/* The quote that ends the text which begins at @at, behind its first one; NULL: there is none. */
static const char *find_quote(const char *at, const char *end)
{
    for (const char *from = at; from < end;) {
        const char *quote = memchr(from, '"', (size_t)(end - from));
        size_t backslashes = 0;

        if (!quote)
            return NULL;
        while (quote - backslashes > at && quote[-1 - (ptrdiff_t)backslashes] == '\\')
            backslashes++;
        if (backslashes % 2 == 0)
            return quote;
        from = quote + 1;
    }
    return NULL;
}

/* Behind the value at @at: by its brackets and texts alone. NULL: it has no end. */
static const char *find_value_end(const char *at, const char *end)
{
    size_t depth = 0;

    for (; at < end; at++) {
        switch (*at) {
        case '"':
            at = find_quote(at + 1, end);
            if (!at)
                return NULL;
            break;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (depth == 0)
                return at;
            depth--;
            break;
        case ',':
            if (depth == 0)
                return at;
            break;
        default:
            break;
        }
    }
    return NULL;
}

bool scan_next(Scan *scan, ScanMember *ret)
{
    const char *end;

    if (scan->failed || (scan->at < scan->end && *scan->at == '}'))
        return false;
    scan->failed = true;
    if (scan->at == scan->end || *scan->at != '"')
        return false;
    ret->name = scan->at + 1;
    end = find_quote(ret->name, scan->end);
    if (!end || scan->end - end < 4 || end[1] != ':')
        return false;
    ret->name_length = (size_t)(end - ret->name);
    ret->value = end + 2;
    if (*ret->value == '"') {
        end = find_quote(ret->value + 1, scan->end);
        if (end)
            end++;
    } else {
        end = find_value_end(ret->value, scan->end);
    }
    if (!end || end == scan->end || (*end != ',' && *end != '}'))
        return false;
    ret->value_length = (size_t)(end - ret->value);
    scan->at = *end == ',' ? end + 1 : end;
    scan->failed = false;
    return true;
}

bool scan_is_named(const ScanMember *member, const char *name)
{
    return strlen(name) == member->name_length &&
           memcmp(name, member->name, member->name_length) == 0;
}

static bool may_have_twice(const char *line, size_t length, int depth)
{
    Scan scan = scan_start(line, length);
    ScanMember members[MEMBERS_MAX];
    size_t count = 0;

    while (count < MEMBERS_MAX && scan_next(&scan, &members[count])) {
        const ScanMember *member = &members[count++];

        for (size_t i = 0; i + 1 < count; i++) {
            if (members[i].name_length == member->name_length &&
                memcmp(members[i].name, member->name, member->name_length) == 0)
                return true;
        }
        if (*member->value == '{' &&
            (depth == 0 || may_have_twice(member->value, member->value_length, depth - 1)))
            return true;
        if (*member->value == '[' && memchr(member->value, '{', member->value_length))
            return true;
    }
    return scan.failed || count == MEMBERS_MAX;
}

bool scan_may_have_twice(const char *line, size_t length)
{
    return may_have_twice(line, length, OBJECTS_MAX);
}

/* What may stand in a text as it is. A table, since every byte of a record goes by here. */
static bool is_plain[256];

static void fill_table(void)
{
    if (is_plain['a'])
        return;
    for (int byte = 0x20; byte <= 0x7e; byte++)
        is_plain[byte] = byte != '"' && byte != '\\';
}

/* Behind the text at @at; NULL: it is none, or not one in ASCII. */
static const char *skip_text(const char *at, const char *end)
{
    if (at == end || *at != '"')
        return NULL;
    for (at++; at < end; at++) {
        if (is_plain[(unsigned char)*at])
            continue;
        if (*at == '"')
            return at + 1;
        /* Of what may follow it, the guard writes no other. */
        if (*at != '\\' || ++at == end || (*at != '\\' && *at != '"'))
            return NULL;
    }
    return NULL;
}

static const char *skip_number(const char *at, const char *end)
{
    const char *start;

    if (at < end && *at == '-')
        at++;
    start = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at == start || (*start == '0' && at > start + 1) ? NULL : at;
}

/* Behind `"name":`. */
static const char *skip_name(const char *at, const char *end)
{
    at = skip_text(at, end);
    return at && at < end && *at == ':' ? at + 1 : NULL;
}

static const char *skip_value(const char *at, const char *end, int depth);

/* Behind the object or list at @at. */
static const char *skip_members(const char *at, const char *end, int depth)
{
    bool is_object = *at == '{';
    char closing = is_object ? '}' : ']';

    at++;
    if (depth == 0 || at == end)
        return NULL;
    if (*at == closing)
        return at + 1;
    for (;;) {
        if (is_object)
            at = skip_name(at, end);
        if (at)
            at = skip_value(at, end, depth - 1);
        if (!at || at == end)
            return NULL;
        if (*at == closing)
            return at + 1;
        if (*at++ != ',')
            return NULL;
    }
}

static const char *skip_value(const char *at, const char *end, int depth)
{
    if (at == end)
        return NULL;
    if (*at == '{' || *at == '[')
        return skip_members(at, end, depth);
    return *at == '"' ? skip_text(at, end) : skip_number(at, end);
}

bool scan_is_sound(const char *line, size_t length)
{
    fill_table();
    return length > 0 && *line == '{' &&
           skip_members(line, line + length, DEPTH_MAX) == line + length;
}
