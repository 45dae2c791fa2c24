/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

int failure_set(QmpguardError *error, QmpguardCode code, const char *format, ...)
{
    va_list args;

    if (!error)
        return code;
    error->code = code;
    error->line = 0;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return code;
}

void failure_clear(QmpguardError *error)
{
    if (!error)
        return;
    error->code = QMPGUARD_OK;
    error->line = 0;
    *error->text = '\0';
}
