/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hmp_line.h"

#include "hmp_arguments.h"
#include "util/cleanup.h"
#include "util/utf8.h"

#include <ctype.h>
#include <string.h>

#define HMP_NAME_MAX 64

/*
 * Bytes that no reader downstream agrees on are refused before anything is read:
 * controls (FE and FF make QEMU's JSON lexer forget its braces), invalid UTF-8.
 * Tab, newline and carriage return are white space to QEMU and become a space.
 */
static char *copy_plain(const char *text, size_t length, Reason *why)
{
    CLEANUP(mem) char *copy = NULL;

    if (length > HMP_LINE_MAX) {
        reason_set(why, "HMP line of %zu bytes, more than %zu", length, HMP_LINE_MAX);
        return NULL;
    }
    copy = malloc(length + 1);
    if (!copy) {
        reason_set(why, "out of memory");
        return NULL;
    }
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t size = utf8_read(text + at, length - at, &character);

        if (size == 0 || character == 0x7f ||
            (character < 0x20 && !strchr("\t\n\r", (int)character))) {
            reason_set(why, "control character or invalid UTF-8 at byte %zu of the HMP line", at);
            return NULL;
        }
        memcpy(copy + at, text + at, size);
        at += size;
    }
    copy[length] = '\0';
    return steal_pointer(&copy);
}

/* Reads one command name; QEMU ends it at white space or `/`. */
static int read_name(const char **at, char *name, size_t size, Reason *why)
{
    size_t length;

    *at += strspn(*at, HMP_SPACE);
    length = strcspn(*at, HMP_SPACE "/");
    if (length == 0)
        return reason_set(why, "HMP line without a command");
    if (length >= size)
        return reason_set(why, "HMP command name longer than %zu bytes", size - 1);
    for (size_t i = 0; i < length; i++) {
        if (!isascii((*at)[i]) || (!isalnum((unsigned char)(*at)[i]) && !strchr("_-?", (*at)[i])))
            return reason_set(why, "not an HMP command name");
    }
    memcpy(name, *at, length);
    name[length] = '\0';
    *at += length;
    return 0;
}

/* `info` is the one command with a table of its own: its next word is a name too. */
static int read_full_name(const char **at, char *name, size_t size, Reason *why)
{
    char sub[HMP_NAME_MAX];
    size_t length;

    if (read_name(at, name, HMP_NAME_MAX, why) < 0)
        return -1;
    if (strcmp(name, "info") != 0)
        return 0;
    if (**at == '/')
        return reason_set(why, "HMP info with a `/` behind it");
    if ((*at)[strspn(*at, HMP_SPACE)] == '\0')
        return 0;
    if (read_name(at, sub, sizeof(sub), why) < 0)
        return -1;
    length = strlen(name);
    snprintf(name + length, size - length, " %s", sub);
    return 0;
}

int hmp_line_parse(const char *text, size_t length, HmpLine *ret, Reason *why)
{
    CLEANUP(mem) char *plain = copy_plain(text, length, why);
    char name[2 * HMP_NAME_MAX];
    const char *at = plain;
    HmpLine line = {0};
    char *rebuilt_arguments = NULL;
    Reason what;

    if (!plain || read_full_name(&at, name, sizeof(name), why) < 0)
        return -1;
    line.entry = catalog_find(CHANNEL_HMP, name);
    line.name = strdup(line.entry ? line.entry->name : name);
    line.arguments = json_object_new_object();
    if (!line.name || !line.arguments) {
        reason_set(why, "out of memory");
    } else if (hmp_arguments_parse(at, line.entry ? line.entry->args_type : NULL, line.arguments,
                                   &rebuilt_arguments, &what) < 0) {
        reason_set(why, "HMP '%s': %s", line.name, what.text);
    } else {
        if (asprintf(&line.line, "%s%s", line.name, rebuilt_arguments) < 0) {
            line.line = NULL;
            reason_set(why, "out of memory");
        }
        free(rebuilt_arguments);
    }
    if (line.line && strlen(line.line) > HMP_LINE_MAX) {
        reason_set(why, "HMP line longer than %zu bytes when it is rebuilt", HMP_LINE_MAX);
        free(line.line);
        line.line = NULL;
    }
    if (!line.line) {
        hmp_line_clear(&line);
        return -1;
    }
    *ret = line;
    return 0;
}

void hmp_line_clear(HmpLine *line)
{
    free(line->name);
    free(line->line);
    json_object_put(line->arguments);
    *line = (HmpLine){0};
}
