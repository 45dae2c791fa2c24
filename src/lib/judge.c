/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dry run of the guard, for programs. */
#include "failure.h"

#include "guard.h"
#include "util/cleanup.h"
#include "util/unix_groups.h"

#include <assert.h>
#include <string.h>

struct QmpguardPolicy {
    Policy *host;
    Policy *domain; /* NULL: it has none */
};

/* The answer and what its texts are in. */
typedef struct OwnAnswer {
    QmpguardAnswer shown; /* first: it is this that the caller holds */
    GuardAnswer judged;
    json_object *group_names;
    const char **groups;
} OwnAnswer;

/* Who asks, with the groups that were asked for. */
typedef struct OwnCaller {
    Caller caller;
    UnixGroups groups;
    char *label;
} OwnCaller;

static_assert((int)QMPGUARD_DENY == VERDICT_DENY && (int)QMPGUARD_AUDIT == VERDICT_AUDIT &&
                  (int)QMPGUARD_GRANT == VERDICT_GRANT && (int)QMPGUARD_WARN == VERDICT_WARN &&
                  (int)QMPGUARD_ALLOW == VERDICT_ALLOW,
              "the verdicts are the guard's");
static_assert((int)QMPGUARD_QMP == CHANNEL_QMP && (int)QMPGUARD_HMP == CHANNEL_HMP &&
                  (int)QMPGUARD_AGENT == CHANNEL_AGENT,
              "the channels are the guard's");

/* @whose is `host` or `domain`. */
static int read_policy(const char *text, PolicyKind kind, const char *whose, Policy **ret,
                       QmpguardError *error)
{
    PolicyError why = {0};
    int code;

    *ret = text ? policy_parse(text, strlen(text), kind, &why) : policy_shipped_default(&why);
    if (*ret)
        return QMPGUARD_OK;
    if (why.is_transient || !text)
        return failure_set(error, QMPGUARD_ERROR_MEMORY, "out of memory");
    if (why.line > 0)
        code = failure_set(error, QMPGUARD_ERROR_POLICY, "the %s policy is invalid: line %u: %s",
                           whose, why.line, why.reason.text);
    else
        code = failure_set(error, QMPGUARD_ERROR_POLICY, "the %s policy is invalid: %s", whose,
                           why.reason.text);
    if (error)
        error->line = why.line;
    return code;
}

int qmpguard_policy_read(const char *host_xml, const char *domain_xml, QmpguardPolicy **ret_policy,
                         QmpguardError *error)
{
    QmpguardPolicy *policy;
    int code;

    failure_clear(error);
    if (!ret_policy)
        return failure_set(error, QMPGUARD_ERROR_ARGUMENT, "ret_policy is NULL");
    *ret_policy = NULL;
    policy = calloc(1, sizeof(*policy));
    if (!policy)
        return failure_set(error, QMPGUARD_ERROR_MEMORY, "out of memory");
    code = read_policy(host_xml, POLICY_HOST, "host", &policy->host, error);
    if (code == QMPGUARD_OK && domain_xml)
        code = read_policy(domain_xml, POLICY_DOMAIN, "domain", &policy->domain, error);
    if (code != QMPGUARD_OK) {
        qmpguard_policy_free(policy);
        return code;
    }
    *ret_policy = policy;
    return QMPGUARD_OK;
}

void qmpguard_policy_free(QmpguardPolicy *policy)
{
    if (!policy)
        return;
    policy_unref(policy->host);
    policy_unref(policy->domain);
    free(policy);
}

/* As the daemon shows a caller: never like a UNIX user that is none. NULL: out of memory. */
static char *make_label(const Caller *caller)
{
    char *label = NULL;

    if (caller->user)
        return strdup(caller->user);
    return asprintf(&label, "%s:%s", caller->sasl ? "sasl" : "x509",
                    caller->sasl ? caller->sasl : caller->x509) < 0
               ? NULL
               : label;
}

/* Groups that the caller of the library knows, or that this host does. Returns 0 or -1. */
static int find_groups(const QmpguardPolicy *policy, const QmpguardQuestion *question,
                       OwnCaller *caller)
{
    bool is_asked = policy->host->names_unix_groups ||
                    (policy->domain && policy->domain->names_unix_groups);

    if (question->unix_groups) {
        caller->caller.unix_groups = question->unix_groups;
        while (question->unix_groups[caller->caller.n_unix_groups])
            caller->caller.n_unix_groups++;
        return 0;
    }
    if (!is_asked || !question->user)
        return 0;
    if (unix_groups_read(question->user, (gid_t)-1, &caller->groups) < 0)
        return -1;
    caller->caller.unix_groups = (const char *const *)caller->groups.names;
    caller->caller.n_unix_groups = caller->groups.n_names;
    return 0;
}

/* Only when memory is out is something missing from what guard_judge() leaves. */
static int show_answer(OwnAnswer *answer)
{
    const GuardAnswer *judged = &answer->judged;
    const Operation *operation = judged->decision.operation;
    size_t count = 0;

    if (!judged->rule || !judged->record || (!judged->passes && !judged->message))
        return -1;
    if (!operation && judged->request)
        operation = &judged->request->operations[0];
    answer->group_names = group_name_list(operation ? operation->is.groups : 0);
    if (!answer->group_names)
        return -1;
    count = json_object_array_length(answer->group_names);
    answer->groups = calloc(count + 1, sizeof(*answer->groups));
    if (!answer->groups)
        return -1;
    for (size_t i = 0; i < count; i++)
        answer->groups[i] = json_object_get_string(
            json_object_array_get_idx(answer->group_names, i));
    answer->shown = (QmpguardAnswer){
        .size = sizeof(answer->shown),
        .verdict = judged->passes ? (int)judged->decision.verdict : QMPGUARD_DENY,
        .rule = judged->rule,
        .command = operation ? operation->name : NULL,
        .command_class = operation ? class_name(operation->is.command_class) : NULL,
        .groups = answer->groups,
        .message = judged->message,
        .text = judged->request ? judged->request->text : NULL,
        .record = judged->record,
    };
    return 0;
}

static int judge(const QmpguardPolicy *policy, const QmpguardQuestion *question, OwnAnswer *answer)
{
    OwnCaller caller = {.caller = {.user = question->user,
                                   .sasl = question->sasl,
                                   .x509 = question->x509,
                                   .selinux = question->selinux,
                                   .uid = -1,
                                   .gid = -1,
                                   .pid = -1}};
    GuardCall call = {.channel = (Channel)question->channel,
                      .text = question->text,
                      .length = strlen(question->text),
                      .domain_name = question->domain ? question->domain : "DOMAIN",
                      .caller = &caller.caller,
                      .host = policy->host,
                      .domain = policy->domain,
                      .is_confidential = question->is_confidential};
    int result = -1;

    if (find_groups(policy, question, &caller) < 0) {
        call.failed_rule = "guard:unknown-groups";
        call.failure = "a policy asks for the caller's UNIX groups, and they cannot be read";
    }
    caller.label = make_label(&caller.caller);
    caller.caller.label = caller.label;
    if (caller.label) {
        guard_judge(&call, NULL, NULL, &answer->judged);
        result = show_answer(answer);
    }
    unix_groups_clear(&caller.groups);
    free(caller.label);
    return result;
}

/* Takes over as much of @question as there is. Returns what is wrong with it, or NULL. */
static const char *read_question(const QmpguardQuestion *question, QmpguardQuestion *ret)
{
    static const size_t least = offsetof(QmpguardQuestion, unix_groups) + sizeof(void *);

    *ret = (QmpguardQuestion){0};
    if (!question || question->size < least)
        return "the question is NULL, or its size is not sizeof(QmpguardQuestion)";
    memcpy(ret, question, question->size < sizeof(*ret) ? question->size : sizeof(*ret));
    if (ret->channel < 0 || ret->channel >= CHANNEL_COUNT)
        return "the channel is none of QMPGUARD_QMP, QMPGUARD_HMP, QMPGUARD_AGENT";
    if (!ret->text)
        return "the text is NULL";
    if (!ret->user && !ret->sasl && !ret->x509)
        return "nothing is said of the caller: a user, SASL or X.509 name is needed";
    return NULL;
}

int qmpguard_judge(const QmpguardPolicy *policy, const QmpguardQuestion *question,
                   QmpguardAnswer **ret_answer, QmpguardError *error)
{
    QmpguardQuestion known;
    const char *wrong;
    OwnAnswer *answer;

    failure_clear(error);
    if (ret_answer)
        *ret_answer = NULL;
    if (!policy || !ret_answer)
        return failure_set(error, QMPGUARD_ERROR_ARGUMENT, "the policy or ret_answer is NULL");
    wrong = read_question(question, &known);
    if (wrong)
        return failure_set(error, QMPGUARD_ERROR_ARGUMENT, "%s", wrong);
    answer = calloc(1, sizeof(*answer));
    if (!answer || judge(policy, &known, answer) < 0) {
        qmpguard_answer_free((QmpguardAnswer *)answer);
        return failure_set(error, QMPGUARD_ERROR_MEMORY, "out of memory");
    }
    *ret_answer = &answer->shown;
    return QMPGUARD_OK;
}

void qmpguard_answer_free(QmpguardAnswer *answer)
{
    OwnAnswer *own = (OwnAnswer *)answer;

    if (!own)
        return;
    guard_answer_clear(&own->judged);
    json_object_put(own->group_names);
    free(own->groups);
    free(own);
}

const char *qmpguard_verdict_name(int verdict)
{
    return verdict < 0 || verdict >= VERDICT_COUNT ? NULL : verdict_name((Verdict)verdict);
}

void qmpguard_free(char *text)
{
    free(text);
}
