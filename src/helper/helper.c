/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper.h"

#include "util/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* Larger than anything the daemon takes, so that it is refused for what it is. */
#define FILE_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* Backslashes stay as they are: some of it was encoded before. */
static void write_complaint(const char *text)
{
    for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
        if (*byte < 0x20 || *byte > 0x7e)
            fprintf(stderr, "\\x%02x", *byte);
        else
            fputc(*byte, stderr);
    }
}

int complain(const char *format, ...)
{
    CLEANUP(mem) char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    fputs("virt-qmp-guard: ", stderr);
    /* There may be a domain's name in it, and in that what a terminal obeys. */
    write_complaint(text ? text : "out of memory");
    fputc('\n', stderr);
    return EXIT_UNSURE;
}

const char *helper_variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static char *read_stream(FILE *stream, size_t *ret_length)
{
    CLEANUP(mem) char *text = NULL;
    size_t length = 0;
    size_t space = 0;

    do {
        if (length + 1 >= space) {
            char *grown;

            space = space ? 2 * space : 4096;
            if (space > FILE_BYTES_MAX) {
                errno = EFBIG;
                return NULL;
            }
            grown = realloc(text, space);
            if (!grown)
                return NULL;
            text = grown;
        }
        length += fread(text + length, 1, space - length - 1, stream);
    } while (!feof(stream) && !ferror(stream));
    if (ferror(stream))
        return NULL;
    text[length] = '\0';
    *ret_length = length;
    return steal_pointer(&text);
}

char *read_file(const char *path, size_t *ret_length)
{
    CLEANUP(file) FILE *opened = NULL;
    char *text;

    if (strcmp(path, "-") == 0) {
        text = read_stream(stdin, ret_length);
    } else {
        opened = fopen(path, "re");
        text = opened ? read_stream(opened, ret_length) : NULL;
    }
    if (!text)
        complain("cannot read %s: %s", path, strerror(errno));
    return text;
}

int helper_choose_channel(bool is_hmp, bool is_agent, Channel *ret)
{
    if (is_hmp && is_agent)
        return complain("--hmp and --agent exclude each other"), -1;
    *ret = is_hmp ? CHANNEL_HMP : is_agent ? CHANNEL_AGENT : CHANNEL_QMP;
    return 0;
}

char *helper_policy_error(const char *where, const PolicyError *error)
{
    char *text = NULL;
    int length;

    if (error->line)
        length = asprintf(&text, "%s:%u: %s", where, error->line, error->reason.text);
    else
        length = asprintf(&text, "%s: %s", where, error->reason.text);
    return length < 0 ? NULL : text;
}

int helper_host_policy(const char *given, Policy **ret_policy, PolicyError *ret_error)
{
    CLEANUP(mem) char *text = NULL;
    size_t length;

    if (given) {
        text = read_file(given, &length);
        if (!text)
            return -1;
        *ret_policy = policy_parse(text, length, POLICY_HOST, ret_error);
        return *ret_policy ? 0 : 1;
    }
    if (access(HOST_POLICY_PATH, F_OK) == 0 && access(HOST_POLICY_PATH, R_OK) < 0)
        return complain("cannot read the host policy %s: %s: run this as root", HOST_POLICY_PATH,
                        strerror(errno)),
               -1;
    if (policy_read_host_file(HOST_POLICY_PATH, ret_policy, ret_error) == 0)
        *ret_policy = policy_shipped_default(ret_error);
    return *ret_policy ? 0 : 1;
}
