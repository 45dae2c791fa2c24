/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include "helper.h"
#include "json_add.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_quiet;

void output_be_quiet(void)
{
    is_quiet = true;
}

bool output_is_quiet(void)
{
    return is_quiet;
}

void output_remark(const char *format, ...)
{
    va_list args;

    if (is_quiet)
        return;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
}

int output_flush(void)
{
    static int error;

    if (fflush(stdout) != 0 && error == 0)
        error = errno;
    return error;
}

bool output_has_colours(void)
{
    const char *terminal = helper_variable("TERM");

    /* https://no-color.org */
    return isatty(STDOUT_FILENO) && !helper_variable("NO_COLOR") &&
           !(terminal && strcmp(terminal, "dumb") == 0);
}

int output_json(json_object *object)
{
    CLEANUP(mem) char *text = json_whole_text(object);

    if (!text)
        return -1;
    puts(text);
    return 0;
}
