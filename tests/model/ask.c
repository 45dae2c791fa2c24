/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks the guard itself, for compare.py: what it makes of a text, and what it says of one.
 *
 *   ask <LINES
 *
 * Each line is a JSON object, and each is answered with one line. Members of a line:
 *
 *   requests      [[CHANNEL, TEXT], ...]: these are what `asks` below and in later lines mean
 *   callers       [{label, user, sasl, x509, selinux, groups}, ...]: likewise
 *   host, domain  policies; null is none
 *   confidential  true: the domain has <launchSecurity>
 *   whole         true: the texts go through guard_judge(), from the reading of the text to the
 *                 words of the record; else what was read goes to decide(), which is much faster
 *   counted       true: the same, and limits count, from nothing at the first ask
 *   asks          [[REQUEST, CALLER, [PERMISSION, ...]], ...]: numbers from 0, and what libvirt
 *                 would give the caller
 *
 * The answer has `requests`, for each what was read: {"operations": [...]}, or {};
 * `error`, why a policy is invalid; or `answers`, for each ask [VERDICT, RULE].
 */
#include "guard.h"
#include "util/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 16

/* Policies by their text: a batch often has the same one as the batch before. */
typedef struct KeptPolicy {
    char *text;
    Policy *policy;
} KeptPolicy;

typedef struct Asker {
    json_object *requests;
    Request **read; /* as many */
    json_object *callers;
    KeptPolicy host;
    KeptPolicy domain;
} Asker;

static json_object *member(json_object *object, const char *name)
{
    json_object *value = NULL;

    json_object_object_get_ex(object, name, &value);
    return value;
}

static const char *text_member(json_object *object, const char *name)
{
    return json_object_get_string(member(object, name));
}

static void fail(const char *what)
{
    fprintf(stderr, "ask: %s\n", what);
    exit(2);
}

static Channel channel_of(json_object *request)
{
    int channel = channel_from_name(json_object_get_string(json_object_array_get_idx(request, 0)));

    if (channel < 0)
        fail("no such channel");
    return (Channel)channel;
}

static json_object *describe_operation(const Operation *operation)
{
    json_object *ret = json_object_new_object();

    json_object_object_add(ret, "channel",
                           json_object_new_string(channel_name(operation->channel)));
    json_object_object_add(ret, "name", json_object_new_string(operation->name));
    json_object_object_add(ret, "command", json_object_new_string(operation->command));
    json_object_object_add(ret, "arguments", json_object_get(operation->arguments));
    json_object_object_add(ret, "expanded", json_object_get(operation->expanded));
    json_object_object_add(ret, "wrapper", json_object_get(operation->wrapper_arguments));
    json_object_object_add(ret, "class",
                           json_object_new_string(class_name(operation->is.command_class)));
    json_object_object_add(ret, "groups", group_name_list(operation->is.groups));
    return ret;
}

static json_object *describe_request(const Request *request)
{
    json_object *ret = json_object_new_object();
    json_object *operations;

    if (!request)
        return ret;
    operations = json_object_new_array();
    for (size_t i = 0; i < request->n_operations; i++)
        json_object_array_add(operations, describe_operation(&request->operations[i]));
    json_object_object_add(ret, "operations", operations);
    return ret;
}

static void forget_requests(Asker *asker)
{
    for (size_t i = 0; asker->requests && i < json_object_array_length(asker->requests); i++)
        request_free(asker->read[i]);
    free(asker->read);
    json_object_put(asker->requests);
}

static json_object *read_requests(Asker *asker, json_object *requests)
{
    size_t count = json_object_array_length(requests);
    json_object *ret = json_object_new_array();

    forget_requests(asker);
    asker->requests = json_object_get(requests);
    asker->read = calloc(count, sizeof(Request *));
    for (size_t i = 0; i < count; i++) {
        json_object *asked = json_object_array_get_idx(requests, i);
        json_object *text = json_object_array_get_idx(asked, 1);

        asker->read[i] = request_parse(channel_of(asked), json_object_get_string(text),
                                       (size_t)json_object_get_string_len(text), NULL);
        json_object_array_add(ret, describe_request(asker->read[i]));
    }
    return ret;
}

static void keep(json_object **slot, json_object *value)
{
    json_object_put(*slot);
    *slot = json_object_get(value);
}

/* Returns NULL with the error in @answer; @text NULL is the caller's business. */
static Policy *kept_policy(KeptPolicy *kept, PolicyKind kind, const char *text, const char *where,
                           json_object *answer)
{
    PolicyError error = {0};

    if (kept->policy && strcmp(kept->text, text) == 0)
        return kept->policy;
    policy_unref(kept->policy);
    free(kept->text);
    *kept = (KeptPolicy){.policy = policy_parse(text, strlen(text), kind, &error)};
    if (kept->policy)
        kept->text = strdup(text);
    else
        json_object_object_add(answer, "error", json_object_new_string(where));
    return kept->policy;
}

static NativeSet granted_of(json_object *names)
{
    NativeSet ret = 0;

    for (size_t i = 0; i < json_object_array_length(names); i++) {
        const char *wanted = json_object_get_string(json_object_array_get_idx(names, i));
        unsigned bit = 0;

        while (native_name(bit) && strcmp(native_name(bit), wanted) != 0)
            bit++;
        if (!native_name(bit))
            fail("no such permission");
        ret |= (NativeSet)1 << bit;
    }
    return ret;
}

static NativeSet answer_native(void *data, NativeSet asked)
{
    return asked & *(const NativeSet *)data;
}

static size_t names_of(json_object *list, const char *names[GROUPS_MAX])
{
    size_t count = list ? json_object_array_length(list) : 0;

    if (count > GROUPS_MAX)
        fail("too many groups");
    for (size_t i = 0; i < count; i++)
        names[i] = json_object_get_string(json_object_array_get_idx(list, i));
    return count;
}

static json_object *said(Verdict verdict, const char *rule)
{
    json_object *ret = json_object_new_array();

    json_object_array_add(ret, json_object_new_string(verdict_name(verdict)));
    json_object_array_add(ret, json_object_new_string(rule));
    return ret;
}

static GuardRecorded record_nowhere(void *data, const AuditRecord *record)
{
    return RECORDED_WHOLE;
}

static json_object *ask_guard(const GuardCall *policies, json_object *request, const Caller *caller,
                              NativeSet granted)
{
    json_object *text = json_object_array_get_idx(request, 1);
    GuardCall call = *policies;
    GuardAnswer answer;
    json_object *ret;

    call.channel = channel_of(request);
    call.text = json_object_get_string(text);
    call.length = (size_t)json_object_get_string_len(text);
    call.caller = caller;
    call.native = answer_native;
    call.native_data = &granted;
    guard_judge(&call, call.limits ? record_nowhere : NULL, NULL, &answer);
    ret = said(answer.passes ? answer.decision.verdict : VERDICT_DENY, answer.rule);
    guard_answer_clear(&answer);
    return ret;
}

/* As guard_judge() prepares it. */
static json_object *ask_decide(const GuardCall *policies, const Request *request,
                               const Caller *caller, NativeSet granted)
{
    bool is_confidential = policies->is_confidential;
    Question question = {
        .request = request,
        .caller = caller,
        .host = policies->host,
        .domain = policies->domain || !is_confidential ? policies->domain : policy_empty(),
        .domain_profile = is_confidential ? policy_profile("confidential") : NULL,
        .native_known = ~(NativeSet)0,
        .native_granted = granted,
    };
    Decision decision = decide(&question);
    char rule[4096];

    return said(decision.verdict, decision_rule_id(&decision, rule, sizeof(rule)));
}

static json_object *ask_one(const Asker *asker, const GuardCall *policies, bool whole,
                            json_object *ask)
{
    size_t number = (size_t)json_object_get_int(json_object_array_get_idx(ask, 0));
    json_object *who = json_object_array_get_idx(
        asker->callers, (size_t)json_object_get_int(json_object_array_get_idx(ask, 1)));
    const char *groups[GROUPS_MAX];
    Caller caller = {.label = text_member(who, "label"),
                     .user = text_member(who, "user"),
                     .sasl = text_member(who, "sasl"),
                     .x509 = text_member(who, "x509"),
                     .selinux = text_member(who, "selinux"),
                     .uid = -1,
                     .gid = -1,
                     .pid = -1,
                     .unix_groups = groups,
                     .n_unix_groups = names_of(member(who, "groups"), groups)};
    NativeSet granted = granted_of(json_object_array_get_idx(ask, 2));

    if (!asker->read[number])
        fail("a text that could not be read is asked for");
    return whole ? ask_guard(policies, json_object_array_get_idx(asker->requests, number), &caller,
                             granted)
                 : ask_decide(policies, asker->read[number], &caller, granted);
}

static void ask_all(Asker *asker, json_object *line, json_object *answer)
{
    json_object *asks = member(line, "asks");
    const char *host = text_member(line, "host");
    const char *domain = text_member(line, "domain");
    bool counted = json_object_get_boolean(member(line, "counted"));
    bool whole = counted || json_object_get_boolean(member(line, "whole"));
    GuardCall call = {.domain_name = "demo",
                      .domain_uuid = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
                      .limits = counted ? limit_counters_new() : NULL,
                      .is_confidential = json_object_get_boolean(member(line, "confidential"))};
    PolicyError error;
    Policy *shipped = host ? NULL : policy_shipped_default(&error);
    json_object *answers;

    call.host = host ? kept_policy(&asker->host, POLICY_HOST, host, "host", answer) : shipped;
    if (domain)
        call.domain = kept_policy(&asker->domain, POLICY_DOMAIN, domain, "domain", answer);
    if (call.host && (call.domain || !domain)) {
        answers = json_object_new_array();
        for (size_t i = 0; i < json_object_array_length(asks); i++)
            json_object_array_add(answers,
                                  ask_one(asker, &call, whole, json_object_array_get_idx(asks, i)));
        json_object_object_add(answer, "answers", answers);
    }
    policy_unref(shipped);
    limit_counters_free(call.limits);
}

static json_object *answer_line(Asker *asker, json_object *line)
{
    json_object *answer = json_object_new_object();

    if (member(line, "callers"))
        keep(&asker->callers, member(line, "callers"));
    if (member(line, "requests"))
        json_object_object_add(answer, "requests", read_requests(asker, member(line, "requests")));
    if (member(line, "asks"))
        ask_all(asker, line, answer);
    return answer;
}

int main(void)
{
    CLEANUP(mem) char *text = NULL;
    size_t size = 0;
    Asker asker = {0};

    while (getline(&text, &size, stdin) > 0) {
        CLEANUP(json) json_object *line = json_tokener_parse(text);
        CLEANUP(json) json_object *answer = NULL;

        if (!line)
            fail("not JSON");
        answer = answer_line(&asker, line);
        puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
        fflush(stdout);
    }
    forget_requests(&asker);
    json_object_put(asker.callers);
    policy_unref(asker.host.policy);
    policy_unref(asker.domain.policy);
    free(asker.host.text);
    free(asker.domain.text);
    return 0;
}
