/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include "json_add.h"
#include "util/cleanup.h"
#include "util/printable.h"

#include <string.h>

/* Names and paths come from outside: encoded once, for both ways to print. */
static void add_text(json_object *row, const char *member, const char *text)
{
    CLEANUP(mem) char *encoded = printable(text, "");

    json_add(row, member, encoded ? json_object_new_string(encoded) : NULL);
}

/* Told apart from NULL that stands for "no memory": there is nothing to say. */
static void add_nothing(json_object *row, const char *member)
{
    json_add_null(row, member);
}

static const char *remedy_of(CheckResult result, const char *remedy, bool is_root)
{
    if (result == CHECK_PASS)
        return NULL;
    if (result == CHECK_UNKNOWN)
        return is_root ? "see why it cannot be read" : "run as root";
    return remedy;
}

static void add_row(json_object *rows, const char *domain, const char *check, CheckResult result,
                    const Reason *detail, const char *remedy)
{
    json_object *row = json_object_new_object();

    if (row) {
        add_text(row, "scope", domain ? "domain" : "host");
        if (domain)
            add_text(row, "domain", domain);
        else
            add_nothing(row, "domain");
        add_text(row, "check", check);
        add_text(row, "result", check_result_name(result));
        add_text(row, "detail", detail->text);
        if (remedy)
            add_text(row, "remedy", remedy);
        else
            add_nothing(row, "remedy");
    }
    json_append(rows, row);
}

void report_host(json_object *rows, const HostFacts *facts, bool is_root)
{
    for (size_t i = 0; i < host_check_count; i++) {
        const HostCheck *check = &host_checks[i];
        Reason detail = {""};
        CheckResult result = check->judge(facts, &detail);

        add_row(rows, NULL, check->name, result, &detail,
                remedy_of(result, check->remedy, is_root));
    }
}

void report_domain(json_object *rows, const DomainFacts *facts, bool is_root)
{
    for (size_t i = 0; i < domain_check_count; i++) {
        const DomainCheck *check = &domain_checks[i];
        Reason detail = {""};
        CheckResult result = check->judge(facts, &detail);

        add_row(rows, facts->name, check->name, result, &detail,
                remedy_of(result, check->remedy, is_root));
    }
}

static const char *member(json_object *row, const char *name)
{
    return json_object_get_string(json_object_object_get(row, name));
}

bool report_has_failure(json_object *rows)
{
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        const char *result = member(json_object_array_get_idx(rows, i), "result");

        if (!result || strcmp(result, check_result_name(CHECK_FAIL)) == 0)
            return true;
    }
    return false;
}

static const struct ColourRow {
    CheckResult result;
    const char *start;
} colours[] = {
    {CHECK_PASS, "\033[32m"},
    {CHECK_WARN, "\033[33m"},
    {CHECK_FAIL, "\033[31m"},
};

static void print_line(json_object *row, bool in_colour)
{
    const char *domain = member(row, "domain");
    const char *result = member(row, "result");
    const char *remedy = member(row, "remedy");
    const char *colour = "";

    for (size_t i = 0; in_colour && i < sizeof(colours) / sizeof(colours[0]); i++) {
        if (strcmp(check_result_name(colours[i].result), result) == 0)
            colour = colours[i].start;
    }
    printf("%s%s: %-16s : %s%s%s (%s%s%s)\n", domain ? "domain " : "host", domain ? domain : "",
           member(row, "check"), colour, result, *colour ? "\033[0m" : "", member(row, "detail"),
           remedy ? "; remedy: " : "", remedy ? remedy : "");
}

int report_print_lines(json_object *rows, bool in_colour, bool only_findings)
{
    if (!json_is_whole(rows))
        return -1;
    for (size_t i = 0; i < json_object_array_length(rows); i++) {
        json_object *row = json_object_array_get_idx(rows, i);

        if (!only_findings || strcmp(member(row, "result"), check_result_name(CHECK_PASS)) != 0)
            print_line(row, in_colour);
    }
    return 0;
}

int report_print_json(json_object *rows)
{
    CLEANUP(mem) char *text = json_whole_text(rows);

    if (!text)
        return -1;
    puts(text);
    return 0;
}
