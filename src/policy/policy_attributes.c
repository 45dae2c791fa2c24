/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The attributes that the policy language knows: a table for each element, and a setter
 * for each row. Whatever is in no table makes the policy invalid, with its line.
 */
#include "policy_internal.h"

#include "limit/limit_counter.h"
#include "util/choice.h"
#include "util/cleanup.h"
#include "util/duration.h"
#include "util/nearest.h"
#include "util/path.h"
#include "util/xml_memory.h"

#include <errno.h>
#include <string.h>

#define ATTRIBUTE_MAX ((size_t)1024)

/* Room for `; did you mean '...'?`. */
#define HINT_MAX 80

#define IN_DOMAIN (1u << POLICY_DOMAIN)
#define IN_HOST (1u << POLICY_HOST)
#define IN_PROFILE (1u << POLICY_PROFILE)
#define IN_ANY (IN_DOMAIN | IN_HOST | IN_PROFILE)

static int copy_text(PolicyReader *reader, char **slot, const char *value)
{
    *slot = strdup(value);
    return *slot ? 0 : policy_fail_memory(reader);
}

static int copy_glob(PolicyReader *reader, char **slot, const char *value, xmlNodePtr where)
{
    if (strpbrk(value, "[]"))
        return policy_fail(reader, where,
                           "pattern '%s': only * and ? are special, [...] is not known", value);
    return copy_text(reader, slot, value);
}

static int fail_profile(PolicyReader *reader, const char *name, xmlNodePtr where)
{
    Nearest nearest = nearest_to(name);
    char hint[HINT_MAX];

    for (size_t i = 0; policy_profile_name(i); i++)
        nearest_try(&nearest, policy_profile_name(i));
    return policy_fail(reader, where, "there is no profile '%s'%s", name,
                       nearest_hint(&nearest, hint, sizeof(hint)));
}

static int add_profile(PolicyReader *reader, Policy *policy, const char *name, xmlNodePtr where)
{
    const Policy *profile = reader->find_profile(name);

    if (!profile)
        return fail_profile(reader, name, where);
    if (policy->n_profiles == POLICY_PROFILES_MAX)
        return policy_fail(reader, where, "more than %d profiles", POLICY_PROFILES_MAX);
    policy->profiles[policy->n_profiles++] = profile;
    policy->is_complete = policy->is_complete || profile->is_complete;
    return 0;
}

/* Adds one of the names in an attribute. Returns 0 or -1. */
typedef int (*NameAdder)(PolicyReader *reader, Policy *policy, const char *name, xmlNodePtr where);

/* One name or several, separated by spaces. */
static int add_names(PolicyReader *reader, Policy *policy, const char *attribute, const char *value,
                     xmlNodePtr where, NameAdder add)
{
    CLEANUP(mem) char *names = strdup(value);
    char *rest = NULL;

    if (!names)
        return policy_fail_memory(reader);
    if (!names[strspn(names, " ")])
        return policy_fail(reader, where, "attribute '%s' of <%s> names none", attribute,
                           where->name);
    for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        if (add(reader, policy, name, where) < 0)
            return -1;
    }
    return 0;
}

static int set_profile(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    return add_names(reader, target, "profile", value, where, add_profile);
}

#define COUNT(words) (int)(sizeof(words) / sizeof(*(words)))

/* Returns which of the @words it is, or -1. */
static int choose(PolicyReader *reader, const char *attribute, const char *value,
                  const char *const *words, int count, xmlNodePtr where)
{
    char told[CHOICE_SIZE];

    for (int i = 0; i < count; i++) {
        if (strcmp(value, words[i]) == 0)
            return i;
    }
    return policy_fail(reader, where, "%s '%s': it is %s", attribute, value,
                       choice_tell(words, (size_t)count, told));
}

static int set_mode(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    static const char *const words[] = {[MODE_ENFORCE] = "enforce", [MODE_AUDIT] = "audit"};
    int mode = choose(reader, "mode", value, words, COUNT(words), where);

    if (mode < 0)
        return -1;
    ((Policy *)target)->mode = (PolicyMode)mode;
    return 0;
}

static int set_domain_mode(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    static const char *const words[] = {[false] = "any", [true] = "enforce"};
    int enforces = choose(reader, "domain-mode", value, words, COUNT(words), where);

    if (enforces < 0)
        return -1;
    ((Policy *)target)->enforces_domains = enforces;
    return 0;
}

static int set_unrecorded(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    static const char *const words[] = {
        [UNRECORDED_QUERY] = "query",
        [UNRECORDED_DENY] = "deny",
        [UNRECORDED_ALLOW] = "allow",
    };
    int unrecorded = choose(reader, "unrecorded", value, words, COUNT(words), where);

    if (unrecorded < 0)
        return -1;
    ((Policy *)target)->unrecorded = (Unrecorded)unrecorded;
    return 0;
}

/* An hour at most: what is counted is not seen until then. */
static int set_repeat(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    char *end;
    unsigned long seconds = strtoul(value, &end, 10);

    if (*end || !strchr("0123456789", *value) || seconds > 3600)
        return policy_fail(reader, where, "repeat '%s' is not a number of seconds up to 3600",
                           value);
    ((Policy *)target)->repeat_seconds = (unsigned)seconds;
    return 0;
}

static int set_name(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    return copy_text(reader, &((Policy *)target)->origin, value);
}

static int set_default(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    Policy *policy = target;
    static const Verdict known[] = {VERDICT_DENY, VERDICT_WARN, VERDICT_ALLOW};
    const char *const words[] = {verdict_name(known[0]), verdict_name(known[1]),
                                 verdict_name(known[2])};
    int otherwise = choose(reader, "default", value, words, COUNT(words), where);

    if (otherwise < 0)
        return -1;
    policy->otherwise = known[otherwise];
    policy->has_default = policy->is_complete = true;
    return 0;
}

static int set_command(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    return copy_glob(reader, &((Rule *)target)->command, value, where);
}

static int set_channel(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    const char *words[CHANNEL_COUNT];
    int channel;

    for (int i = 0; i < CHANNEL_COUNT; i++)
        words[i] = channel_name((Channel)i);
    channel = choose(reader, "channel", value, words, COUNT(words), where);
    if (channel < 0)
        return -1;
    ((Rule *)target)->channels = 1u << channel;
    reader->has_channel = true;
    return 0;
}

static int fail_group(PolicyReader *reader, const char *name, xmlNodePtr where)
{
    Nearest nearest = nearest_to(name);
    char hint[HINT_MAX];

    group_try_names(&nearest);
    return policy_fail(reader, where, "there is no group '%s'%s", name,
                       nearest_hint(&nearest, hint, sizeof(hint)));
}

static int add_confirmed(PolicyReader *reader, Policy *policy, const char *name, xmlNodePtr where)
{
    const GroupInfo *group = group_find(name);

    if (!group)
        return fail_group(reader, name, where);
    policy->confirmed_groups |= group->set;
    return 0;
}

static int set_confirm(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    return add_names(reader, target, "confirm", value, where, add_confirmed);
}

static int set_group(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    Rule *rule = target;
    const GroupInfo *group = group_find(value);

    if (!group)
        return fail_group(reader, value, where);
    rule->groups = group->set;
    return copy_text(reader, &rule->group_name, value);
}

static int set_user(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    return copy_text(reader, &((Rule *)target)->user, value);
}

static int set_unix_group(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    reader->policy->names_unix_groups = true;
    return copy_text(reader, &((Rule *)target)->unix_group, value);
}

static int set_sasl(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    return copy_text(reader, &((Rule *)target)->sasl, value);
}

static int set_x509(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    return copy_text(reader, &((Rule *)target)->x509, value);
}

static int set_selinux(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    return copy_glob(reader, &((Rule *)target)->selinux, value, where);
}

static int set_require(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    if (strcmp(value, "native") != 0)
        return policy_fail(reader, where, "require '%s' is not 'native'", value);
    ((Rule *)target)->requires_native = true;
    return 0;
}

static int set_count(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    char *end;
    unsigned long count = strtoul(value, &end, 10);

    if (*end || !strchr("0123456789", *value) || count == 0 || count > LIMIT_COUNT_MAX)
        return policy_fail(reader, where, "count '%s' is not a number from 1 to %d", value,
                           LIMIT_COUNT_MAX);
    ((Limit *)target)->count = (unsigned)count;
    return 0;
}

static int set_per(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    int64_t seconds;

    if (duration_parse(value, &seconds) < 0 || seconds == 0 || seconds > LIMIT_SECONDS_MAX)
        return policy_fail(reader, where, "per '%s' is not a time like 60s, 5m or 1h, up to 24h",
                           value);
    ((Limit *)target)->seconds = (unsigned)seconds;
    return 0;
}

/* Arguments that hold secrets, or what is put into a guest: their values are never recorded. */
static const char *const never_recorded[] = {
    "password", "passwd", "secret",     "data",    "key", "keys",
    "arg",      "env",    "input-data", "buf-b64", "str", "command-line",
};

static int set_record(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    CLEANUP(mem) char *names = strdup(value);
    char *rest = NULL;

    if (!names)
        return policy_fail_memory(reader);
    for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        for (size_t i = 0; i < sizeof(never_recorded) / sizeof(never_recorded[0]); i++) {
            if (strcmp(name, never_recorded[i]) == 0)
                return policy_fail(reader, where, "the value of '%s' is never recorded", name);
        }
    }
    return copy_text(reader, &((Rule *)target)->record, value);
}

static int set_purpose(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    return copy_text(reader, &((Rule *)target)->purpose, value);
}

static int set_argument_name(PolicyReader *reader, void *target, const char *value,
                             xmlNodePtr where)
{
    return copy_text(reader, &((Condition *)target)->name, value);
}

static int set_argument_match(PolicyReader *reader, void *target, const char *value,
                              xmlNodePtr where)
{
    return copy_glob(reader, &((Condition *)target)->match, value, where);
}

static int set_argument_prefix(PolicyReader *reader, void *target, const char *value,
                               xmlNodePtr where)
{
    Condition *condition = target;

    if (*value != '/')
        return policy_fail(reader, where, "prefix '%s' is not an absolute path", value);
    condition->prefix = path_normalised(value);
    return condition->prefix ? 0 : policy_fail_memory(reader);
}

static int set_argument_value(PolicyReader *reader, void *target, const char *value,
                              xmlNodePtr where)
{
    return copy_text(reader, &((Condition *)target)->value, value);
}

static int set_argument_max(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    Condition *condition = target;
    char *end;

    errno = 0;
    condition->max = strtoll(value, &end, 10);
    if (errno || *end || !strchr("-0123456789", *value))
        return policy_fail(reader, where, "max '%s' is not a whole number", value);
    condition->has_max = true;
    return 0;
}

static int fail_finding(PolicyReader *reader, const char *name, xmlNodePtr where)
{
    Nearest nearest = nearest_to(name);
    char hint[HINT_MAX];

    for (int kind = 0; kind < FINDING_KIND_COUNT; kind++)
        nearest_try(&nearest, finding_info((FindingKind)kind)->name);
    return policy_fail(reader, where, "there is no finding '%s'%s", name,
                       nearest_hint(&nearest, hint, sizeof(hint)));
}

static int set_finding(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    int kind = finding_kind_from_name(value);

    if (kind < 0)
        return fail_finding(reader, value, where);
    ((StartRule *)target)->kind = kind;
    return 0;
}

static int set_start_match(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    return set_argument_match(reader, &((StartRule *)target)->value, value, where);
}

static int set_start_prefix(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    return set_argument_prefix(reader, &((StartRule *)target)->value, value, where);
}

const AttributeRow policy_attributes[] = {
    {"profile", set_profile, IN_ANY},
    {"mode", set_mode, IN_DOMAIN | IN_HOST},
    {"unrecorded", set_unrecorded, IN_HOST},
    {"repeat", set_repeat, IN_HOST},
    {"domain-mode", set_domain_mode, IN_HOST},
    {"name", set_name, IN_PROFILE},
    {"default", set_default, IN_PROFILE},
    {"confirm", set_confirm, IN_HOST},
    {NULL, NULL, 0},
};

const AttributeRow rule_attributes[] = {
    {"command", set_command, IN_ANY},
    {"channel", set_channel, IN_ANY},
    {"group", set_group, IN_ANY},
    {"user", set_user, IN_ANY},
    {"unix-group", set_unix_group, IN_ANY},
    {"sasl", set_sasl, IN_ANY},
    {"x509", set_x509, IN_ANY},
    {"selinux", set_selinux, IN_ANY},
    {"require", set_require, IN_ANY},
    {"purpose", set_purpose, IN_ANY},
    {"record", set_record, IN_HOST | IN_PROFILE},
    {NULL, NULL, 0},
};

const AttributeRow limit_attributes[] = {
    {"command", set_command, IN_ANY},
    {"channel", set_channel, IN_ANY},
    {"group", set_group, IN_ANY},
    {"user", set_user, IN_ANY},
    {"unix-group", set_unix_group, IN_ANY},
    {"sasl", set_sasl, IN_ANY},
    {"x509", set_x509, IN_ANY},
    {"selinux", set_selinux, IN_ANY},
    {"count", set_count, IN_ANY},
    {"per", set_per, IN_ANY},
    {NULL, NULL, 0},
};

const AttributeRow argument_attributes[] = {
    {"name", set_argument_name, IN_ANY},     {"match", set_argument_match, IN_ANY},
    {"prefix", set_argument_prefix, IN_ANY}, {"value", set_argument_value, IN_ANY},
    {"max", set_argument_max, IN_ANY},       {NULL, NULL, 0},
};

const AttributeRow start_attributes[] = {
    {"finding", set_finding, IN_HOST | IN_PROFILE},
    {"match", set_start_match, IN_HOST | IN_PROFILE},
    {"prefix", set_start_prefix, IN_HOST | IN_PROFILE},
    {NULL, NULL, 0},
};

static const char *const kind_names[] = {
    [POLICY_DOMAIN] = "domain",
    [POLICY_HOST] = "host",
    [POLICY_PROFILE] = "profile",
};

static const AttributeRow *find_attribute(const AttributeRow *rows, xmlAttrPtr attribute)
{
    if (attribute->ns)
        return NULL;
    for (; rows->name; rows++) {
        if (strcmp(rows->name, (const char *)attribute->name) == 0)
            return rows;
    }
    return NULL;
}

static int fail_attribute(PolicyReader *reader, xmlAttrPtr attribute, const AttributeRow *rows)
{
    Nearest nearest = nearest_to((const char *)attribute->name);
    char hint[HINT_MAX];

    for (; rows->name; rows++) {
        if (rows->kinds & (1u << reader->policy->kind))
            nearest_try(&nearest, rows->name);
    }
    return policy_fail(reader, attribute->parent, "unknown attribute '%s' of <%s>%s",
                       attribute->name, attribute->parent->name,
                       nearest_hint(&nearest, hint, sizeof(hint)));
}

static int read_attribute(PolicyReader *reader, xmlAttrPtr attribute, const AttributeRow *rows,
                          void *target)
{
    const AttributeRow *row = find_attribute(rows, attribute);
    xmlNodePtr node = attribute->parent;
    CLEANUP(xmlstr) xmlChar *value = xml_attribute_text(attribute);
    const char *text = (const char *)value;

    if (!row)
        return fail_attribute(reader, attribute, rows);
    if (!text)
        return policy_fail_memory(reader);
    if (!(row->kinds & (1u << reader->policy->kind)))
        return policy_fail_misplaced(reader, node,
                                     "attribute '%s' does not belong in a %s's policy", row->name,
                                     kind_names[reader->policy->kind]);
    if (*text == '\0')
        return policy_fail(reader, node, "attribute '%s' of <%s> is empty", row->name, node->name);
    if (strlen(text) > ATTRIBUTE_MAX)
        return policy_fail(reader, node, "attribute '%s' of <%s> is longer than %zu bytes",
                           row->name, node->name, ATTRIBUTE_MAX);
    return row->set(reader, target, text, node);
}

int policy_read_attributes(PolicyReader *reader, xmlNodePtr node, const AttributeRow *rows,
                           void *target)
{
    for (xmlAttrPtr attribute = node->properties; attribute; attribute = attribute->next) {
        if (read_attribute(reader, attribute, rows, target) < 0)
            return -1;
    }
    return 0;
}
