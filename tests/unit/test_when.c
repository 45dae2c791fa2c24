/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times as people give them. */
#include "trail/when.h"
#include "unit.h"

#include <stdlib.h>

typedef struct WhenRow {
    const char *text;
    const char
        *wanted; /* with TZ=UTC-1, an hour ahead, at 2026-11-21T10:00:00Z; NULL: it is none */
} WhenRow;

static const WhenRow when_rows[] = {
    {"now", "2026-11-21T10:00:00.000000Z"},
    {"today", "2026-11-20T23:00:00.000000Z"},
    {"Yesterday", "2026-11-19T23:00:00.000000Z"},
    {"1 hour ago", "2026-11-21T09:00:00.000000Z"},
    {"10 min ago", "2026-11-21T09:50:00.000000Z"},
    {"2 days ago", "2026-11-19T10:00:00.000000Z"},
    {"90 seconds ago", "2026-11-21T09:58:30.000000Z"},
    {"1 week ago", "2026-11-14T10:00:00.000000Z"},
    {"2026-11-20", "2026-11-19T23:00:00.000000Z"},
    {"2026-11-20 12:30", "2026-11-20T11:30:00.000000Z"},
    {"2026-11-20T12:30:15", "2026-11-20T11:30:15.000000Z"},
    {"2026-11-20T12:30:15Z", "2026-11-20T12:30:15.000000Z"},
    {"2026-11-20T12:30:15.25+02:00", "2026-11-20T10:30:15.250000Z"},
    {"2026-11-20 12:30:15 ", NULL},
    {"12:30", "2026-11-21T11:30:00.000000Z"},
    {"12:30:15Z", "2026-11-21T12:30:15.000000Z"},
    {"@1795255200", "2026-11-21T10:00:00.000000Z"},
    {"@1795255200.5", "2026-11-21T10:00:00.500000Z"},
    {"2028-02-29", "2028-02-28T23:00:00.000000Z"},
    {"2026-02-29", NULL},
    {"2026-13-01", NULL},
    {"2026-11-20T25:00", NULL},
    {"24:00", NULL},
    {"", NULL},
    {"@", NULL},
    {"@-1", NULL},
    {"1 hour", NULL},
    {"1 fortnight ago", NULL},
    {"-1 hour ago", NULL},
    {"tomorrow", NULL},
    {"999999999 years ago", NULL},
    {"3 months ago", "2026-08-23T10:00:00.000000Z"},
    {"1 y ago", "2025-11-21T10:00:00.000000Z"},
    {"5 m ago", "2026-11-21T09:55:00.000000Z"},
    {"1 hours ago ", NULL},
    {"1 hourss ago", NULL},
    {"2026-11-20 12:30Z", "2026-11-20T12:30:00.000000Z"},
    {"2026-11-20 12:30z", "2026-11-20T12:30:00.000000Z"},
    {"2026-11-20 12:30-0230", "2026-11-20T15:00:00.000000Z"},
    {"2026-11-20 12:30+14:00", "2026-11-19T22:30:00.000000Z"},
    {"2026-11-20 12:30:15,25", "2026-11-20T11:30:15.250000Z"},
    {"2026-12-31 23:59:60Z", "2027-01-01T00:00:00.000000Z"},
    {"2000-02-29", "2000-02-28T23:00:00.000000Z"},
    {"2028-02-30", NULL},
    {"2100-02-29", NULL},
    {"2100-02-28", "2100-02-27T23:00:00.000000Z"},
    {"1969-12-31", NULL},
    {"2026-00-10", NULL},
    {"2026-11-00", NULL},
    {"2026-11-31", NULL},
    {"2026-1a-10", NULL},
    {"2026-11-2/", NULL},
    {"2026/11-20", NULL},
    {"2026-11/20", NULL},
    {"2026-11-20x12:30", NULL},
    {"2026-11-20 ", NULL},
    {"2026-11-20 12", NULL},
    {"2026-11-20 12.30", NULL},
    {"2026-11-20 12:60", NULL},
    {"2026-11-20 12:5:10", NULL},
    {"2026-11-20 1/:30", NULL},
    {"2026-11-20 12:30:61", NULL},
    {"2026-11-20 12:30:1x", NULL},
    {"2026-11-20 12:30:15.", NULL},
    {"2026-11-20 12:30:15.x", NULL},
    {"2026-11-20 12:30:15+15:00", NULL},
    {"2026-11-20 12:30:15+01:60", NULL},
    {"2026-11-20 12:30:15+0x:00", NULL},
    {"2026-11-20 12:30:15+01:0x", NULL},
    {"2026-11-20 12:30:15+01", NULL},
    {"2026-11-20 12:30:15*01:00", NULL},
    {"@1795255200.x", NULL},
    {"@1795255200 ", NULL},
    {"@253402300800", NULL},
    {"@99999999999999999999", NULL},
    {"@x", NULL},
};

static void test_when_row(void **state)
{
    const WhenRow *row = *state;
    const struct timespec now = {.tv_sec = 1795255200};
    struct timespec when;
    char text[WHEN_TEXT_SIZE];
    Reason why = {0};
    int result;

    setenv("TZ", "UTC-1", 1);
    tzset();
    result = when_parse(row->text, now, &when, &why);
    setenv("TZ", "UTC", 1);
    tzset();
    if (!row->wanted) {
        assert_int_equal(result, -1);
        assert_has_word(why.text, "accepted are");
        assert_has_word(why.text, "@SECONDS");
        return;
    }
    assert_int_equal(result, 0);
    when_write(when, text);
    assert_string_equal(text, row->wanted);
}

int main(void)
{
    UNIT_ADD_ROWS(when_rows, test_when_row);
    return unit_run("when");
}
