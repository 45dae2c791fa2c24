/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is guarded
 *
 *   A read-write libvirt client can send any text to a domain's QEMU monitor or
 *   guest agent. libvirt asks one question (domain:write), sees no command and
 *   records no user. The plugin hands each such text to guard_judge() first.
 *
 * Who is trusted
 *
 *   root on the host, libvirt's daemon, and the host policy, which only root writes.
 *   Not trusted: the client, the text, the name the client gives the domain or
 *   itself, and the domain's policy, which whoever may send commands may also edit.
 *   The host policy says how much a domain's policy decides.
 *
 * The order of events
 *
 *   1. The text is read strictly into operations (src/request). What two readers
 *      could take differently, what is too large and what is no command is refused.
 *   2. Each operation is looked up in the catalogue (src/catalog): its class and
 *      groups, by name and by what its arguments add.
 *   3. The host's and the domain's rules decide (src/decide.c), purely. What they leave to
 *      libvirt's own permissions, to limits and to root's grants is settled (src/settle.c).
 *   4. The decision is recorded (src/audit/). Without a record nothing passes.
 *   5. The plugin refuses, or forwards the text that src/request wrote from what
 *      was judged; the client's own bytes never go on.
 *
 * What always holds
 *
 *   Whatever fails on the way is a refusal: GuardAnswer starts closed and one line
 *   below opens it.
 *
 * What this cannot prevent is listed in docs/security.md.
 */
#include "guard.h"

#include "settle.h"
#include "util/cleanup.h"
#include "util/json_text.h"
#include "util/printable.h"

#include <string.h>

const char rule_host_invalid[] = "host:invalid";
const char rule_domain_invalid[] = "domain:invalid";

/* As it may be pasted into a shell: whoever may define a domain has chosen its name. */
static char *shell_word(const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_.,:@%+-";
    CLEANUP(mem) char *encoded = audit_name(name);
    CLEANUP(mem) char *whole = NULL;
    char *word = NULL;

    if (!encoded || !encoded[strspn(encoded, plain)])
        return steal_pointer(&encoded);
    whole = printable_cut(name, "|=:'", AUDIT_NAME_MAX);
    return whole && asprintf(&word, "'%s'", whole) >= 0 ? word : NULL;
}

/* The supported libvirt command for what was refused, with the domain's name in it. */
static char *instead_for(const Operation *operation, const char *domain)
{
    static const char placeholder[] = "{domain}";
    const char *instead = operation->entry ? operation->entry->instead : NULL;
    const char *place = instead ? strstr(instead, placeholder) : NULL;
    /* A name that looks like an option would be one. */
    bool is_option = domain && *domain == '-';
    CLEANUP(mem) char *name = shell_word(domain);
    char *text = NULL;

    if (!instead || !name)
        return NULL;
    if (!place)
        return strdup(instead);
    if (asprintf(&text, "%.*s%s%s%s%s", (int)(place - instead), instead,
                 is_option ? "--domain" : "", is_option ? " " : "", name,
                 place + strlen(placeholder)) < 0)
        return NULL;
    return text;
}

/* `: why`, or nothing when the rule says it all. */
static void explain_denial(const GuardAnswer *answer, Reason *ret)
{
    const Decision *decision = &answer->decision;
    const Operation *operation = decision->operation;

    *ret = (Reason){""};
    if (decision->cause == CAUSE_NATIVE) {
        NativeSet asked = catalog_native(operation->entry, operation->is.groups);
        CLEANUP(json) json_object *names = native_name_list(asked);
        CLEANUP(mem) char *list = json_canonical_text(names);

        if (!asked)
            reason_set(ret, ", which lets pass what libvirt has a call of its own for");
        else
            reason_set(ret, ", which asks for libvirt's permission on the domain: one of %s",
                       list ? list : "those that the catalogue has for it");
    } else if (decision->cause == CAUSE_LIMIT) {
        const Limit *limit = (const Limit *)decision->rule; /* which it starts with */

        reason_set(ret, ": at most %u in %u s", limit->count, limit->seconds);
    } else if (decision->cause == CAUSE_NO_COUNT) {
        reason_set(ret, ": too many callers, domains and limits are being counted");
    } else if (answer->refused_grant && answer->obstacle != GRANT_OTHER_CALLER) {
        reason_set(ret, "; the grant %s is %s", answer->refused_grant->id,
                   grant_obstacle_name(answer->obstacle));
    }
}

/*
 * What the client is told of a denial. Names only: libvirt logs what it tells the client,
 * and an HMP line has values in it.
 */
static char *make_denial(const GuardCall *call, const GuardAnswer *answer, const char *domain)
{
    const Operation *decided = answer->decision.operation;
    const Operation *first = &answer->request->operations[0];
    CLEANUP(mem) char *command = audit_name(decided->name);
    CLEANUP(mem) char *whole = audit_name(first->name);
    CLEANUP(mem) char *instead = instead_for(decided, call->domain_name);
    CLEANUP(mem) char *rule = printable(answer->rule, "|=");
    Reason why;
    char *message = NULL;

    explain_denial(answer, &why);
    if (!command || !whole || !rule)
        return NULL;
    if (asprintf(&message, "'%s'%s%s%s on domain '%s' is denied by %s%s%s%s", command,
                 decided == first ? "" : " in '", decided == first ? "" : whole,
                 decided == first ? "" : "'", domain, rule, why.text, instead ? "; use: " : "",
                 instead ? instead : "") < 0)
        return NULL;
    return message;
}

/* What the client is told. Its own words are encoded: others read its errors. */
static char *make_message(const GuardCall *call, const GuardAnswer *answer, const char *failure)
{
    CLEANUP(mem) char *domain = audit_name(call->domain_name);
    CLEANUP(mem) char *because = printable(failure, "|=");
    char *message = NULL;

    if (!domain || !because)
        return NULL;
    if (!failure)
        return make_denial(call, answer, domain);
    if (asprintf(&message, "command for domain '%s' refused by %s: %s", domain, answer->rule,
                 because) < 0)
        return NULL;
    return message;
}

/* A descriptor stays queued in QEMU for whatever later command picks it up. */
static bool has_stray_fds(const GuardCall *call, const Request *request)
{
    const CatalogEntry *entry = request->operations[0].entry;

    return call->n_fds > 0 && !(entry && entry->marks & MARK_FD);
}

/*
 * A guest that is protected from its host is not judged by a profile that lets the host
 * look inside, unless its policy names a full one. (A switch alone is none.)
 */
static bool chooses_confidential(const GuardCall *call)
{
    return call->is_confidential && !(call->domain && call->domain->is_complete);
}

/* Steps 1 to 3. Returns 0 with a decision, or -1 with the failed rule and why. */
static int parse_and_decide(const GuardCall *call, GuardRecorder record, void *record_data,
                            GuardAnswer *answer, const char **ret_rule, Reason *why)
{
    Question question = {.caller = call->caller,
                         .host = call->host,
                         .domain = call->domain,
                         .observer = call->observer,
                         .observer_data = call->observer_data};

    answer->request = request_parse(call->channel, call->text, call->length, why);
    if (call->failed_rule) {
        *ret_rule = call->failed_rule;
        return reason_set(why, "%s", call->failure);
    }
    if (!answer->request) {
        *ret_rule = "request:unreadable";
        return -1;
    }
    if (!call->caller || !call->caller->label) {
        *ret_rule = "guard:unknown-caller";
        return reason_set(why, "nothing is known of who sends it");
    }
    if (!call->host) {
        *ret_rule = rule_host_invalid;
        return reason_set(why, "there is no host policy");
    }
    if (has_stray_fds(call, answer->request)) {
        *ret_rule = "request:stray-fd";
        return reason_set(why, "only getfd and add-fd take a file descriptor");
    }
    question.request = answer->request;
    if (chooses_confidential(call)) {
        question.domain_profile = policy_profile("confidential");
        if (!question.domain)
            question.domain = policy_empty();
        if (!question.domain_profile || !question.domain) {
            *ret_rule = "guard:no-profile";
            return reason_set(why, "the built-in profile 'confidential' could not be read");
        }
    }
    settle(call, &question, answer, record, record_data);
    if (answer->decision.cause == CAUSE_WORK) {
        *ret_rule = "guard:too-much-work";
        return reason_set(why, "the patterns of the policy '%s' take too much work",
                          answer->decision.policy->origin);
    }
    return 0;
}

const char *guard_policy_word(const GuardCall *call)
{
    if (call->domain)
        return call->domain->digest;
    if (call->failed_rule == rule_domain_invalid)
        return "invalid";
    return call->failed_rule && !call->domain_uuid ? "unknown" : "none";
}

static bool is_query(const Request *request)
{
    const GroupInfo *query = group_find("@query");

    for (size_t i = 0; i < request->n_operations; i++) {
        if (!query || !(request->operations[i].is.groups & query->set))
            return false;
    }
    return true;
}

static bool is_recorded_enough(const GuardCall *call, const GuardAnswer *answer,
                               GuardRecorded recorded)
{
    if (recorded != RECORDED_IN_LOG)
        return recorded != RECORDED_NOWHERE;
    return call->host->unrecorded == UNRECORDED_ALLOW ||
           (call->host->unrecorded == UNRECORDED_QUERY && is_query(answer->request));
}

static char *make_unrecorded_message(const GuardCall *call)
{
    CLEANUP(mem) char *domain = audit_name(call->domain_name);
    char *message = NULL;

    if (!domain ||
        asprintf(&message, "command for domain '%s' refused: the audit trail cannot be written",
                 domain) < 0)
        return NULL;
    return message;
}

void guard_judge(const GuardCall *call, GuardRecorder record, void *record_data, GuardAnswer *ret)
{
    AuditEvent event = {.domain = call->domain_name,
                        .channel = call->channel,
                        .caller = call->caller,
                        .id = call->id,
                        .uuid = call->domain_uuid,
                        .policy = guard_policy_word(call),
                        .host_policy = call->host ? call->host->digest : "invalid",
                        .text = call->text,
                        .length = call->length,
                        .profile = chooses_confidential(call) ? "confidential" : NULL,
                        .counts_repeats = call->host && call->host->repeat_seconds > 0,
                        .when = time(NULL)};
    AuditRecord audit_record;
    Reason why = {""};
    char buffer[64];
    bool decided;
    GuardRecorded recorded = RECORDED_NOWHERE;

    *ret = (GuardAnswer){0};
    decided = parse_and_decide(call, record, record_data, ret, &event.failed_rule, &why) == 0;
    event.request = ret->request;
    if (decided) {
        event.decision = &ret->decision;
        event.refused_grant = ret->refused_grant;
        event.obstacle = ret->obstacle;
        event.is_repeated = ret->is_repeated;
    } else {
        event.reason = why.text;
    }
    ret->rule = strdup(decided ? decision_rule_id(&ret->decision, buffer, sizeof(buffer))
                               : event.failed_rule);

    audit_record_make(&event, &audit_record);
    if (audit_record.line)
        recorded = record ? record(record_data, &audit_record) : RECORDED_WHOLE;
    ret->record = steal_pointer(&audit_record.line);
    if (call->id)
        ret->outcome = steal_pointer(&audit_record.common);
    audit_record_clear(&audit_record);

    if (!ret->rule)
        return;
    if (!decided || ret->decision.verdict == VERDICT_DENY) {
        ret->message = make_message(call, ret, decided ? NULL : why.text);
    } else if (is_recorded_enough(call, ret, recorded)) {
        ret->is_counted = recorded == RECORDED_AS_COUNT;
        ret->passes = true;
    } else {
        ret->message = make_unrecorded_message(call);
    }
}

void guard_answer_clear(GuardAnswer *answer)
{
    request_free(answer->request);
    free(answer->message);
    free(answer->rule);
    free(answer->record);
    free(answer->outcome);
    free(answer->grants);
    *answer = (GuardAnswer){0};
}
