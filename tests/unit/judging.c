/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "grants.h"
#include "judging.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

static const Caller alice = {.label = "alice", .user = "alice"};

static GuardRecorded record(void *data, const AuditRecord *record)
{
    Judging *judging = data;

    if (strstr(record->json, "\"event\":\"grant\"")) {
        assert_non_null(strstr(record->json, "\"step\":\"expired\""));
        judging->expired++;
        return RECORDED_WHOLE;
    }
    judging->decisions++;
    judging->priority = record->priority;
    snprintf(judging->line, sizeof(judging->line), "%s", record->line);
    snprintf(judging->json, sizeof(judging->json), "%s", record->json);
    return judging->recorded;
}

static Policy *read_policy(PolicyKind kind, const char *text)
{
    const char *end = *text == '(' ? strchr(text, ')') : NULL;
    CLEANUP(mem) char *attributes = end ? strndup(text + 1, (size_t)(end - text - 1)) : NULL;

    return policy_of(kind, attributes ? attributes : "", end ? end + 1 : text);
}

void judging_start(Judging *judging, const char *host, const char *domain)
{
    grants_empty();
    *judging = (Judging){.host = read_policy(POLICY_HOST, host),
                         .domain = domain ? read_policy(POLICY_DOMAIN, domain) : NULL,
                         .run = GRANTS_RUN,
                         .grants = GRANT_STORE_INIT(grants_path),
                         .limits = limit_counters_new(),
                         .recorded = RECORDED_WHOLE};
    judging->call = (GuardCall){.domain_name = "demo",
                                .domain_uuid = GRANTS_UUID,
                                .caller = &alice,
                                .host = judging->host,
                                .domain = judging->domain,
                                .run = &judging->run,
                                .grants = &judging->grants,
                                .limits = judging->limits};
}

void judging_end(Judging *judging)
{
    guard_answer_clear(&judging->answer);
    grant_store_close(&judging->grants);
    limit_counters_free(judging->limits);
    policy_unref(judging->host);
    policy_unref(judging->domain);
}

bool judging_try(Judging *judging, Channel channel, const char *text)
{
    GuardAnswer *answer = &judging->answer;

    guard_answer_clear(answer);
    judging->call.channel = channel;
    judging->call.text = text;
    judging->call.length = strlen(text);
    guard_judge(&judging->call, judging->is_dry ? NULL : record, judging, answer);
    /* A passing text has no message, a denied one has, and takes nothing. */
    assert_int_equal(answer->passes, !answer->message);
    if (answer->request && answer->decision.operation && !answer->passes &&
        judging->recorded == RECORDED_WHOLE)
        assert_int_equal(answer->decision.n_takes, 0);
    return answer->passes;
}

bool judging_try_qmp(Judging *judging, const char *text)
{
    Request *request = request_of_short(CHANNEL_QMP, text);
    CLEANUP(mem) char *whole = strdup(request->text);

    request_free(request);
    return judging_try(judging, CHANNEL_QMP, whole);
}

void judging_assert_json(const Judging *judging, const char *name, const char *wanted)
{
    CLEANUP(json) json_object *record = json_tokener_parse(judging->json);
    json_object *value = NULL;

    json_object_object_get_ex(record, name, &value);
    assert_json(value, wanted);
}
