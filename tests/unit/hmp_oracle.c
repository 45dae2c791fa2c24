/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hmp_oracle.h"

#include "catalog/catalog.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Monitor {
    const char *at;
    const char *type;
    char key[64];
    char buffer[1024];
    json_object *arguments;
} Monitor;

static void skip_space(Monitor *monitor)
{
    while (isspace((unsigned char)*monitor->at))
        monitor->at++;
}

static bool at_word_end(const Monitor *monitor)
{
    return *monitor->at == '\0' || isspace((unsigned char)*monitor->at);
}

/* Up to white space or a slash, cut at 255 bytes. */
static void read_name(Monitor *monitor, char *name)
{
    size_t length = 0;

    skip_space(monitor);
    for (; !at_word_end(monitor) && *monitor->at != '/'; monitor->at++) {
        if (length < 255)
            name[length++] = *monitor->at;
    }
    name[length] = '\0';
}

static char unescaped(char byte)
{
    switch (byte) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case '\\':
    case '\'':
    case '"':
        return byte;
    default:
        return '\0';
    }
}

static void append(Monitor *monitor, size_t *length, char byte)
{
    if (*length < sizeof(monitor->buffer) - 1)
        monitor->buffer[(*length)++] = byte;
    monitor->buffer[*length] = '\0';
}

static bool get_str(Monitor *monitor)
{
    size_t length = 0;

    skip_space(monitor);
    monitor->buffer[0] = '\0';
    if (*monitor->at == '\0')
        return false;
    if (*monitor->at != '"') {
        for (; !at_word_end(monitor); monitor->at++)
            append(monitor, &length, *monitor->at);
        return true;
    }
    for (monitor->at++; *monitor->at && *monitor->at != '"'; monitor->at++) {
        char byte = *monitor->at;

        if (byte == '\\') {
            byte = unescaped(*++monitor->at);
            if (byte == '\0')
                return false;
        }
        append(monitor, &length, byte);
    }
    return *monitor->at++ == '"';
}

static bool keep(Monitor *monitor, json_object *value)
{
    return json_object_object_add(monitor->arguments, monitor->key, value) == 0;
}

static bool keep_string(Monitor *monitor)
{
    return get_str(monitor) && keep(monitor, json_object_new_string(monitor->buffer));
}

/* True when the `?` says that the argument may be left out and the line is at its end. */
static bool is_left_out(Monitor *monitor)
{
    skip_space(monitor);
    return monitor->type[1] == '?' && *monitor->at == '\0';
}

static bool read_string(Monitor *monitor)
{
    return is_left_out(monitor) || keep_string(monitor);
}

static bool read_options(Monitor *monitor)
{
    skip_space(monitor);
    return *monitor->at == '\0' || keep_string(monitor);
}

static bool read_rest(Monitor *monitor)
{
    if (is_left_out(monitor))
        return true;
    if (*monitor->at == '\0' || !keep(monitor, json_object_new_string(monitor->at)))
        return false;
    monitor->at += strlen(monitor->at);
    return true;
}

/* An expression. Whatever is more than a number is refused: the guard may never send it. */
static bool read_number(Monitor *monitor)
{
    bool is_negative;
    uint64_t value;
    char *end;

    if (is_left_out(monitor))
        return true;
    is_negative = *monitor->at == '-';
    monitor->at += is_negative;
    skip_space(monitor);
    if (!isdigit((unsigned char)*monitor->at))
        return false;
    errno = 0;
    value = strtoull(monitor->at, &end, 0);
    if (errno)
        return false;
    value = is_negative ? 0 - value : value;
    monitor->at = end;
    skip_space(monitor);
    if (*monitor->at && strchr("+-*/%&|^", *monitor->at))
        return false;
    if (*monitor->type == 'i' && value >> 32)
        return false;
    if (*monitor->type == 'M' && (int64_t)value < 0)
        return false;
    return keep(monitor, json_object_new_int64((int64_t)value));
}

static bool read_integer(Monitor *monitor)
{
    skip_space(monitor);
    if (monitor->type[1] != '.')
        return read_number(monitor);
    if (*monitor->at != '.')
        return true;
    monitor->at++;
    return read_number(monitor);
}

static bool read_format(Monitor *monitor)
{
    const char *start;

    skip_space(monitor);
    if (*monitor->at != '/')
        return true;
    start = monitor->at++;
    monitor->at += strspn(monitor->at, "0123456789");
    monitor->at += strspn(monitor->at, "oduxicbhwgL");
    return at_word_end(monitor) &&
           keep(monitor, json_object_new_string_len(start, (int)(monitor->at - start)));
}

static bool keep_up_to(Monitor *monitor, const char *end)
{
    const char *start = monitor->at;

    monitor->at = end;
    return keep(monitor, json_object_new_string_len(start, (int)(end - start)));
}

/* A size ends where it makes no more sense: what is glued to it is the next argument. */
static bool read_size(Monitor *monitor)
{
    static const char digits[] = "0123456789";
    const char *end;

    if (is_left_out(monitor))
        return true;
    end = monitor->at;
    if (strncmp(end, "0x", 2) == 0 && isxdigit((unsigned char)end[2]))
        return keep_up_to(monitor, end + 2 + strspn(end + 2, "0123456789abcdefABCDEF"));
    end += strspn(end, digits);
    if (end == monitor->at)
        return false;
    if (*end == '.')
        end += 1 + strspn(end + 1, digits);
    return keep_up_to(monitor, end + (*end && strchr("bBkKmMgGtTpPeE", *end)));
}

static bool read_time(Monitor *monitor)
{
    char *end;

    if (is_left_out(monitor))
        return true;
    strtod(monitor->at, &end);
    if (end == monitor->at || !strchr("0123456789.", *monitor->at))
        return false;
    if (*end && strchr("mun", *end) && end[1] == 's')
        end += 2;
    return keep_up_to(monitor, end) && at_word_end(monitor);
}

static bool read_switch(Monitor *monitor)
{
    const char *start;
    size_t length;

    skip_space(monitor);
    start = monitor->at;
    while (isgraph((unsigned char)*monitor->at))
        monitor->at++;
    length = (size_t)(monitor->at - start);
    if (!(length == 2 && strncmp(start, "on", 2) == 0) &&
        !(length == 3 && strncmp(start, "off", 3) == 0))
        return false;
    return keep(monitor, json_object_new_string_len(start, (int)length));
}

static bool read_flag(Monitor *monitor)
{
    bool has_string = monitor->type[2] == 's';
    char option[] = {'-', '\0', '\0'};

    skip_space(monitor);
    if (*monitor->at != '-')
        return true;
    option[1] = monitor->at[1];
    if (option[1] == monitor->type[1]) {
        monitor->at += 2;
        return has_string ? keep_string(monitor) : keep(monitor, json_object_new_boolean(true));
    }
    /* QEMU looks for the flag in all that is left of the types, names included. */
    return option[1] && strstr(monitor->type + 2 + has_string, option) != NULL;
}

static bool read_argument(Monitor *monitor)
{
    switch (*monitor->type) {
    case 's':
    case 'F':
    case 'B':
        return read_string(monitor);
    case 'O':
        return read_options(monitor);
    case 'S':
        return read_rest(monitor);
    case 'i':
    case 'l':
    case 'M':
        return read_integer(monitor);
    case 'o':
        return read_size(monitor);
    case 'T':
        return read_time(monitor);
    case 'b':
        return read_switch(monitor);
    case '/':
        return read_format(monitor);
    case '-':
        return read_flag(monitor);
    default:
        return false;
    }
}

static bool read_arguments(Monitor *monitor)
{
    const char *colon;

    for (; (colon = strchr(monitor->type, ':')); monitor->type += *monitor->type == ',') {
        snprintf(monitor->key, sizeof(monitor->key), "%.*s", (int)(colon - monitor->type),
                 monitor->type);
        monitor->type = colon + 1;
        if (!read_argument(monitor))
            return false;
        monitor->type += strcspn(monitor->type, ",");
    }
    skip_space(monitor);
    return *monitor->at == '\0';
}

json_object *oracle_reads(const char *line, char *ret_name)
{
    Monitor monitor = {.at = line};
    const CatalogEntry *entry;

    read_name(&monitor, ret_name);
    skip_space(&monitor);
    if (strcmp(ret_name, "info") == 0 && *monitor.at) {
        char sub[256];

        read_name(&monitor, sub);
        snprintf(ret_name, 256, "info %.250s", sub);
    }
    entry = catalog_find(CHANNEL_HMP, ret_name);
    if (!entry)
        return NULL;
    monitor.type = entry->args_type;
    monitor.arguments = json_object_new_object();
    if (monitor.arguments && read_arguments(&monitor))
        return monitor.arguments;
    json_object_put(monitor.arguments);
    return NULL;
}
