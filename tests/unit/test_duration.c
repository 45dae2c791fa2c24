/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "util/duration.h"

typedef struct DurationRow {
    const char *text;
    int64_t seconds; /* -1: it is none */
} DurationRow;

static const DurationRow rows[] = {
    {"1s", 1},
    {"90s", 90},
    {"15m", 900},
    {"2h", 7200},
    {"7d", 604800},
    {"0s", 0},
    {"007s", 7},
    {"9223372036854775807s", INT64_MAX},
    {"106751991167300d", 106751991167300 * INT64_C(86400)},

    {"", -1},
    {"5", -1},
    {"s", -1},
    {"-5s", -1},
    {"+5s", -1},
    {" 5s", -1},
    {"5 s", -1},
    {"5s ", -1},
    {"5ss", -1},
    {"5S", -1},
    {"5w", -1},
    {"5m30s", -1},
    {"1.5h", -1},
    {"0x5s", -1},
    {"1e3s", -1},
    {"5\xc3\xa9", -1},
    {"\xd9\xa5s", -1}, /* a digit, but of another script */
    {"9223372036854775808s", -1},
    {"153722867280912931m", -1},
    {"106751991167301d", -1},
    {"99999999999999999999999999999999s", -1},
};

static void test_row(void **state)
{
    const DurationRow *row = *state;
    int64_t seconds = -1;

    assert_int_equal(duration_parse(row->text, &seconds), row->seconds < 0 ? -1 : 0);
    if (row->seconds >= 0)
        assert_true(seconds == row->seconds);
}

int main(void)
{
    UNIT_ADD_ROWS(rows, test_row);
    return unit_run("duration");
}
