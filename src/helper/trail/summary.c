/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --summary: for each VM what was done, by whom, and what was refused. */
#include "json_add.h"
#include "output.h"
#include "policy/policy.h"
#include "print.h"
#include "table_lines.h"
#include "util/cleanup.h"
#include "when.h"

#include <inttypes.h>
#include <json-c/linkhash.h>
#include <langinfo.h>
#include <string.h>

/* Of commands and users so many are shown. */
#define TOP 5

#define BAR_WIDTH 24
#define NAME_WIDTH ((size_t)32)
#define WHAT_SIZE 512

/* One of the lists: a name, and how often it occurred. */
typedef struct Tally {
    uint64_t count;
    char name[];
} Tally;

typedef enum TallyKind {
    TALLY_CLASSES,
    TALLY_VERDICTS,
    TALLY_COMMANDS,
    TALLY_USERS,
    TALLY_COUNT,
} TallyKind;

static const char *const tally_names[TALLY_COUNT] = {
    [TALLY_CLASSES] = "classes",
    [TALLY_VERDICTS] = "verdicts",
    [TALLY_COMMANDS] = "commands",
    [TALLY_USERS] = "users",
};

typedef struct VmSummary {
    uint64_t commands;
    uint64_t blocked;
    uint64_t granted; /* passed by a grant alone */
    uint64_t starts;
    uint64_t refused_starts; /* findings that refused one ... */
    uint64_t would_be_refused_starts; /* ... and such that only would have */
    struct timespec first;
    struct timespec last;
    struct lh_table *tallies[TALLY_COUNT]; /* name -> Tally */
    char name[];
} VmSummary;

struct Summary {
    bool as_json;
    const char *block; /* what bars are made of */
    struct lh_table *vms; /* name -> VmSummary */
};

static void free_tally(struct lh_entry *entry)
{
    free(lh_entry_v(entry));
}

static void free_vm(VmSummary *vm)
{
    for (size_t i = 0; i < TALLY_COUNT; i++) {
        if (vm->tallies[i])
            lh_table_free(vm->tallies[i]);
    }
    free(vm);
}

static void free_vm_entry(struct lh_entry *entry)
{
    free_vm(lh_entry_v(entry));
}

Summary *summary_new(bool as_json)
{
    Summary *summary = calloc(1, sizeof(*summary));
    bool is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;

    if (!summary)
        return NULL;
    summary->as_json = as_json;
    summary->block = is_utf8 && isatty(STDOUT_FILENO) ? "\xe2\x96\x88" : "#";
    summary->vms = lh_kchar_table_new(64, free_vm_entry);
    if (!summary->vms) {
        free(summary);
        return NULL;
    }
    return summary;
}

void summary_free(Summary *summary)
{
    if (!summary)
        return;
    lh_table_free(summary->vms);
    free(summary);
}

static VmSummary *new_vm(const char *name)
{
    VmSummary *vm = calloc(1, sizeof(*vm) + strlen(name) + 1);

    if (!vm)
        return NULL;
    strcpy(vm->name, name);
    for (size_t i = 0; i < TALLY_COUNT; i++) {
        vm->tallies[i] = lh_kchar_table_new(16, free_tally);
        if (!vm->tallies[i]) {
            free_vm(vm);
            return NULL;
        }
    }
    return vm;
}

static VmSummary *find_vm(Summary *summary, const char *name)
{
    struct lh_entry *entry = lh_table_lookup_entry(summary->vms, name);
    VmSummary *vm;

    if (entry)
        return lh_entry_v(entry);
    vm = new_vm(name);
    if (vm && lh_table_insert(summary->vms, vm->name, vm) < 0) {
        free_vm(vm);
        return NULL;
    }
    return vm;
}

static int count(struct lh_table *tallies, const char *name, uint64_t weight)
{
    struct lh_entry *entry = lh_table_lookup_entry(tallies, name);
    Tally *tally;

    if (entry) {
        tally = lh_entry_v(entry);
        tally->count = audit_sum(tally->count, weight);
        return 0;
    }
    tally = malloc(sizeof(*tally) + strlen(name) + 1);
    if (!tally)
        return -1;
    tally->count = weight;
    strcpy(tally->name, name);
    if (lh_table_insert(tallies, tally->name, tally) < 0) {
        free(tally);
        return -1;
    }
    return 0;
}

static bool is_before(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

static void note_time(VmSummary *vm, struct timespec when)
{
    if (when.tv_sec == 0)
        return;
    if (vm->first.tv_sec == 0 || is_before(when, vm->first))
        vm->first = when;
    if (is_before(vm->last, when))
        vm->last = when;
}

static bool is_verdict(const AuditRow *row, Verdict verdict)
{
    return row->fields[ROW_VERDICT] && strcmp(row->fields[ROW_VERDICT], verdict_name(verdict)) == 0;
}

static void note_start(VmSummary *vm, const AuditRow *row)
{
    /* Each finding has a record, too. */
    if (!row->fields[ROW_FINDING])
        vm->starts++;
    else if (is_verdict(row, VERDICT_DENY))
        vm->refused_starts++;
    else if (is_verdict(row, VERDICT_AUDIT))
        vm->would_be_refused_starts++;
}

static int note_command(VmSummary *vm, const AuditRow *row)
{
    uint64_t weight = audit_row_weight(row);
    char what[WHAT_SIZE];
    const char *const names[TALLY_COUNT] = {
        [TALLY_CLASSES] = row->fields[ROW_CLASS],
        [TALLY_VERDICTS] = row->fields[ROW_VERDICT],
        [TALLY_COMMANDS] = audit_row_what(row, what, sizeof(what)),
        [TALLY_USERS] = row->fields[ROW_USER],
    };

    vm->commands = audit_sum(vm->commands, weight);
    if (is_verdict(row, VERDICT_DENY))
        vm->blocked = audit_sum(vm->blocked, weight);
    if (is_verdict(row, VERDICT_GRANT))
        vm->granted = audit_sum(vm->granted, weight);
    for (size_t i = 0; i < TALLY_COUNT; i++) {
        /* The class of what could not be read is not known, and a line of text may not say it. */
        if (count(vm->tallies[i], names[i] ? names[i] : "-", weight) < 0)
            return -1;
    }
    return 0;
}

static int take(void *data, const AuditRow *row)
{
    Summary *summary = data;
    const char *event = row->fields[ROW_EVENT];
    const char *name = row->fields[ROW_DOMAIN];
    VmSummary *vm;

    if (!name || (!audit_row_is_command(row) && strcmp(event, "start") != 0))
        return 0;
    vm = find_vm(summary, name);
    if (!vm)
        return -1;
    note_time(vm, row->when);
    if (audit_row_is_command(row))
        return note_command(vm, row);
    note_start(vm, row);
    return 0;
}

static int by_count(const void *left, const void *right)
{
    const Tally *a = *(Tally *const *)left;
    const Tally *b = *(Tally *const *)right;

    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int by_commands(const void *left, const void *right)
{
    const VmSummary *a = *(VmSummary *const *)left;
    const VmSummary *b = *(VmSummary *const *)right;

    if (a->commands != b->commands)
        return a->commands > b->commands ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* The values of @table by @compare, with a NULL behind them. Caller frees. */
static void *sorted(struct lh_table *table, int (*compare)(const void *, const void *))
{
    size_t n = 0;
    void **values = calloc((size_t)lh_table_length(table) + 1, sizeof(*values));
    struct lh_entry *entry;

    if (!values)
        return NULL;
    lh_foreach(table, entry) values[n++] = lh_entry_v(entry);
    qsort(values, n, sizeof(*values), compare);
    return values;
}

static void print_bar(const Summary *summary, uint64_t part, uint64_t whole)
{
    uint64_t length = whole ? (uint64_t)((double)part / (double)whole * BAR_WIDTH) : 0;

    /* What there is must be seen. */
    for (uint64_t i = 0; i < (length ? length : 1); i++)
        fputs(summary->block, stdout);
    putchar('\n');
}

static int print_tallies(const Summary *summary, const VmSummary *vm, TallyKind kind)
{
    CLEANUP(mem) Tally **tallies = sorted(vm->tallies[kind], by_count);
    const char *heading = tally_names[kind];

    if (!tallies)
        return -1;
    for (size_t i = 0; i < TOP && tallies[i]; i++) {
        size_t width;

        printf("  %-9s ", i ? "" : heading);
        width = table_lines_write(tallies[i]->name);
        printf("%*s %8" PRIu64 "  ", width < NAME_WIDTH ? (int)(NAME_WIDTH - width) : 0, "",
               tallies[i]->count);
        print_bar(summary, tallies[i]->count, vm->commands);
    }
    if (lh_table_length(vm->tallies[kind]) > TOP)
        printf("  %-9s (%d more)\n", "", lh_table_length(vm->tallies[kind]) - TOP);
    return 0;
}

static const char *plural(uint64_t number)
{
    return number == 1 ? "" : "s";
}

static int print_vm(const Summary *summary, const VmSummary *vm)
{
    char first[PRINT_TIME_SIZE];
    char last[PRINT_TIME_SIZE];

    table_lines_write(vm->name);
    printf(": %" PRIu64 " command%s, %" PRIu64 " blocked", vm->commands, plural(vm->commands),
           vm->blocked);
    if (vm->granted)
        printf(", %" PRIu64 " passed by a grant", vm->granted);
    printf(", %" PRIu64 " start%s", vm->starts, plural(vm->starts));
    if (vm->refused_starts)
        printf(", %" PRIu64 " reason%s to refuse one", vm->refused_starts,
               plural(vm->refused_starts));
    if (vm->would_be_refused_starts)
        printf(", %" PRIu64 " reason%s that would have refused one", vm->would_be_refused_starts,
               plural(vm->would_be_refused_starts));
    printf("; %s to %s\n", print_time(vm->first, first), print_time(vm->last, last));
    for (TallyKind kind = TALLY_CLASSES; vm->commands && kind < TALLY_COUNT; kind++) {
        if (kind != TALLY_VERDICTS && print_tallies(summary, vm, kind) < 0)
            return -1;
    }
    return 0;
}

static int add_tallies(json_object *object, const VmSummary *vm, TallyKind kind)
{
    CLEANUP(mem) Tally **tallies = sorted(vm->tallies[kind], by_count);
    json_object *counts = json_object_new_object();

    for (size_t i = 0; tallies && tallies[i]; i++)
        json_add(counts, tallies[i]->name, json_object_new_int64((int64_t)tallies[i]->count));
    json_add(object, tally_names[kind], counts);
    return tallies ? 0 : -1;
}

static void add_time(json_object *object, const char *name, struct timespec when)
{
    char text[WHEN_TEXT_SIZE];

    when_write(when, text);
    if (when.tv_sec)
        json_add_text(object, name, text);
}

static void add_number(json_object *object, const char *name, uint64_t number)
{
    json_add(object, name, json_object_new_int64((int64_t)number));
}

static int print_vm_json(const VmSummary *vm)
{
    CLEANUP(json) json_object *object = json_object_new_object();

    json_add_text(object, "vm", vm->name);
    add_number(object, "total", vm->commands);
    add_number(object, "blocked", vm->blocked);
    add_number(object, "granted", vm->granted);
    add_number(object, "starts", vm->starts);
    add_number(object, "refused_starts", vm->refused_starts);
    add_number(object, "would_be_refused_starts", vm->would_be_refused_starts);
    add_time(object, "first", vm->first);
    add_time(object, "last", vm->last);
    for (TallyKind kind = TALLY_CLASSES; kind < TALLY_COUNT; kind++) {
        if (add_tallies(object, vm, kind) < 0)
            return -1;
    }
    return output_json(object);
}

static int finish(void *data)
{
    Summary *summary = data;
    CLEANUP(mem) VmSummary **vms = sorted(summary->vms, by_commands);

    if (!vms)
        return -1;
    for (size_t i = 0; vms[i]; i++) {
        if (!summary->as_json && i > 0)
            putchar('\n');
        if ((summary->as_json ? print_vm_json(vms[i]) : print_vm(summary, vms[i])) < 0)
            return -1;
    }
    return 0;
}

AuditView summary_view(Summary *summary)
{
    AuditView view = {take, finish, summary};

    return view;
}
