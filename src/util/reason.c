/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reason.h"

#include <stdio.h>

int reason_setv(Reason *why, const char *format, va_list args)
{
    if (why)
        vsnprintf(why->text, sizeof(why->text), format, args);
    return -1;
}

int reason_set(Reason *why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    reason_setv(why, format, args);
    va_end(args);
    return -1;
}
