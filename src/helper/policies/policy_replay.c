/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy replay: what a policy would have done to the commands that audit records tell of. */
#include "domain.h"
#include "json_add.h"
#include "output.h"
#include "policy_command.h"
#include "recorded.h"
#include "rejudge.h"
#include "table.h"
#include "util/cleanup.h"
#include "util/memory_text.h"

#include <inttypes.h>
#include <string.h>

static const char *const columns[] = {"count",   "vm",  "user",     "channel",
                                      "command", "was", "would-be", "rule"};

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

/* All of a record that the judgement depends on; records that agree in it are judged once. */
static const char *const members[] = {"domain",     "user",    "who",  "channel", "command",
                                      "hmp",        "verdict", "rule", "class",   "groups",
                                      "parameters", "parts",   "part", "profile", "policy"};

typedef struct Totals {
    int64_t judged;
    int64_t refused; /* passed, and would be refused */
    int64_t passed; /* the other way round */
    int64_t otherwise; /* another verdict that lets pass too */
    int64_t unsure;
} Totals;

typedef struct Replay {
    Rejudging rejudging;
    json_object *records; /* what is kept of a record, as text -> how often */
    json_object *rows; /* by their text, so that rows that look alike are one */
    Totals totals;
} Replay;

static void keep_name(json_object *who, const char *kind, const char *name)
{
    if (who && name)
        json_add_text(who, kind, name);
}

/* Of `who` only the names count, and of the policy's digest only whether there was one. */
static json_object *kept_of(const Recorded *recorded, const char *member)
{
    json_object *value = NULL;
    json_object *kept;

    if (strcmp(member, "who") == 0) {
        if (!json_object_object_get_ex(recorded->json, member, NULL))
            return NULL;
        kept = json_object_new_object();
        keep_name(kept, "user", recorded->unix_user);
        keep_name(kept, "sasl", recorded->sasl);
        keep_name(kept, "x509", recorded->x509);
        keep_name(kept, "selinux", recorded->selinux);
        return kept;
    }
    if (!json_object_object_get_ex(recorded->json, member, &value))
        return NULL;
    if (strcmp(member, "policy") == 0 && strlen(json_object_get_string(value)) > 16)
        return json_object_new_string("known");
    return json_object_get(value);
}

/* A RecordedVisitor. */
static int keep_record(void *data, const Recorded *recorded)
{
    Replay *replay = data;
    CLEANUP(json) json_object *kept = json_object_new_object();
    CLEANUP(mem) char *key = NULL;
    json_object *count = NULL;
    int64_t before = 0;

    if (!kept)
        return complain("out of memory");
    json_add_text(kept, "event", "decision");
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_object *value = kept_of(recorded, members[i]);

        if (value)
            json_add(kept, members[i], value);
    }
    key = json_whole_text(kept);
    if (key && json_object_object_get_ex(replay->records, key, &count))
        before = json_object_get_int64(count);
    count = json_object_new_int64(before + recorded->count);
    if (!key || !count || json_object_object_add(replay->records, key, count) < 0)
        return complain("out of memory");
    return 0;
}

static void add_shown(json_object *object, const char *name, const char *text)
{
    CLEANUP(mem) char *shown = recorded_shown(text);

    json_add(object, name, shown ? json_object_new_string(shown) : NULL);
}

static const char *cause_of(unsigned depends)
{
    if (depends & DEPENDS_ON_ARGUMENTS)
        return "depends on arguments";
    if (depends & DEPENDS_ON_LINE)
        return "depends on the HMP line";
    if (depends & DEPENDS_ON_DOMAIN)
        return "depends on the domain's policy";
    if (depends & DEPENDS_ON_NATIVE)
        return "depends on libvirt's permissions";
    if (depends & DEPENDS_ON_NAMES)
        return "depends on the caller's other names";
    return "depends on UNIX groups";
}

static void add_rules(json_object *row, json_object *rules)
{
    CLEANUP(mem) char *text = NULL;
    MemoryText joined = {0};

    for (size_t i = 0; i < json_object_array_length(rules); i++) {
        const char *rule = json_object_get_string(json_object_array_get_idx(rules, i));

        memory_text_add(&joined, ", ", i ? 2 : 0);
        memory_text_add(&joined, rule, strlen(rule));
    }
    text = memory_text_close(&joined);
    if (text)
        add_shown(row, "rule", text);
    else
        json_add(row, "rule", NULL);
}

static json_object *possible_of(unsigned verdicts)
{
    json_object *names = json_object_new_array();

    for (int verdict = 0; names && verdict < VERDICT_COUNT; verdict++) {
        if (verdicts & (1u << verdict))
            json_append(names, json_object_new_string(verdict_name((Verdict)verdict)));
    }
    return names;
}

static int add_row(Replay *replay, const Recorded *recorded, int64_t count,
                   const Rejudged *rejudged, bool is_certain)
{
    CLEANUP(json) json_object *row = json_object_new_object();
    CLEANUP(mem) char *key = NULL;
    json_object *old = NULL;

    if (!row)
        return -1;
    add_shown(row, "vm", recorded->domain);
    add_shown(row, "user", recorded->user);
    json_add_text(row, "channel", channel_name(recorded->channel));
    add_shown(row, "command", recorded->name ? recorded->name : HMP_WRAPPER);
    json_add_text(row, "was",
                  verdict_name(recorded->is_granted ? VERDICT_GRANT : recorded->verdict));
    json_add_text(row, "would-be",
                  is_certain ? verdict_name(rejudged_verdict(rejudged))
                             : cause_of(rejudged->depends));
    add_rules(row, rejudged->rules);
    if (!is_certain)
        json_add(row, "possible", possible_of(rejudged->verdicts));
    key = json_whole_text(row);
    if (!key)
        return -1;
    if (json_object_object_get_ex(replay->rows, key, &old)) {
        json_object *sum = json_object_object_get(old, "count");

        json_object_set_int64(sum, json_object_get_int64(sum) + count);
        return 0;
    }
    old = json_object_get(row);
    if (json_object_object_add(replay->rows, key, old) < 0)
        return -1;
    json_add(old, "count", json_object_new_int64(count));
    return 0;
}

/* The log's lines do not tell <allow> from <warn>, so of them only passing counts. */
static bool is_same(const Recorded *recorded, Verdict verdict)
{
    if (recorded_text(recorded, "policy"))
        return recorded->verdict == verdict;
    if (recorded->verdict == VERDICT_AUDIT || verdict == VERDICT_AUDIT)
        return recorded->verdict == verdict;
    return (recorded->verdict == VERDICT_DENY) == (verdict == VERDICT_DENY);
}

static int judge_record(Replay *replay, const char *text, int64_t count)
{
    CLEANUP(json) json_object *record = json_tokener_parse(text);
    Totals *totals = &replay->totals;
    Recorded recorded;
    Rejudged rejudged;
    bool is_certain;
    int result = 0;

    if (!record || !recorded_read(record, &recorded))
        return -1;
    if (rejudge(&replay->rejudging, &recorded, &rejudged) < 0) {
        rejudged_clear(&rejudged);
        return -1;
    }
    totals->judged += count;
    is_certain = (rejudged.verdicts & (rejudged.verdicts - 1)) == 0;
    if (!is_certain || !is_same(&recorded, rejudged_verdict(&rejudged))) {
        result = add_row(replay, &recorded, count, &rejudged, is_certain);
        if (!is_certain)
            totals->unsure += count;
        else if (rejudged_verdict(&rejudged) == VERDICT_DENY)
            totals->refused += count;
        else if (recorded.verdict == VERDICT_DENY)
            totals->passed += count;
        else
            totals->otherwise += count;
    }
    rejudged_clear(&rejudged);
    return result;
}

static int judge_all(Replay *replay)
{
    json_object_object_foreach (replay->records, text, count) {
        if (judge_record(replay, text, json_object_get_int64(count)) < 0)
            return -1;
    }
    return 0;
}

static int compare_rows(const void *a, const void *b)
{
    json_object *one = *(json_object *const *)a;
    json_object *other = *(json_object *const *)b;

    for (size_t i = 1; i < COLUMN_COUNT; i++) {
        const char *text = json_object_get_string(json_object_object_get(one, columns[i]));
        const char *against = json_object_get_string(json_object_object_get(other, columns[i]));
        int order = strcmp(text ? text : "", against ? against : "");

        if (order != 0)
            return order;
    }
    return 0;
}

/* The rows as a list, in an order of their own. */
static json_object *sorted_rows(json_object *rows)
{
    json_object *list = json_object_new_array();

    json_object_object_foreach (rows, key, row) {
        (void)key;
        if (list)
            json_append(list, json_object_get(row));
    }
    if (list)
        json_object_array_sort(list, compare_rows);
    return list;
}

static int print_json(const Totals *totals, json_object *rows, uint64_t unreadable)
{
    CLEANUP(json) json_object *object = json_object_new_object();
    json_object *counts = json_object_new_object();

    json_add(counts, "judged", json_object_new_int64(totals->judged));
    json_add(counts, "refused", json_object_new_int64(totals->refused));
    json_add(counts, "passed", json_object_new_int64(totals->passed));
    json_add(counts, "otherwise", json_object_new_int64(totals->otherwise));
    json_add(counts, "depends", json_object_new_int64(totals->unsure));
    json_add(counts, "unreadable", json_object_new_int64((int64_t)unreadable));
    json_add(object, "changes", json_object_get(rows));
    json_add(object, "total", counts);
    return output_json(object);
}

static int print_replay(const PolicyCall *call, Replay *replay, uint64_t unreadable)
{
    CLEANUP(json) json_object *rows = sorted_rows(replay->rows);
    const Totals *totals = &replay->totals;

    if (!rows)
        return complain("out of memory");
    if (call->as_json) {
        if (print_json(totals, rows, unreadable) < 0)
            return complain("out of memory");
    } else {
        if (table_print(rows, columns, COLUMN_COUNT) < 0)
            return complain("out of memory");
        output_remark("%" PRId64 " judged: %" PRId64 " would be refused, %" PRId64
                      " would no longer be refused, %" PRId64
                      " would pass as something else, %" PRId64 " depend on what is not recorded\n",
                      totals->judged, totals->refused, totals->passed, totals->otherwise,
                      totals->unsure);
    }
    if (unreadable > 0)
        complain("lines that could not be read, and were not judged: %" PRIu64, unreadable);
    if (totals->judged == 0)
        return complain("there is no command in what was read");
    if (totals->refused + totals->passed + totals->otherwise > 0)
        return EXIT_NO;
    return totals->unsure > 0 || unreadable > 0 ? EXIT_UNSURE : EXIT_YES;
}

/* Reads the policy on trial, and the one above it. Returns 0 or -1 after complaining. */
static int load_policies(const PolicyCall *call, Policy **ret_host, Policy **ret_domain)
{
    CLEANUP(mem) char *told = NULL;
    PolicyError error = {0};
    int result;

    if (call->is_host) {
        *ret_host = policy_read(call->argv[0], POLICY_HOST);
        return *ret_host ? 0 : -1;
    }
    *ret_domain = policy_read(call->argv[0], POLICY_DOMAIN);
    if (!*ret_domain)
        return -1;
    result = helper_host_policy(call->host_policy_file, ret_host, &error);
    if (result == 1) {
        told = helper_policy_error(
            call->host_policy_file ? call->host_policy_file : HOST_POLICY_PATH, &error);
        fprintf(stderr, "%s\n", told ? told : "out of memory");
    }
    return result == 0 ? 0 : -1;
}

/* Whether what is read, and was not named, is that of the host which is asked for. */
static bool is_here(const PolicyCall *call)
{
    bool reads_trail = call->argc == 1;
    bool reads_policy = !call->is_host && !call->host_policy_file;

    return (!reads_trail || helper_is_here(call->context, "the trail is")) &&
           (!reads_policy ||
            helper_is_here(call->context, "without --host-policy the host policy is"));
}

int policy_replay(const PolicyCall *call)
{
    const RecordedQuery query = {.files = call->argv + 1,
                                 .n_files = (size_t)call->argc - 1,
                                 .domain = call->domain,
                                 .user = call->user};
    Replay replay = {.records = json_object_new_object(), .rows = json_object_new_object()};
    Policy *host = NULL;
    Policy *domain = NULL;
    uint64_t unreadable = 0;
    int status = EXIT_UNSURE;

    if (!replay.records || !replay.rows) {
        complain("out of memory");
    } else if (is_here(call) && load_policies(call, &host, &domain) == 0 &&
               recorded_each(&query, keep_record, &replay, &unreadable) == 0) {
        replay.rejudging.host = host;
        replay.rejudging.domain = domain;
        status = judge_all(&replay) == 0 ? print_replay(call, &replay, unreadable)
                                         : complain("out of memory");
    }
    rejudging_clear(&replay.rejudging);
    policy_unref(host);
    policy_unref(domain);
    json_object_put(replay.records);
    json_object_put(replay.rows);
    return status;
}
