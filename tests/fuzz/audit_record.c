/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A record of a decision with names and texts of anybody's choice. It is one line and one
 * JSON object, and both of the helper's readers take from it the same domain, user and
 * command.
 */
#include "audit/audit.h"
#include "audit/trail.h"
#include "fuzz.h"
#include "trail/json_line.h"
#include "trail/reader.h"
#include "trail/scan.h"
#include "util/cleanup.h"

#include <string.h>

#define N_HOSTS 3

static Policy *hosts[N_HOSTS];

static const char *const failed_rules[] = {"request:unreadable", "host:invalid", "domain:invalid"};

/* The texts of one input, and what is made of them. */
typedef struct Made {
    char *domain;
    char *label;
    char *user;
    char *reason;
    char *uuid;
    char *claimed;
    char *text; /* of the request */
    Request *request;
    Decision decision;
    Caller caller;
    AuditEvent event;
} Made;

static void make(FuzzInput input, Made *ret)
{
    uint8_t turns = fuzz_take_byte(&input);
    Channel channel = (Channel)(fuzz_take_byte(&input) % CHANNEL_COUNT);
    Question question = {.caller = &ret->caller, .host = hosts[turns % N_HOSTS]};
    Reason why;

    *ret = (Made){.domain = fuzz_take_text(&input),
                  .label = fuzz_take_text(&input),
                  .user = fuzz_take_text(&input),
                  .reason = fuzz_take_text(&input),
                  .uuid = fuzz_take_text(&input),
                  .claimed = fuzz_take_text(&input)};
    ret->text = fuzz_take_text(&input);
    ret->caller = (Caller){.label = turns & 8 ? NULL : ret->label,
                           .user = ret->user,
                           .sasl = ret->label,
                           .x509 = ret->claimed,
                           .selinux = ret->reason,
                           .claimed = turns & 16 ? ret->claimed : NULL,
                           .uid = 7,
                           .gid = -1,
                           .pid = 9};
    ret->request = request_parse(channel, ret->text, strlen(ret->text), &why);
    ret->event = (AuditEvent){.domain = ret->domain,
                              .channel = channel,
                              .request = ret->request,
                              .caller = &ret->caller,
                              .id = "id",
                              .uuid = ret->uuid,
                              .policy = "none",
                              .host_policy = hosts[0]->digest,
                              .text = ret->text,
                              .length = strlen(ret->text),
                              .when = 1795255200};
    question.request = ret->request;
    if (ret->request && !(turns & 32)) {
        ret->decision = decide(&question);
        ret->event.decision = &ret->decision;
    } else {
        ret->event.failed_rule = failed_rules[turns % 3];
        ret->event.reason = ret->reason;
    }
}

static void unmake(Made *made)
{
    request_free(made->request);
    free(made->domain);
    free(made->label);
    free(made->user);
    free(made->reason);
    free(made->uuid);
    free(made->claimed);
    free(made->text);
}

/* The line in libvirt's log and the one of the trail, as a file with both. */
static char *as_file(const AuditRecord *record)
{
    static const char *const levels[] = {
        [AUDIT_INFO] = "info", [AUDIT_WARNING] = "warning", [AUDIT_ERROR] = "error"};
    size_t length = strlen(record->json);
    CLEANUP(mem) char *open = NULL;
    char chain[DIGEST_TEXT_SIZE];
    char *file = NULL;

    fuzz_must(asprintf(&open, "%.*s,\"seq\":1", (int)length - 1, record->json) >= 0,
              "out of memory");
    trail_chain("", open, strlen(open), chain);
    fuzz_must(asprintf(&file, "2026-11-21 10:00:00.000+0000: 123: %s : %s\n%s,\"chain\":\"%s\"}\n",
                       levels[record->priority], record->line, open, chain) >= 0,
              "out of memory");
    return file;
}

static void complain_of(void *data, const char *source, uint64_t number, const char *why)
{
    fuzz_must(false, "line %d of a record cannot be read: %s: %s", (int)number, why,
              (const char *)data);
}

/* Both sources name a thing alike; a line cuts a longer name than @cut bytes off earlier. */
static void check_member(json_object *line, json_object *trail, const char *member,
                         const char *name)
{
    const char *a = json_object_get_string(json_object_object_get(line, member));
    const char *b = json_object_get_string(json_object_object_get(trail, member));
    bool is_cut = name && strlen(name) > AUDIT_NAME_MAX - sizeof("sasl:");
    size_t length = a ? strlen(a) : 0;

    fuzz_must(a && b, "the %s is missing", member);
    if (is_cut && length > 3 && strcmp(a + length - 3, "...") == 0)
        fuzz_must(strncmp(a, b, length - 3) == 0, "the %s is '%s' or '%s'", member, a, b);
    else
        fuzz_must(strcmp(a, b) == 0, "the %s is '%s' or '%s'", member, a, b);
}

/* The line says `allow` or `warn` of what passes, and the exact word of the rest. */
static void check_verdict(json_object *line, json_object *trail, const char *wanted)
{
    const char *a = json_object_get_string(json_object_object_get(line, "verdict"));
    const char *b = json_object_get_string(json_object_object_get(trail, "verdict"));
    bool passes = strcmp(wanted, "allow") == 0 || strcmp(wanted, "warn") == 0;

    fuzz_must(a && b && strcmp(b, wanted) == 0, "the trail's verdict is not %s", wanted);
    fuzz_must(passes ? strcmp(a, "allow") == 0 || strcmp(a, "warn") == 0 : strcmp(a, wanted) == 0,
              "the verdict %s is read as %s", wanted, a);
}

/* Returns a new reference to what the reader makes of the next line. */
static json_object *next_record(AuditReader *reader, const char *file)
{
    AuditEntry entry;

    fuzz_must(audit_reader_next(reader, &entry) == 1, "a record is not read: %s", file);
    return json_object_get(entry.json);
}

static void check_read(const Made *made, const AuditRecord *record)
{
    CLEANUP(mem) char *file = as_file(record);
    const char *name = fuzz_file(file, strlen(file));
    AuditSource source = {.files = &name, .n_files = 1, .complain = complain_of, .data = file};
    AuditReader *reader = audit_reader_open(&source);
    CLEANUP(json) json_object *line = NULL;
    CLEANUP(json) json_object *trail = NULL;
    AuditEntry entry;
    const char *json = strchr(file, '\n') + 1;

    fuzz_must(reader != NULL, "no reader");
    /* One with a brace in a list's text is looked at twice: it may have a member twice. */
    fuzz_must(json_line_is_trail(json, strlen(json) - 1) && scan_is_sound(json, strlen(json) - 1),
              "the quick reader does not take %s", json);
    line = next_record(reader, file);
    trail = next_record(reader, file);
    fuzz_must(audit_reader_next(reader, &entry) == 0, "one record is several: %s", file);
    audit_reader_close(reader);
    check_member(line, trail, "event", NULL);
    check_member(line, trail, "domain", made->domain);
    check_member(line, trail, "user", made->caller.label);
    check_member(line, trail, "command", NULL);
    check_member(line, trail, "channel", NULL);
    check_verdict(line, trail, record->verdict);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const texts[N_HOSTS] = {
        "<policy xmlns='" POLICY_NAMESPACE "'><allow command='*' record='filename'/></policy>",
        "<policy xmlns='" POLICY_NAMESPACE "' mode='audit'><deny command='b*'/></policy>",
        "<policy xmlns='" POLICY_NAMESPACE "'><warn group='@query'/><deny group='@unknown'/>"
        "</policy>",
    };
    PolicyError error = {0};

    for (size_t i = 0; i < N_HOSTS; i++) {
        hosts[i] = policy_parse(texts[i], strlen(texts[i]), POLICY_HOST, &error);
        fuzz_must(hosts[i] != NULL, "%s", error.reason.text);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Made made;
    AuditRecord record;

    make((FuzzInput){data, size}, &made);
    audit_record_make(&made.event, &record);
    fuzz_must_be_line(record.line, "the line");
    fuzz_must_be_line(record.json, "the record of the trail");
    fuzz_must_be_line(record.domain, "the field of the domain");
    fuzz_must_be_line(record.user, "the field of the user");
    fuzz_must_be_line(record.command, "the field of the command");
    fuzz_must(strlen(record.json) < TRAIL_LINE_MAX - 200, "a record of %zu bytes",
              strlen(record.json));
    check_read(&made, &record);
    audit_record_clear(&record);
    unmake(&made);
    return 0;
}
