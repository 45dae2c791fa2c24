/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy learn: the smallest policy that lets pass what audit records show to have passed. */
#include "domain.h"
#include "json_add.h"
#include "learned.h"
#include "output.h"
#include "policy_command.h"
#include "util/cleanup.h"
#include "util/memory_text.h"

#include <inttypes.h>
#include <libxml/xmlwriter.h>
#include <stdarg.h>
#include <string.h>

#define PREFIX "qg:"

/* In a comment: of a longer name, and of a longer list of refusals, the rest is left out. */
#define COMMENT_NAME_MAX 128
#define REFUSALS_MAX 200

/* Room for `; by a grant passed 12`. */
#define GRANTED_MAX 64

typedef struct LearnWriter {
    xmlTextWriterPtr xml;
    json_object *rules; /* the same for programs */
    json_object *denied;
    size_t n_rules; /* that let something pass */
    bool failed;
} LearnWriter;

static void keep_result(LearnWriter *writer, int result)
{
    writer->failed = writer->failed || result < 0;
}

/*
 * `--` would end a comment, and the reader of policies stops at a crowd of `=`: both are
 * encoded as records encode what is not printable.
 */
static void write_comment(LearnWriter *writer, const char *text)
{
    CLEANUP(mem) char *safe = NULL;
    MemoryText copy;
    FILE *out = memory_text_open(&copy);

    if (!out) {
        writer->failed = true;
        return;
    }
    fputc(' ', out);
    for (const char *at = text; *at; at++) {
        if ((*at == '-' && at > text && at[-1] == '-') || *at == '=' || (unsigned char)*at < 0x20 ||
            (unsigned char)*at > 0x7e)
            fprintf(out, "\\x%02x", (unsigned char)*at);
        else
            fputc(*at, out);
    }
    fputc(' ', out);
    safe = memory_text_close(&copy);
    if (!safe)
        writer->failed = true;
    else
        keep_result(writer, xmlTextWriterWriteComment(writer->xml, (const xmlChar *)safe));
}

static void comment(LearnWriter *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void comment(LearnWriter *writer, const char *format, ...)
{
    CLEANUP(mem) char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
        writer->failed = true;
    }
    va_end(args);
    if (text)
        write_comment(writer, text);
}

static void write_attribute(LearnWriter *writer, const char *name, const char *value)
{
    if (value)
        keep_result(writer, xmlTextWriterWriteAttribute(writer->xml, (const xmlChar *)name,
                                                        (const xmlChar *)value));
}

static void add_text(json_object *object, const char *name, const char *value)
{
    if (value)
        json_add_text(object, name, value);
}

static void write_rule(LearnWriter *writer, RuleKind kind, const Learned *learned,
                       const char *command, const char *group)
{
    char element[32];
    const char *channel = learned->channel == CHANNEL_QMP ? NULL : channel_name(learned->channel);
    json_object *object = json_object_new_object();

    snprintf(element, sizeof(element), PREFIX "%s", rule_kind_name(kind));
    keep_result(writer, xmlTextWriterStartElement(writer->xml, (const xmlChar *)element));
    write_attribute(writer, "channel", channel);
    write_attribute(writer, "command", command);
    write_attribute(writer, "group", group);
    write_attribute(writer, "user", learned->user);
    keep_result(writer, xmlTextWriterEndElement(writer->xml));

    add_text(object, "kind", rule_kind_name(kind));
    add_text(object, "channel", channel_name(learned->channel));
    add_text(object, "command", command);
    add_text(object, "group", group);
    add_text(object, "user", learned->user);
    if (!group)
        json_add(object, "count", json_object_new_int64(learned->passed));
    json_append(writer->rules, object);
}

/*
 * Arguments that were never seen and make it dangerous (migrate to `exec:`) are not what was
 * learned, though the name is the same. Every HMP line is dangerous, so there it is the groups
 * that tell.
 */
static void refuse_unseen_danger(LearnWriter *writer, const Learned *learned, const char *command)
{
    const CatalogEntry *entry = learned->entry;
    GroupSet unseen = 0;
    bool can_be = false;
    size_t count;
    const GroupInfo *groups = group_list(&count);

    for (size_t i = 0; entry && i < entry->n_effects; i++) {
        if (entry->effects[i].raises_to != CLASS_DANGEROUS)
            continue;
        can_be = true;
        unseen |= entry->effects[i].groups;
    }
    if (learned->channel != CHANNEL_HMP) {
        if (can_be && entry->command_class != CLASS_DANGEROUS && !learned->was_dangerous)
            write_rule(writer, RULE_DENY, learned, command, "@dangerous");
        return;
    }
    unseen &= entry ? ~(entry->groups | learned->groups) : 0;
    for (size_t i = 0; i < count; i++) {
        bool is_single = (groups[i].set & (groups[i].set - 1)) == 0;

        if (is_single && groups[i].set & unseen)
            write_rule(writer, RULE_DENY, learned, command, groups[i].name);
    }
}

/* What whoever reads the policy should know of the rule below. */
static void write_notes(LearnWriter *writer, const Learned *learned)
{
    if (!learned->entry)
        comment(writer, "%s: the catalogue does not know it", learned->name);
    if (learned->audited > 0)
        comment(writer, "%s: only because a policy audited: %" PRId64 " of %" PRId64, learned->name,
                learned->audited, learned->passed);
    if (learned->denied > 0)
        comment(writer, "%s: refused as well: %" PRId64 ", first by %.*s", learned->name,
                learned->denied, COMMENT_NAME_MAX, learned->denied_by ? learned->denied_by : "?");
    if (learned->granted > 0)
        comment(writer, "%s: of these passed by a grant: %" PRId64, learned->name,
                learned->granted);
    if (learned->arguments_unknown)
        comment(writer, "%s: the records do not say whether it had arguments", learned->name);
}

static void write_command(LearnWriter *writer, const Learned *learned)
{
    RuleKind kind = learned->warned > 0 ? RULE_WARN : RULE_ALLOW;
    CLEANUP(mem) char *pattern = NULL;

    write_notes(writer, learned);
    writer->n_rules++;
    if (learned->channel != CHANNEL_HMP) {
        refuse_unseen_danger(writer, learned, learned->name);
        write_rule(writer, kind, learned, learned->name, NULL);
        return;
    }
    if (learned->bare)
        write_rule(writer, kind, learned, learned->name, NULL);
    if (!learned->with_arguments)
        return;
    if (asprintf(&pattern, "%s *", learned->name) < 0) {
        pattern = NULL;
        writer->failed = true;
        return;
    }
    refuse_unseen_danger(writer, learned, pattern);
    write_rule(writer, kind, learned, pattern, NULL);
}

/* Behind a refusal: those that a grant let pass all the same. */
static const char *passed_by_grants(const Learned *learned, char buffer[GRANTED_MAX])
{
    buffer[0] = '\0';
    if (learned->granted > 0)
        snprintf(buffer, GRANTED_MAX, "; by a grant passed %" PRId64, learned->granted);
    return buffer;
}

static void write_refusal(LearnWriter *writer, const Learned *learned, size_t number)
{
    json_object *object = json_object_new_object();
    char granted[GRANTED_MAX];

    if (number < REFUSALS_MAX)
        comment(writer, "%s %.*s%s%s: %" PRId64 ", first by %.*s%s", channel_name(learned->channel),
                COMMENT_NAME_MAX, learned->name, learned->user ? " of " : "",
                learned->user ? learned->user : "", learned->denied, COMMENT_NAME_MAX,
                learned->denied_by ? learned->denied_by : "?", passed_by_grants(learned, granted));
    add_text(object, "channel", channel_name(learned->channel));
    add_text(object, "command", learned->name);
    add_text(object, "user", learned->user);
    json_add(object, "count", json_object_new_int64(learned->denied));
    json_add(object, "granted", json_object_new_int64(learned->granted));
    add_text(object, "rule", learned->denied_by);
    json_append(writer->denied, object);
}

static void write_refusals(LearnWriter *writer, const LearnedSet *set)
{
    size_t count = 0;

    for (size_t i = 0; i < set->n_commands; i++) {
        const Learned *learned = set->commands[i];

        if (learned->passed > 0 || learned->denied == 0)
            continue;
        if (count == 0)
            comment(writer, "Refused, and so not allowed:");
        write_refusal(writer, learned, count++);
    }
    if (count > REFUSALS_MAX)
        comment(writer, "... and %zu more", count - REFUSALS_MAX);
}

static int leave_out_missing(LearnedSet *set)
{
    for (size_t i = 0; i < set->n_commands; i++) {
        Learned *learned = set->commands[i];

        if (learned->passed > 0 && learned_is_missing(learned) &&
            learned_leave_out(set, learned->name, "there is no such command: CommandNotFound") < 0)
            return -1;
    }
    return 0;
}

/* The whole policy, checked by its own reader; caller frees. NULL after complaining. */
static char *write_policy(LearnWriter *writer, const LearnedSet *set)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    char *text = NULL;

    writer->xml = buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL;
    if (writer->xml) {
        xmlTextWriterSetIndent(writer->xml, 1);
        xmlTextWriterSetIndentString(writer->xml, (const xmlChar *)"  ");
        keep_result(writer, xmlTextWriterStartDocument(writer->xml, NULL, "UTF-8", NULL));
        comment(writer,
                "Learned from %" PRId64 " commands that passed. A rule by name lets every "
                "argument pass; nothing else passes.",
                set->passed);
        keep_result(writer,
                    xmlTextWriterStartElement(writer->xml, (const xmlChar *)PREFIX "policy"));
        write_attribute(writer, "xmlns:qg", POLICY_NAMESPACE);
        write_attribute(writer, "profile", "closed");
        for (size_t i = 0; i < set->n_commands; i++) {
            if (set->commands[i]->passed > 0 && !learned_is_missing(set->commands[i]))
                write_command(writer, set->commands[i]);
        }
        write_refusals(writer, set);
        keep_result(writer, xmlTextWriterEndDocument(writer->xml));
        xmlFreeTextWriter(writer->xml);
    }
    if (writer->xml && !writer->failed)
        text = strdup((const char *)xmlBufferContent(buffer));
    if (buffer)
        xmlBufferFree(buffer);
    if (!text)
        complain("out of memory");
    return text;
}

static int check_policy(const char *text)
{
    PolicyError error = {0};
    Policy *policy = policy_parse(text, strlen(text), POLICY_DOMAIN, &error);

    if (!policy)
        return complain("what was learned makes no policy: %s", error.reason.text);
    policy_unref(policy);
    return 0;
}

static int print_learned_json(const LearnWriter *writer, const LearnedSet *set, const char *text)
{
    CLEANUP(json) json_object *object = json_object_new_object();

    add_text(object, "policy", text);
    json_add(object, "rules", json_object_get(writer->rules));
    json_add(object, "denied", json_object_get(writer->denied));
    json_add(object, "left-out",
             set->left_out ? json_object_get(set->left_out) : json_object_new_array());
    return output_json(object);
}

static int print_learned(const PolicyCall *call, LearnedSet *set)
{
    LearnWriter writer = {.rules = json_object_new_array(), .denied = json_object_new_array()};
    CLEANUP(mem) char *text = NULL;
    int status = EXIT_UNSURE;

    learned_sort(set);
    if (leave_out_missing(set) == 0)
        text = write_policy(&writer, set);
    for (size_t i = 0; set->left_out && i < json_object_array_length(set->left_out); i++) {
        json_object *left_out = json_object_array_get_idx(set->left_out, i);

        complain("left out: '%s': %s",
                 json_object_get_string(json_object_object_get(left_out, "command")),
                 json_object_get_string(json_object_object_get(left_out, "why")));
    }
    if (text && check_policy(text) == 0) {
        status = writer.n_rules > 0 ? EXIT_YES : EXIT_NO;
        if (call->as_json)
            status = print_learned_json(&writer, set, text) < 0 ? complain("out of memory")
                                                                : status;
        else
            fputs(text, stdout);
        if (writer.n_rules == 0)
            complain("nothing was seen to pass: this policy lets nothing pass");
    }
    json_object_put(writer.rules);
    json_object_put(writer.denied);
    return status;
}

int policy_learn(const PolicyCall *call)
{
    const RecordedQuery query = {.files = call->argv,
                                 .n_files = (size_t)call->argc,
                                 .domain = call->domain,
                                 .user = call->user,
                                 .wants_outcomes = true};
    LearnedSet set = {.by_user = call->by_user};
    uint64_t unreadable = 0;
    int status = EXIT_UNSURE;

    if (query.n_files == 0 && !helper_is_here(call->context, "the trail is"))
        return EXIT_UNSURE;
    if (recorded_each(&query, learned_add, &set, &unreadable) == 0) {
        status = print_learned(call, &set);
        if (unreadable > 0)
            complain("lines that could not be read, and what they tell of is not in the policy: "
                     "%" PRIu64,
                     unreadable);
    }
    learned_clear(&set);
    return status;
}
