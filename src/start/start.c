/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is guarded
 *
 *   The guard inside the daemon judges what goes through libvirt. A domain's definition can
 *   go round it: <qemu:commandline> may open a monitor of the domain's own, <emulator> may
 *   be another program, and the daemon may have lost the guard. So the libvirt hook looks
 *   at a domain when it starts, is restored or migrates in.
 *
 * The order of events
 *
 *   1. The domain's XML is read, strictly, without entities (src/domain_xml.c).
 *   2. What is wrong with it is found: its policy, its arguments (command_line.c), its
 *      variables, its emulator, the daemon. Each is a finding of a known kind (finding.c).
 *   3. The start rules of the host policy, and behind them those of the profile baseline,
 *      say of each whether it is refused, warned of or ignored.
 *   4. What is not ignored is recorded. Without a record nothing starts.
 *
 * What always holds
 *
 *   Whatever fails on the way is a refusal. A domain that runs already (`reconnect`) is
 *   only recorded: libvirt would kill it.
 */
#include "start.h"

#include "audit/start.h"
#include "start/command_line.h"
#include "start/guard_path.h"
#include "util/cleanup.h"
#include "util/printable.h"

#include <string.h>

/* Steps that matching all findings with all rules may take. */
#define MATCH_BUDGET ((size_t)20000000)

/* How failures that no rule judges are named in records. */
static const char unreadable[] = "unreadable";

static void look_at_policy(const DomainXml *domain, StartAnswer *answer)
{
    PolicyError error = {0};
    Policy *policy;

    if (!domain->policy_xml) {
        strcpy(answer->policy, "none");
        return;
    }
    policy = policy_parse(domain->policy_xml, strlen(domain->policy_xml), POLICY_DOMAIN, &error);
    if (policy) {
        strcpy(answer->policy, policy->digest);
    } else {
        strcpy(answer->policy, "invalid");
        finding_add(&answer->findings, FINDING_POLICY_INVALID, NULL,
                    "the domain's policy is invalid: line %u: %s", error.line, error.reason.text);
    }
    policy_unref(policy);
}

static void look_at_daemon(const StartCall *call, const DomainXml *domain, FindingList *findings)
{
    bool is_asked_for = domain->policy_xml || call->is_host_file;
    FindingKind kind = is_asked_for ? FINDING_UNGUARDED_DAEMON : FINDING_UNGUARDED_DEFAULT;

    if (call->unguarded)
        finding_add(findings, kind, NULL, "%s: %s", finding_info(kind)->help, call->unguarded);
}

static void look_at_emulator(const DomainXml *domain, FindingList *findings)
{
    if (domain->emulator)
        finding_add(findings, FINDING_EMULATOR, domain->emulator, "the emulator is %s",
                    domain->emulator);
}

static void look_at_devices(const DomainXml *domain, FindingList *findings)
{
    for (size_t i = 0; i < domain->paths.count && !findings->failed; i++) {
        const char *path = domain->paths.items[i];

        if (is_guard_path(path))
            finding_add(findings, FINDING_GUARD_PATH, path, "%s %s", path,
                        finding_info(FINDING_GUARD_PATH)->help);
    }
    for (size_t i = 0; i < domain->programs.count; i++)
        finding_add(findings, FINDING_HOST_EXEC, domain->programs.items[i],
                    "libvirt runs a program of the domain's choice, as root: %s",
                    domain->programs.items[i]);
    for (size_t i = 0; i < domain->labels.count; i++)
        finding_add(findings, FINDING_CONFINEMENT, domain->labels.items[i],
                    "<seclabel> says who QEMU is, or takes its confinement away: %s",
                    domain->labels.items[i]);
}

static void look(const StartCall *call, StartAnswer *answer)
{
    const DomainXml *domain = &answer->domain;

    look_at_policy(domain, answer);
    look_at_daemon(call, domain, &answer->findings);
    look_at_emulator(domain, &answer->findings);
    look_at_devices(domain, &answer->findings);
    command_line_look(&domain->arguments, &answer->findings);
    environment_look(&domain->environment, &answer->findings);
    for (size_t i = 0; i < domain->changes.count; i++)
        finding_add(&answer->findings, FINDING_OVERRIDE, domain->changes.items[i], "<qemu:%s> %s",
                    domain->changes.items[i], finding_info(FINDING_OVERRIDE)->help);
}

static const StartRule *find_rule(const Policy *policy, const Finding *finding, size_t *budget)
{
    for (size_t i = 0; policy && i < policy->n_start_rules; i++) {
        if (start_rule_matches(&policy->start_rules[i], (int)finding->kind, finding->value, budget))
            return &policy->start_rules[i];
    }
    return NULL;
}

static void decide_findings(const Policy *host, FindingList *findings)
{
    const Policy *baseline = policy_profile("baseline");
    size_t budget = MATCH_BUDGET;

    for (size_t i = 0; i < findings->count; i++) {
        Finding *finding = &findings->items[i];
        const StartRule *rule = find_rule(host, finding, &budget);

        if (!rule)
            rule = find_rule(baseline, finding, &budget);
        finding->action = rule ? rule->action : START_REFUSE;
        finding->rule = rule ? rule->id : "start:default";
    }
}

/* Steps 1 to 3. Returns 0, or -1 with a failure that no rule judges. */
static int read_and_decide(const StartCall *call, StartAnswer *answer, const char **ret_rule,
                           Reason *why)
{
    strcpy(answer->policy, "unknown");
    *ret_rule = "start:unreadable";
    if (call->xml_failure)
        return reason_set(why, "the domain's XML cannot be read: %s", call->xml_failure);
    if (domain_xml_read(call->xml, call->length, &answer->domain, why) < 0) {
        Reason what = *why;

        return reason_set(why, "the domain's XML cannot be read: %s", what.text);
    }
    *ret_rule = "host:invalid";
    if (!call->host)
        return reason_set(why, "the host policy is invalid: %s", call->host_failure);
    look(call, answer);
    *ret_rule = "start:failed";
    if (answer->findings.failed)
        return reason_set(why, "more than %d findings, or no memory", FINDINGS_MAX);
    decide_findings(call->host, &answer->findings);
    return 0;
}

/* Under a host policy that only audits, what would be refused is recorded, too. */
static bool may_refuse(const StartCall *call)
{
    return !call->only_records && !(call->host && call->host->mode == MODE_AUDIT);
}

static bool may_be_lost(const StartCall *call)
{
    return call->host && call->host->unrecorded == UNRECORDED_ALLOW;
}

static int write_record(const StartEvent *event, StartRecorder record, void *data)
{
    AuditRecord made;
    int result = -1;

    if (!record)
        return 0;
    audit_start_make(event, &made);
    if (made.line)
        result = record(data, &made);
    audit_record_clear(&made);
    return result;
}

/* Step 4. Returns 0, or -1: something could not be recorded. */
static int record_findings(const StartCall *call, const StartAnswer *answer, StartEvent *event,
                           StartRecorder record, void *data)
{
    int result = 0;

    for (size_t i = 0; i < answer->findings.count; i++) {
        const Finding *finding = &answer->findings.items[i];

        if (finding->action == START_IGNORE)
            continue;
        event->finding = finding_info(finding->kind)->name;
        event->action = finding->action;
        event->refuses = finding->action == START_REFUSE && may_refuse(call);
        event->rule = finding->rule;
        event->reason = finding->reason;
        event->n_findings++;
        if (write_record(event, record, data) < 0)
            result = -1;
    }
    return result;
}

/* What the user of `virsh start` is told: one line, with the domain's own words encoded. */
static char *make_message(const char *domain, const char *finding, const char *rule,
                          const char *reason, const char *remedy)
{
    CLEANUP(mem) char *name = audit_name(domain);
    CLEANUP(mem) char *encoded = printable(reason, "");
    char *message = NULL;

    if (!name || !encoded)
        return NULL;
    if (asprintf(&message, "domain '%s' may not start: %s [%s, refused by %s]; remedy: %s", name,
                 encoded, finding, rule, remedy) < 0)
        return NULL;
    return message;
}

/* The first finding that is refused; how many there are in all. */
static const Finding *find_refused(const FindingList *findings, size_t *ret_count)
{
    const Finding *first = NULL;

    *ret_count = 0;
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].action != START_REFUSE)
            continue;
        first = first ? first : &findings->items[i];
        ++*ret_count;
    }
    return first;
}

/* NULL when nothing is refused: then @ret_message is NULL, too. */
static const Finding *refuse(const StartCall *call, const FindingList *findings, char **ret_message)
{
    size_t count;
    const Finding *refused = find_refused(findings, &count);
    const FindingInfo *info = refused ? finding_info(refused->kind) : NULL;
    CLEANUP(mem) char *reason = NULL;

    *ret_message = NULL;
    if (!refused || !may_refuse(call))
        return NULL;
    if (count > 1 && asprintf(&reason, "%s (and %zu more: see virt-qmp-guard check --start)",
                              refused->reason, count - 1) < 0)
        reason = NULL;
    *ret_message = make_message(call->domain_name, info->name, refused->rule,
                                reason ? reason : refused->reason, info->remedy);
    return refused;
}

static void fail_start(const StartCall *call, StartEvent *event, const char *rule, const char *why,
                       StartAnswer *ret)
{
    event->finding = unreadable;
    event->refuses = !call->only_records;
    event->rule = rule;
    event->reason = why;
    ret->passes = call->only_records;
    if (!ret->passes)
        ret->message = make_message(call->domain_name, unreadable, rule, why,
                                    "correct what cannot be read, then start it again");
}

void start_judge(const StartCall *call, StartRecorder record, void *record_data, StartAnswer *ret)
{
    StartEvent event = {
        .domain = call->domain_name, .operation = call->operation, .when = time(NULL)};
    const char *failed_rule = NULL;
    const Finding *refused;
    Reason why = {""};
    int result;
    int recorded;

    *ret = (StartAnswer){0};
    result = read_and_decide(call, ret, &failed_rule, &why);
    event.policy = ret->policy;
    event.uuid = ret->domain.uuid;
    if (result < 0) {
        fail_start(call, &event, failed_rule, why.text, ret);
        (void)write_record(&event, record, record_data);
        return;
    }
    recorded = record_findings(call, ret, &event, record, record_data);
    refused = refuse(call, &ret->findings, &ret->message);
    event.finding = NULL;
    if (!refused && write_record(&event, record, record_data) < 0)
        recorded = -1;
    ret->passes = call->only_records || (!refused && (recorded == 0 || may_be_lost(call)));
    if (!ret->passes && !refused)
        ret->message = make_message(call->domain_name, "unrecorded", "start:unrecorded",
                                    "its start cannot be recorded",
                                    "see in the system log why the audit trail cannot be written");
}

void start_answer_clear(StartAnswer *answer)
{
    domain_xml_clear(&answer->domain);
    finding_list_clear(&answer->findings);
    free(answer->message);
    answer->message = NULL;
}
