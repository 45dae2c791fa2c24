/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "duration.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

static const struct Unit {
    char letter;
    int64_t seconds;
} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};

int duration_parse(const char *text, int64_t *ret_seconds)
{
    char *end;
    long long number;

    if (!isdigit((unsigned char)*text))
        return -1;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno || !*end || end[1])
        return -1;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].letter == *end)
            return __builtin_mul_overflow(number, units[i].seconds, ret_seconds) ? -1 : 0;
    }
    return -1;
}
