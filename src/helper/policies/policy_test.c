/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy test: is a policy's verdict on each of a file's cases what the file says? */
#include "guard.h"
#include "json_add.h"
#include "output.h"
#include "policy_command.h"
#include "util/choice.h"
#include "util/cleanup.h"
#include "wrap.h"

#include <string.h>

/* verdict | user | channel | text | rule */
enum {
    COLUMN_VERDICT = 0,
    COLUMN_USER,
    COLUMN_CHANNEL,
    COLUMN_TEXT,
    COLUMN_RULE, /* may be left out */
    COLUMN_COUNT,
};

#define GROUPS_MAX 32

typedef struct Case {
    char *columns[COLUMN_COUNT]; /* NULL behind the last one */
    Verdict verdict;
    Channel channel;
    Caller caller;
    const char *groups[GROUPS_MAX];
} Case;

typedef struct TestRun {
    const PolicyCall *call;
    Policy *file; /* on trial */
    Policy *above; /* a domain's policy on trial has the host's above it */
    Policy of_profile; /* stands for the host's when a profile is on trial */
    const Policy *host;
    const Policy *domain;
    size_t line; /* of the case */
    size_t n_passed;
    json_object *failures;
    json_object *errors; /* of lines that are no case */
} TestRun;

static int fail_case(TestRun *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The line is no case: says so, and how to make it one. Returns -1. */
static int fail_case(TestRun *run, const char *format, ...)
{
    CLEANUP(mem) char *why = NULL;
    json_object *object = json_object_new_object();
    va_list args;

    va_start(args, format);
    if (vasprintf(&why, format, args) < 0)
        why = NULL;
    va_end(args);
    json_add(object, "line", json_object_new_int64((int64_t)run->line));
    json_add_text(object, "reason", why ? why : "out of memory");
    json_append(run->errors, object);
    fprintf(stderr, "%s:%zu: %s\n", run->call->argv[1], run->line, why ? why : "out of memory");
    return -1;
}

static char *trimmed(char *text)
{
    size_t length;

    text += strspn(text, " \t\r");
    length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]))
        text[--length] = '\0';
    return text;
}

/* Ends the column at the next bar, makes each `\|` in it a bar, and returns what follows. */
static char *end_column(char *text)
{
    char *out = text;

    for (; *text && *text != '|'; text++) {
        if (text[0] == '\\' && text[1] == '|')
            text++;
        *out++ = *text;
    }
    if (!*text) {
        *out = '\0';
        return NULL;
    }
    *out = '\0';
    return text + 1;
}

static int split_columns(TestRun *run, char *line, Case *ret)
{
    size_t count = 0;

    for (char *rest = line; rest; count++) {
        char *column = rest;

        rest = end_column(column);
        if (count < COLUMN_COUNT)
            ret->columns[count] = trimmed(column);
    }
    if (count < COLUMN_RULE || count > COLUMN_COUNT)
        return fail_case(run,
                         "%zu columns: write 'verdict | user | channel | text', or the same with "
                         "'| rule' behind it; a bar inside a text is '\\|'",
                         count);
    for (size_t i = 0; i < count; i++) {
        static const char *const names[] = {"verdict", "user", "channel", "text", "rule"};

        if (!*ret->columns[i])
            return fail_case(run, "the %s is missing%s", names[i],
                             i == COLUMN_USER   ? ": '-' is somebody without a UNIX name"
                             : i == COLUMN_RULE ? ": leave its bar out, too"
                                                : "");
    }
    return 0;
}

/* `alice`, `alice:ops,wheel`, or `-`. The host's own users and groups are not asked. */
static int read_caller(TestRun *run, Case *ret)
{
    char *user = ret->columns[COLUMN_USER];
    char *groups = strchr(user, ':');
    char *rest = NULL;
    size_t count = 0;

    if (groups)
        *groups++ = '\0';
    for (char *name = groups ? strtok_r(groups, ",", &rest) : NULL; name;
         name = strtok_r(NULL, ",", &rest)) {
        if (count == GROUPS_MAX)
            return fail_case(run, "more than %d groups", GROUPS_MAX);
        ret->groups[count++] = trimmed(name);
    }
    if (!*user || (groups && count == 0))
        return fail_case(run, "write a user as 'alice', or with groups as 'alice:ops,wheel'");
    ret->caller = (Caller){.label = user, .uid = -1, .gid = -1, .pid = -1};
    if (strcmp(user, "-") != 0)
        ret->caller.user = user;
    ret->caller.unix_groups = ret->groups;
    ret->caller.n_unix_groups = count;
    return 0;
}

/* Cases have no grants. */
static int read_verdict(TestRun *run, Case *ret)
{
    const char *name = ret->columns[COLUMN_VERDICT];
    int verdict = verdict_from_name(name);
    const char *words[VERDICT_COUNT];
    char told[CHOICE_SIZE];
    size_t count = 0;

    ret->verdict = (Verdict)verdict;
    if (verdict >= 0 && verdict != VERDICT_GRANT)
        return 0;
    for (int known = VERDICT_COUNT - 1; known >= 0; known--) {
        if (known != VERDICT_GRANT)
            words[count++] = verdict_name((Verdict)known);
    }
    return fail_case(run, "verdict '%s': write %s", name, choice_tell(words, count, told));
}

static int read_channel(TestRun *run, Case *ret)
{
    const char *name = ret->columns[COLUMN_CHANNEL];
    int channel = channel_from_name(name);
    const char *words[CHANNEL_COUNT];
    char told[CHOICE_SIZE];

    ret->channel = (Channel)channel;
    if (channel >= 0)
        return 0;
    for (int known = 0; known < CHANNEL_COUNT; known++)
        words[known] = channel_name((Channel)known);
    return fail_case(run, "channel '%s': write %s", name, choice_tell(words, CHANNEL_COUNT, told));
}

static int read_case(TestRun *run, char *line, Case *ret)
{
    if (split_columns(run, line, ret) < 0 || read_caller(run, ret) < 0)
        return -1;
    return read_verdict(run, ret) < 0 || read_channel(run, ret) < 0 ? -1 : 0;
}

static void add_text(json_object *object, const char *name, const char *text)
{
    if (text)
        json_add_text(object, name, text);
}

static void note_failure(TestRun *run, const Case *expected, Verdict found, const char *rule)
{
    json_object *object = json_object_new_object();

    json_add(object, "line", json_object_new_int64((int64_t)run->line));
    add_text(object, "user", expected->columns[COLUMN_USER]);
    add_text(object, "channel", expected->columns[COLUMN_CHANNEL]);
    add_text(object, "text", expected->columns[COLUMN_TEXT]);
    add_text(object, "expected", expected->columns[COLUMN_VERDICT]);
    add_text(object, "expected-rule", expected->columns[COLUMN_RULE]);
    add_text(object, "found", verdict_name(found));
    add_text(object, "rule", rule);
    json_append(run->failures, object);
    if (!run->call->as_json)
        printf("%s:%zu: expected %s%s%s, found %s by %s: %s %s\n", run->call->argv[1], run->line,
               expected->columns[COLUMN_VERDICT], expected->columns[COLUMN_RULE] ? " by " : "",
               expected->columns[COLUMN_RULE] ? expected->columns[COLUMN_RULE] : "",
               verdict_name(found), rule, expected->columns[COLUMN_CHANNEL],
               expected->columns[COLUMN_TEXT]);
}

/* Nobody is here to be asked about: a case is what the policy makes of it. */
static NativeSet grant_native(void *data, NativeSet asked)
{
    return asked;
}

static int judge_case(TestRun *run, const Case *expected)
{
    CLEANUP(mem) char *text = wrap_line(expected->channel, expected->columns[COLUMN_TEXT]);
    const char *rule = expected->columns[COLUMN_RULE];
    GuardCall call = {.channel = expected->channel,
                      .text = text,
                      .length = text ? strlen(text) : 0,
                      .domain_name = "DOMAIN",
                      .caller = &expected->caller,
                      .host = run->host,
                      .domain = run->domain,
                      .native = grant_native};
    GuardAnswer answer;
    Verdict found;

    if (!text)
        return complain("out of memory");
    guard_judge(&call, NULL, NULL, &answer);
    found = answer.passes ? answer.decision.verdict : VERDICT_DENY;
    if (!answer.rule || !answer.record) {
        guard_answer_clear(&answer);
        return complain("out of memory");
    }
    if (found == expected->verdict && (!rule || strcmp(rule, answer.rule) == 0))
        run->n_passed++;
    else
        note_failure(run, expected, found, answer.rule);
    guard_answer_clear(&answer);
    return 0;
}

static int run_cases(TestRun *run, char *text)
{
    char *rest = text;

    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        Case expected = {0};

        run->line++;
        line = trimmed(line);
        if (!*line || *line == '#')
            continue;
        if (read_case(run, line, &expected) == 0 && judge_case(run, &expected) != 0)
            return -1;
    }
    return 0;
}

static int print_result(const TestRun *run)
{
    size_t n_failed = json_object_array_length(run->failures);
    size_t n_errors = json_object_array_length(run->errors);
    CLEANUP(json) json_object *object = NULL;

    if (run->call->as_json) {
        object = json_object_new_object();
        json_add(object, "passed", json_object_new_int64((int64_t)run->n_passed));
        json_add(object, "failed", json_object_new_int64((int64_t)n_failed));
        json_add(object, "failures", json_object_get(run->failures));
        json_add(object, "errors", json_object_get(run->errors));
        if (output_json(object) < 0)
            return complain("out of memory");
    } else {
        output_remark("%zu passed, %zu failed\n", run->n_passed, n_failed);
    }
    if (n_errors > 0)
        return complain("%zu lines of %s are no cases", n_errors, run->call->argv[1]);
    if (run->n_passed + n_failed == 0)
        return complain("there is no case in %s", run->call->argv[1]);
    return n_failed > 0 ? EXIT_NO : EXIT_YES;
}

static Policy *fail_policy(const char *where, const PolicyError *error)
{
    CLEANUP(mem) char *told = helper_policy_error(where, error);

    fprintf(stderr, "%s\n", told ? told : "out of memory");
    return NULL;
}

/* What stands above a domain's policy: the file that was given, or the shipped default. */
static Policy *load_above(const PolicyCall *call)
{
    PolicyError error = {0};
    Policy *policy;

    if (call->host_policy_file)
        return policy_read(call->host_policy_file, POLICY_HOST);
    policy = policy_shipped_default(&error);
    return policy ? policy : fail_policy("the shipped default", &error);
}

/* A policy of whichever kind fits, a domain's when both do. */
static Policy *load_file(const PolicyCall *call)
{
    size_t length;
    CLEANUP(mem) char *text = read_file(call->argv[0], &length);
    PolicyError error = {0};
    Policy *policy;

    if (!text)
        return NULL;
    policy = call->is_host ? policy_parse(text, length, POLICY_HOST, &error)
                           : policy_parse_any(text, length, &error);
    return policy ? policy : fail_policy(call->argv[0], &error);
}

/* Reads the policies that the cases are about. Returns 0 or -1 after complaining. */
static int load_policies(TestRun *run)
{
    run->file = load_file(run->call);
    if (!run->file)
        return -1;
    if (run->file->kind != POLICY_DOMAIN && run->call->host_policy_file)
        return complain("%s is no domain's policy: --host-policy has nothing to say",
                        run->call->argv[0]),
               -1;
    if (run->file->kind == POLICY_DOMAIN) {
        run->domain = run->file;
        run->host = run->above = load_above(run->call);
        return run->host ? 0 : -1;
    }
    run->host = run->file;
    if (run->file->kind == POLICY_PROFILE) {
        /* A host policy without a rule leaves everything to its profile. */
        run->of_profile = (Policy){.kind = POLICY_HOST,
                                   .origin = run->file->origin,
                                   .profiles = {run->file},
                                   .n_profiles = 1,
                                   .is_complete = run->file->is_complete};
        run->host = &run->of_profile;
    }
    return 0;
}

int policy_test(const PolicyCall *call)
{
    TestRun run = {
        .call = call, .failures = json_object_new_array(), .errors = json_object_new_array()};
    CLEANUP(mem) char *text = NULL;
    size_t length = 0;
    int status = EXIT_UNSURE;

    if (!run.failures || !run.errors) {
        complain("out of memory");
    } else if (load_policies(&run) == 0 && (text = read_file(call->argv[1], &length))) {
        if (memchr(text, '\0', length))
            complain("%s: there is a NUL byte in it", call->argv[1]);
        else if (run_cases(&run, text) == 0)
            status = print_result(&run);
    }
    policy_unref(run.file);
    policy_unref(run.above);
    json_object_put(run.failures);
    json_object_put(run.errors);
    return status;
}
