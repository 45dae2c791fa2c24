/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "finding.h"

#include "util/cleanup.h"

#include <stdarg.h>
#include <string.h>

/* A domain's own words are in there, and records and errors hold it several times over. */
#define REASON_MAX 300

void finding_add(FindingList *list, FindingKind kind, const char *value, const char *format, ...)
{
    Finding finding = {.kind = kind, .value = strdup(value ? value : "")};
    CLEANUP(mem) char *whole = NULL;
    va_list args;
    int length;

    va_start(args, format);
    length = vasprintf(&whole, format, args);
    va_end(args);
    if (length < 0)
        whole = NULL;
    if (whole && asprintf(&finding.reason, "%.*s%s", REASON_MAX, whole,
                          length > REASON_MAX ? "..." : "") < 0)
        finding.reason = NULL;
    if (!finding.value || !finding.reason || list->count == FINDINGS_MAX) {
        free(finding.value);
        free(finding.reason);
        list->failed = true;
        return;
    }
    list->items[list->count++] = finding;
}

void finding_list_cut(FindingList *list, size_t count)
{
    while (list->count > count) {
        list->count--;
        free(list->items[list->count].value);
        free(list->items[list->count].reason);
    }
}

void finding_list_clear(FindingList *list)
{
    finding_list_cut(list, 0);
}
