/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A policy: a domain's, the host's or a profile's, by the first byte. What is accepted has a
 * digest that stays, decides whatever it is asked, and its index leads to what trying every
 * rule leads to.
 */
#include "policy/policy.h"
#include "decide.h"
#include "fuzz.h"
#include "util/cleanup.h"

#include <string.h>

/* What policies are asked: each channel, class and way to find a rule. */
static const struct {
    Channel channel;
    const char *text;
} texts[] = {
    {CHANNEL_QMP, "{\"execute\":\"query-status\"}"},
    {CHANNEL_QMP, "{\"execute\":\"nonesuch\"}"},
    {CHANNEL_QMP, "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"exec:sh\"}}"},
    {CHANNEL_QMP, "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"/tmp/../x\"}}"},
    {CHANNEL_QMP, "{\"execute\":\"blockdev-add\",\"arguments\":{\"node-name\":\"n\",\"driver\":"
                  "\"qcow2\",\"file\":\"json:{\\\"file.filename\\\":\\\"/srv/a\\\"}\"}}"},
    {CHANNEL_QMP, "{\"execute\":\"transaction\",\"arguments\":{\"actions\":[{\"type\":\"abort\"},"
                  "{\"type\":\"blockdev-backup\",\"data\":{\"device\":\"d\"}}]}}"},
    {CHANNEL_QMP, "{\"execute\":\"pmemsave\",\"arguments\":{\"val\":0,\"size\":4096,"
                  "\"filename\":\"/x\"}}"},
    {CHANNEL_QMP, "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":"
                  "\"info status\"}}"},
    {CHANNEL_HMP, "device_add virtio-net,id=x"},
    {CHANNEL_HMP, "nonesuch a b"},
    {CHANNEL_AGENT, "{\"execute\":\"guest-ping\"}"},
    {CHANNEL_AGENT, "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/sh\"}}"},
};

#define N_TEXTS (sizeof(texts) / sizeof(texts[0]))

static Request *requests[N_TEXTS];

static const char *const groups[] = {"ops", "libvirt"};

static const Caller callers[] = {
    {.label = NULL, .uid = -1, .gid = -1, .pid = -1},
    {.label = "alice",
     .user = "alice",
     .uid = 1000,
     .gid = 1000,
     .pid = 7,
     .unix_groups = groups,
     .n_unix_groups = 2},
};

#define N_CALLERS (sizeof(callers) / sizeof(callers[0]))

/* Hands everything over to the domain. */
static Policy *delegating;

/* What an observer hears, in short. */
typedef struct Heard {
    size_t rules;
    uint64_t sum;
} Heard;

static void hear(void *data, const Operation *operation, const Policy *policy, const Rule *rule,
                 bool matched)
{
    Heard *heard = data;

    heard->rules++;
    heard->sum = heard->sum * 31 + (uint64_t)(uintptr_t)rule + (uint64_t)(uintptr_t)policy +
                 (uint64_t)(uintptr_t)operation + (matched ? 1 : 0);
}

static void check_question(Question question, const char *text)
{
    Heard by_index = {0};
    Heard by_all = {0};
    Decision index;
    Decision all;
    char id[64];

    question.observer = hear;
    question.observer_data = &by_index;
    index = decide(&question);
    question.observer_data = &by_all;
    question.ignores_index = true;
    all = decide(&question);

    fuzz_must(index.verdict < VERDICT_COUNT && index.operation != NULL, "no verdict on %s", text);
    fuzz_must(*decision_rule_id(&index, id, sizeof(id)) != '\0', "no rule's name for %s", text);
    fuzz_must(index.cause != CAUSE_WORK || index.verdict == VERDICT_DENY, "gave up and let %s pass",
              text);
    /* Who tries fewer rules may come to an end where the other one gives up. */
    if (all.cause)
        return;
    fuzz_must(!index.cause, "the index takes more work: %s", text);
    fuzz_must(index.verdict == all.verdict && index.rule == all.rule &&
                  index.policy == all.policy && index.operation == all.operation,
              "%s: %s by the index, %s without it", text, verdict_name(index.verdict),
              verdict_name(all.verdict));
    fuzz_must(by_index.rules == by_all.rules && by_index.sum == by_all.sum,
              "%s: an observer hears of %zu rules by the index, of %zu without it", text,
              by_index.rules, by_all.rules);
}

static void check_decisions(const Policy *policy)
{
    for (size_t i = 0; i < N_TEXTS * N_CALLERS; i++) {
        Question question = {
            .request = requests[i / N_CALLERS],
            .caller = &callers[i % N_CALLERS],
            .host = policy->kind == POLICY_HOST ? policy : delegating,
            .domain = policy->kind == POLICY_DOMAIN ? policy : policy_empty(),
            .domain_profile = policy->kind == POLICY_PROFILE ? policy : NULL,
        };

        check_question(question, texts[i / N_CALLERS].text);
        if (policy->kind != POLICY_HOST)
            continue;
        question.domain = NULL;
        check_question(question, texts[i / N_CALLERS].text);
    }
}

static void check_policy(const Policy *policy)
{
    fuzz_must(strlen(policy->digest) == DIGEST_TEXT_SIZE - 1, "no digest");
    fuzz_must(policy->n_rules <= POLICY_RULES_MAX, "%zu rules", policy->n_rules);
    for (size_t i = 0; i < policy->n_rules; i++)
        fuzz_must(policy->rules[i].id && *policy->rules[i].id, "a rule without a name");
    for (size_t i = 0; i < policy->n_start_rules; i++)
        fuzz_must_be_line(policy->start_rules[i].id, "a start rule's name");
    fuzz_must(policy->kind != POLICY_DOMAIN || policy->n_start_rules == 0,
              "a domain has start rules");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char text[] = "<policy xmlns='" POLICY_NAMESPACE "'><delegate/></policy>";
    PolicyError error = {0};
    Reason why;

    for (size_t i = 0; i < N_TEXTS; i++) {
        requests[i] = request_parse(texts[i].channel, texts[i].text, strlen(texts[i].text), &why);
        fuzz_must(requests[i] != NULL, "%s: %s", texts[i].text, why.text);
    }
    delegating = policy_parse(text, sizeof(text) - 1, POLICY_HOST, &error);
    fuzz_must(delegating != NULL, "%s", error.reason.text);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PolicyKind kind = size > 0 ? (PolicyKind)(*data % 3) : POLICY_DOMAIN;
    const char *text = (const char *)data + (size > 0);
    size_t length = size - (size > 0);
    PolicyError error = {0};
    Policy *policy = policy_parse(text, length, kind, &error);
    Policy *again;

    if (!policy) {
        fuzz_must(*error.reason.text != '\0', "a refusal without a reason");
        return 0;
    }
    again = policy_parse(text, length, kind, &error);
    fuzz_must(again && strcmp(again->digest, policy->digest) == 0, "another digest: %.*s",
              (int)length, text);
    policy_unref(again);
    check_policy(policy);
    check_decisions(policy);
    policy_unref(policy);
    return 0;
}
