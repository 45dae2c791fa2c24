/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where failures are told: libFuzzer closes stderr, which the helper's code writes to. */
static int report_fd = STDERR_FILENO;

__attribute__((constructor)) static void keep_stderr(void)
{
    report_fd = dup(STDERR_FILENO);
}

void fuzz_must(bool holds, const char *format, ...)
{
    va_list args;

    if (holds)
        return;
    dprintf(report_fd, "PROPERTY: ");
    va_start(args, format);
    vdprintf(report_fd, format, args);
    va_end(args);
    dprintf(report_fd, "\n");
    abort();
}

void fuzz_must_be_line(const char *text, const char *what)
{
    fuzz_must(text != NULL, "%s: there is none", what);
    for (const char *byte = text; *byte; byte++)
        fuzz_must(*byte >= 0x20 && *byte <= 0x7e, "%s has the byte %02x: %s", what,
                  (unsigned)(unsigned char)*byte, text);
}

uint8_t fuzz_take_byte(FuzzInput *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

char *fuzz_take_text(FuzzInput *input)
{
    const uint8_t *end = input->left > 0 ? memchr(input->at, '\0', input->left) : NULL;
    size_t length = end ? (size_t)(end - input->at) : input->left;
    size_t taken = end ? length + 1 : length;
    char *text = malloc(length + 1);

    fuzz_must(text != NULL, "out of memory");
    memcpy(text, length > 0 ? (const char *)input->at : "", length);
    text[length] = '\0';
    input->at += taken;
    input->left -= taken;
    return text;
}

const char *fuzz_file(const void *bytes, size_t length)
{
    static char name[64];
    static int fd;

    if (!*name) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    }
    fuzz_must(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, length, 0) == (ssize_t)length,
              "a file in memory cannot be written");
    return name;
}
