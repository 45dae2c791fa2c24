/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain's XML as the hook reads it when the domain starts. What cannot be read never
 * passes, nor what is refused or cannot be recorded; and each record is one line, which the
 * helper reads as what it says.
 */
#include "fuzz.h"
#include "start/start.h"
#include "trail/text_line.h"
#include "util/cleanup.h"

#include <string.h>

static Policy *hosts[2]; /* the shipped default; one that refuses nothing but two kinds */

/* What the judgement recorded. */
typedef struct Recorded {
    size_t count;
    size_t refused;
    size_t failing; /* the record, counted from 1, that cannot be written; 0: none */
} Recorded;

static const char *text_of(json_object *record, const char *member)
{
    return json_object_get_string(json_object_object_get(record, member));
}

/* The domain is called `d` by the caller, whatever its XML says. */
static int take_record(void *data, const AuditRecord *record)
{
    Recorded *recorded = data;
    CLEANUP(json) json_object *read = NULL;
    struct timespec when;
    const char *why = NULL;

    recorded->count++;
    fuzz_must_be_line(record->line, "a record");
    fuzz_must_be_line(record->json, "a record of the trail");
    read = text_record_read(record->line, strlen(record->line), false, &when, &why);
    fuzz_must(read != NULL, "a record cannot be read: %s: %s", why ? why : "it is none",
              record->line);
    fuzz_must(strcmp(text_of(read, "event"), "start") == 0 &&
                  strcmp(text_of(read, "domain"), "d") == 0 &&
                  strcmp(text_of(read, "verdict"), record->verdict) == 0,
              "a record is read as %s: %s", json_object_to_json_string(read), record->line);
    recorded->refused += strcmp(record->verdict, "deny") == 0;
    return recorded->count == recorded->failing ? -1 : 0;
}

static void check_findings(const StartAnswer *answer)
{
    fuzz_must(answer->findings.count <= FINDINGS_MAX, "%zu findings", answer->findings.count);
    for (size_t i = 0; i < answer->findings.count; i++) {
        const Finding *finding = &answer->findings.items[i];

        fuzz_must(finding_info(finding->kind) != NULL && finding->value && finding->reason,
                  "a finding without its words");
        fuzz_must(!answer->passes || finding->action != START_REFUSE,
                  "%s is refused, and the domain starts", finding->reason);
    }
}

/* Judges once. Returns whether it passes; @ret_findings is how many there are. */
static bool judge(const StartCall *call, Recorded *recorded, size_t *ret_findings)
{
    StartAnswer answer;
    bool passes;

    start_judge(call, recorded ? take_record : NULL, recorded, &answer);
    passes = answer.passes;
    *ret_findings = answer.findings.count;
    fuzz_must(passes == !answer.message, "it %s, and there is %s message",
              passes ? "passes" : "is refused", answer.message ? "a" : "no");
    if (answer.message)
        fuzz_must_be_line(answer.message, "what its user is told");
    fuzz_must(!passes || !answer.findings.failed, "it passes with too many findings");
    check_findings(&answer);
    start_answer_clear(&answer);
    return passes;
}

static void check_start(StartCall call, bool is_readable)
{
    Recorded recorded = {0};
    Recorded failing = {.failing = 1};
    size_t findings;
    size_t dry;
    bool passes = judge(&call, &recorded, &findings);

    fuzz_must(!passes || is_readable, "what cannot be read passes");
    fuzz_must(recorded.count > 0, "nothing is recorded");
    fuzz_must(passes == (recorded.refused == 0), "%zu records of a refusal, and it %s",
              recorded.refused, passes ? "passes" : "does not");
    fuzz_must(judge(&call, NULL, &dry) == passes && dry == findings,
              "a dry run judges in another way");
    fuzz_must(!judge(&call, &failing, &dry), "it passes without a record");
    call.unguarded = "it is not loaded";
    recorded = (Recorded){0};
    fuzz_must(!judge(&call, &recorded, &dry) || passes,
              "what is refused passes under a daemon without the guard");
    call.xml_failure = "it is not there";
    fuzz_must(!judge(&call, &recorded, &dry), "no XML passes");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char text[] =
        "<policy xmlns='" POLICY_NAMESPACE "'><start><refuse finding='network-monitor'/>"
        "<refuse finding='argument' match='*x*' /><ignore finding='emulator' prefix='/usr'/>"
        "<warn/></start></policy>";
    PolicyError error = {0};

    hosts[0] = policy_shipped_default(&error);
    hosts[1] = policy_parse(text, sizeof(text) - 1, POLICY_HOST, &error);
    fuzz_must(hosts[0] && hosts[1], "%s", error.reason.text);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    StartCall call = {
        .operation = "prepare", .domain_name = "d", .xml = (const char *)data, .length = size};
    DomainXml domain = {0};
    Reason why = {""};
    bool is_readable = domain_xml_read(call.xml, size, &domain, &why) == 0;

    fuzz_must(is_readable || *why.text, "a refusal without a reason");
    domain_xml_clear(&domain);
    /* By turns, as parsing is what takes the time. */
    call.host = hosts[size % 2];
    check_start(call, is_readable);
    return 0;
}
