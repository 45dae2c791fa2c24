/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grant_row.h"

#include "audit/grant.h"
#include "helper.h"
#include "json_add.h"
#include "output.h"
#include "table.h"
#include "util/cleanup.h"
#include "util/printable.h"

#include <inttypes.h>

const char *const grant_columns[] = {"grant", "domain",       "channel",   "command",
                                     "for",   "left",         "time left", "state",
                                     "by",    "confirmed by", "reason"};
const size_t grant_column_count = sizeof(grant_columns) / sizeof(grant_columns[0]);

static const char *state_of(const Grant *grant, GroupSet confirmed_groups, int64_t now)
{
    if (grant_is_open(grant, now) && grant->groups & confirmed_groups && !*grant->confirmed_by)
        return grant_obstacle_name(GRANT_UNCONFIRMED);
    return grant_standing(grant, now);
}

/* Of its time, which goes on when it is over for another reason. */
static int64_t seconds_left(const Grant *grant, int64_t now)
{
    return grant_is_open(grant, now) ? (grant->expires - now) / 1000 : 0;
}

static void add_known(json_object *object, const char *member, const char *text)
{
    if (text && *text)
        table_add_text(object, member, text);
    else
        json_add_null(object, member);
}

json_object *grant_json(const Grant *grant, GroupSet confirmed_groups)
{
    CLEANUP(mem) char *whose = audit_grant_for(grant);
    json_object *object = json_object_new_object();
    int64_t now = grant_clock();

    if (!object || !whose) {
        json_object_put(object);
        return NULL;
    }
    table_add_text(object, "grant", grant->id);
    table_add_text(object, "domain", grant->domain);
    table_add_text(object, "uuid", grant->uuid);
    table_add_text(object, "channel", channel_name((Channel)grant->channel));
    table_add_text(object, "command", grant->command);
    add_known(object, "text", grant->text);
    table_add_text(object, "for", whose);
    json_add(object, "uses", json_object_new_int64(grant->uses));
    json_add(object, "left", json_object_new_int64(grant->left));
    json_add(object, "seconds", json_object_new_int64(seconds_left(grant, now)));
    table_add_text(object, "state", state_of(grant, confirmed_groups, now));
    table_add_text(object, "by", grant->given_by);
    add_known(object, "confirmed_by", grant->confirmed_by);
    table_add_text(object, "reason", grant->reason);
    return object;
}

/* `14m 03s`, `2h 05m`, `6d 23h`; `-` when it is over. */
static void write_time_left(int64_t seconds, char *buffer, size_t size)
{
    static const struct {
        int64_t seconds;
        char letter;
        int64_t part_seconds;
        char part_letter;
    } units[] = {{86400, 'd', 3600, 'h'}, {3600, 'h', 60, 'm'}, {60, 'm', 1, 's'}};

    snprintf(buffer, size, "-");
    if (seconds > 0)
        snprintf(buffer, size, "%" PRId64 "s", seconds);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (seconds < units[i].seconds)
            continue;
        snprintf(buffer, size, "%" PRId64 "%c %02" PRId64 "%c", seconds / units[i].seconds,
                 units[i].letter, seconds % units[i].seconds / units[i].part_seconds,
                 units[i].part_letter);
        return;
    }
}

json_object *grant_row(const Grant *grant, GroupSet confirmed_groups)
{
    json_object *row = grant_json(grant, confirmed_groups);
    char command[sizeof(grant->command) + sizeof(" (one text)")];
    char time_left[32];

    if (!row)
        return NULL;
    snprintf(command, sizeof(command), "%s%s", grant->command, *grant->text ? " (one text)" : "");
    write_time_left(seconds_left(grant, grant_clock()), time_left, sizeof(time_left));
    table_add_text(row, "command", command);
    table_add_text(row, "time left", time_left);
    table_add_text(row, "confirmed by", *grant->confirmed_by ? grant->confirmed_by : NULL);
    return row;
}

int grant_print_json(json_object *object)
{
    int result = output_json(object);

    json_object_put(object);
    return result < 0 ? complain("out of memory") : EXIT_YES;
}

void grant_print(const char *word, const Grant *grant)
{
    CLEANUP(mem) char *whose = audit_grant_for(grant);
    CLEANUP(mem) char *shown = printable(whose, "");
    CLEANUP(mem) char *command = printable(grant->command, "");
    CLEANUP(mem) char *domain = printable(grant->domain, "");
    int64_t now = grant_clock();
    char time_left[32];

    printf("%s %s: %s%s '%s' on domain '%s' for %s", word, grant->id,
           *grant->text ? "one text of " : "", channel_name((Channel)grant->channel),
           command ? command : "?", domain ? domain : "?", shown ? shown : "?");
    if (grant_is_open(grant, now)) {
        write_time_left(seconds_left(grant, now), time_left, sizeof(time_left));
        printf(", %" PRIu32 " of %" PRIu32 " uses, %s", grant->left, grant->uses, time_left);
    }
    putchar('\n');
}
