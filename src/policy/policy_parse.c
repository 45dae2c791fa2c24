/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XML to rules. Each element has a table of the attributes it knows; whatever is
 * in no table makes the policy invalid, with its line.
 */
#include "policy.h"

#include "policy_internal.h"
#include "util/cleanup.h"

#include <errno.h>
#include <libxml/parser.h>
#include <limits.h>
#include <string.h>

#define ATTRIBUTE_MAX ((size_t)1024)

/* Far more than a rule has attributes, and room for a ruler of `=` in a comment. */
#define TAG_EQUALS_MAX 256

typedef struct PolicyReader {
    Policy *policy;
    PolicyError *error;
    const Policy *(*find_profile)(const char *name);
    bool has_channel;
} PolicyReader;

/* Stores one attribute's value in what @target points to: a Policy, Rule or Condition. */
typedef int (*AttributeSetter)(PolicyReader *reader, void *target, const char *value,
                               xmlNodePtr where);

typedef struct AttributeRow {
    const char *name;
    AttributeSetter set;
    unsigned kinds; /* bit 1 << PolicyKind: where it may stand */
} AttributeRow;

#define IN_DOMAIN (1u << POLICY_DOMAIN)
#define IN_HOST (1u << POLICY_HOST)
#define IN_PROFILE (1u << POLICY_PROFILE)
#define IN_ANY (IN_DOMAIN | IN_HOST | IN_PROFILE)

static int fail(PolicyReader *reader, xmlNodePtr where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(PolicyReader *reader, xmlNodePtr where, const char *format, ...)
{
    va_list args;
    long line = where ? xmlGetLineNo(where) : 0;

    reader->error->line = line > 0 ? (unsigned)line : 0;
    va_start(args, format);
    reason_setv(&reader->error->reason, format, args);
    va_end(args);
    return -1;
}

static int fail_memory(PolicyReader *reader)
{
    reader->error->is_transient = true;
    return fail(reader, NULL, "out of memory");
}

static int copy_text(PolicyReader *reader, char **slot, const char *value)
{
    *slot = strdup(value);
    return *slot ? 0 : fail_memory(reader);
}

static int copy_glob(PolicyReader *reader, char **slot, const char *value, xmlNodePtr where)
{
    if (strpbrk(value, "[]"))
        return fail(reader, where, "pattern '%s': only * and ? are special, [...] is not known",
                    value);
    return copy_text(reader, slot, value);
}

static int add_profile(PolicyReader *reader, Policy *policy, const char *name, xmlNodePtr where)
{
    const Policy *profile = reader->find_profile(name);

    if (!profile)
        return fail(reader, where, "there is no profile '%s'", name);
    if (policy->n_profiles == POLICY_PROFILES_MAX)
        return fail(reader, where, "more than %d profiles", POLICY_PROFILES_MAX);
    policy->profiles[policy->n_profiles++] = profile;
    policy->is_complete = policy->is_complete || profile->is_complete;
    return 0;
}

/* One name or several, separated by spaces. */
static int set_profile(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    CLEANUP(mem) char *names = strdup(value);
    char *rest = NULL;

    if (!names)
        return fail_memory(reader);
    if (!names[strspn(names, " ")])
        return fail(reader, where, "attribute 'profile' of <%s> names none", where->name);
    for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        if (add_profile(reader, target, name, where) < 0)
            return -1;
    }
    return 0;
}

static int set_mode(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    Policy *policy = target;

    if (strcmp(value, "audit") == 0)
        policy->mode = MODE_AUDIT;
    else if (strcmp(value, "enforce") != 0)
        return fail(reader, where, "mode '%s' is neither 'enforce' nor 'audit'", value);
    return 0;
}

static int set_domain_mode(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    Policy *policy = target;

    if (strcmp(value, "enforce") == 0)
        policy->enforces_domains = true;
    else if (strcmp(value, "any") != 0)
        return fail(reader, where, "domain-mode '%s' is neither 'any' nor 'enforce'", value);
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

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(value, verdict_name(known[i])) == 0) {
            policy->otherwise = known[i];
            policy->has_default = policy->is_complete = true;
            return 0;
        }
    }
    return fail(reader, where, "default '%s' is none of 'deny', 'warn', 'allow'", value);
}

static int set_command(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    return copy_glob(reader, &((Rule *)target)->command, value, where);
}

static int set_channel(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    int channel = channel_from_name(value);

    if (channel < 0)
        return fail(reader, where, "channel '%s' is none of 'qmp', 'hmp', 'agent'", value);
    ((Rule *)target)->channels = 1u << channel;
    reader->has_channel = true;
    return 0;
}

static int set_group(PolicyReader *reader, void *target, const char *value, xmlNodePtr where)
{
    Rule *rule = target;
    const GroupInfo *group = group_find(value);

    if (!group)
        return fail(reader, where, "there is no group '%s'", value);
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

static const char *const kind_names[] = {
    [POLICY_DOMAIN] = "domain",
    [POLICY_HOST] = "host",
    [POLICY_PROFILE] = "profile",
};

static int set_argument_prefix(PolicyReader *reader, void *target, const char *value,
                               xmlNodePtr where)
{
    Condition *condition = target;

    if (*value != '/')
        return fail(reader, where, "prefix '%s' is not an absolute path", value);
    condition->prefix = path_normalised(value);
    return condition->prefix ? 0 : fail_memory(reader);
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
        return fail(reader, where, "max '%s' is not a whole number", value);
    condition->has_max = true;
    return 0;
}

static const AttributeRow policy_attributes[] = {
    {"profile", set_profile, IN_ANY},          {"mode", set_mode, IN_DOMAIN | IN_HOST},
    {"domain-mode", set_domain_mode, IN_HOST}, {"name", set_name, IN_PROFILE},
    {"default", set_default, IN_PROFILE},      {NULL, NULL, 0},
};

static const AttributeRow rule_attributes[] = {
    {"command", set_command, IN_ANY},
    {"channel", set_channel, IN_ANY},
    {"group", set_group, IN_ANY},
    {"user", set_user, IN_ANY},
    {"unix-group", set_unix_group, IN_ANY},
    {"purpose", set_purpose, IN_ANY},
    {NULL, NULL, 0},
};

static const AttributeRow argument_attributes[] = {
    {"name", set_argument_name, IN_ANY},     {"match", set_argument_match, IN_ANY},
    {"prefix", set_argument_prefix, IN_ANY}, {"value", set_argument_value, IN_ANY},
    {"max", set_argument_max, IN_ANY},       {NULL, NULL, 0},
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

static int read_attribute(PolicyReader *reader, xmlAttrPtr attribute, const AttributeRow *rows,
                          void *target)
{
    const AttributeRow *row = find_attribute(rows, attribute);
    xmlNodePtr node = attribute->parent;
    CLEANUP(xmlstr)
    xmlChar *value = xmlNodeListGetString(node->doc, attribute->children, 1);
    const char *text = value ? (const char *)value : "";

    if (!row)
        return fail(reader, node, "unknown attribute '%s' of <%s>", attribute->name, node->name);
    if (!(row->kinds & (1u << reader->policy->kind)))
        return fail(reader, node, "attribute '%s' does not belong in a %s's policy", row->name,
                    kind_names[reader->policy->kind]);
    if (*text == '\0')
        return fail(reader, node, "attribute '%s' of <%s> is empty", row->name, node->name);
    if (strlen(text) > ATTRIBUTE_MAX)
        return fail(reader, node, "attribute '%s' of <%s> is longer than %zu bytes", row->name,
                    node->name, ATTRIBUTE_MAX);
    return row->set(reader, target, text, node);
}

static int read_attributes(PolicyReader *reader, xmlNodePtr node, const AttributeRow *rows,
                           void *target)
{
    for (xmlAttrPtr attribute = node->properties; attribute; attribute = attribute->next) {
        if (read_attribute(reader, attribute, rows, target) < 0)
            return -1;
    }
    return 0;
}

/*
 * libvirt takes the namespace off the elements when it hands a domain's metadata out,
 * so there a policy without one is ours, throughout.
 */
static bool is_ours(const PolicyReader *reader, xmlNodePtr node)
{
    xmlNodePtr root = xmlDocGetRootElement(node->doc);

    if (!node->ns)
        return reader->policy->kind == POLICY_DOMAIN && !root->ns;
    return strcmp((const char *)node->ns->href, POLICY_NAMESPACE) == 0;
}

/*
 * The next child element, or NULL. Comments and white space are skipped; text, and
 * anything else that nobody would read, fails and sets @ret_failed.
 */
static xmlNodePtr next_element(PolicyReader *reader, xmlNodePtr node, bool *ret_failed)
{
    for (; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE) {
            if (is_ours(reader, node))
                return node;
            fail(reader, node, "<%s> is not in the namespace '%s'", node->name, POLICY_NAMESPACE);
        } else if (node->type == XML_COMMENT_NODE || xmlIsBlankNode(node)) {
            continue;
        } else {
            fail(reader, node, "text or markup that means nothing inside <%s>", node->parent->name);
        }
        *ret_failed = true;
        return NULL;
    }
    return NULL;
}

static int read_argument(PolicyReader *reader, xmlNodePtr node, Rule *rule)
{
    bool failed = false;
    Condition *grown;
    Condition *argument;

    if (strcmp((const char *)node->name, "argument") != 0)
        return fail(reader, node, "unknown element <%s> in a rule", node->name);
    grown = realloc(rule->arguments, (rule->n_arguments + 1) * sizeof(*grown));
    if (!grown)
        return fail_memory(reader);
    rule->arguments = grown;
    argument = &rule->arguments[rule->n_arguments++];
    *argument = (Condition){0};

    if (read_attributes(reader, node, argument_attributes, argument) < 0)
        return -1;
    if (!argument->name)
        return fail(reader, node, "<argument> needs the attribute 'name'");
    if (!argument->match && !argument->prefix && !argument->value && !argument->has_max)
        return fail(reader, node, "<argument> needs one of 'match', 'prefix', 'value', 'max'");
    if (next_element(reader, node->children, &failed) || failed)
        return failed ? -1 : fail(reader, node->children, "<argument> has nothing inside it");
    return 0;
}

/* `baseline:@dangerous` for a profile; others also number their rules, to be unambiguous. */
static char *make_rule_id(const Policy *policy, const Rule *rule)
{
    const char *what = rule->command ? rule->command : rule->group_name;
    char *id = NULL;
    int length;

    if (!what)
        what = rule_kind_name(rule->kind);
    if (policy->kind == POLICY_PROFILE)
        length = asprintf(&id, "%s:%s", policy->origin, what);
    else
        length = asprintf(&id, "%s:%s#%zu", policy->origin, what, policy->n_rules);
    return length < 0 ? NULL : id;
}

/* In steps of the decision's work budget, beside what its globs take. */
static unsigned rule_cost(const Rule *rule)
{
    size_t cost = 8;

    if (rule->user)
        cost += strlen(rule->user) / 8;
    for (size_t i = 0; i < rule->n_arguments; i++)
        cost += 2 + strlen(rule->arguments[i].name) / 8;
    return (unsigned)cost;
}

static int rule_kind_from_name(const char *name)
{
    for (int kind = 0; kind < RULE_KIND_COUNT; kind++) {
        if (strcmp(rule_kind_name((RuleKind)kind), name) == 0)
            return kind;
    }
    return -1;
}

static int read_rule(PolicyReader *reader, xmlNodePtr node, Rule *rule)
{
    int kind = rule_kind_from_name((const char *)node->name);
    bool failed = false;

    if (kind < 0)
        return fail(reader, node, "unknown element <%s>: a policy has <allow>, <warn>, <deny>%s",
                    node->name, reader->policy->kind == POLICY_HOST ? " and <delegate>" : "");
    if (kind == RULE_DELEGATE && reader->policy->kind != POLICY_HOST)
        return fail(reader, node, "<delegate> belongs in a host policy");
    rule->kind = (RuleKind)kind;
    rule->line = (unsigned)xmlGetLineNo(node);
    rule->channels = (1u << CHANNEL_COUNT) - 1;
    reader->has_channel = false;
    if (read_attributes(reader, node, rule_attributes, rule) < 0)
        return -1;
    if (rule->command && !reader->has_channel)
        rule->channels = 1u << CHANNEL_QMP;
    for (xmlNodePtr child = next_element(reader, node->children, &failed); child;
         child = next_element(reader, child->next, &failed)) {
        if (read_argument(reader, child, rule) < 0)
            return -1;
    }
    if (failed)
        return -1;
    rule->cost = rule_cost(rule);
    rule->id = make_rule_id(reader->policy, rule);
    return rule->id ? 0 : fail_memory(reader);
}

static int read_rules(PolicyReader *reader, xmlNodePtr root)
{
    Policy *policy = reader->policy;
    size_t space = 0;
    bool failed = false;

    for (xmlNodePtr node = next_element(reader, root->children, &failed); node;
         node = next_element(reader, node->next, &failed)) {
        if (policy->n_rules == POLICY_RULES_MAX)
            return fail(reader, node, "more than %zu rules", POLICY_RULES_MAX);
        if (policy->n_rules == space) {
            size_t wanted = space ? 2 * space : 16;
            Rule *grown = realloc(policy->rules, wanted * sizeof(*grown));

            if (!grown)
                return fail_memory(reader);
            policy->rules = grown;
            space = wanted;
        }
        policy->rules[policy->n_rules] = (Rule){0};
        policy->n_rules++;
        if (read_rule(reader, node, &policy->rules[policy->n_rules - 1]) < 0)
            return -1;
    }
    return failed ? -1 : 0;
}

static int read_policy(PolicyReader *reader, xmlDocPtr doc)
{
    Policy *policy = reader->policy;
    xmlNodePtr root = xmlDocGetRootElement(doc);

    if (doc->intSubset)
        return fail(reader, root, "a policy has no DOCTYPE");
    if (!root || strcmp((const char *)root->name, "policy") != 0 || !is_ours(reader, root))
        return fail(reader, root, "the element is not <policy> in the namespace '%s'",
                    POLICY_NAMESPACE);
    if (policy->kind != POLICY_PROFILE) {
        policy->origin = strdup(policy->kind == POLICY_HOST ? "host" : "domain");
        if (!policy->origin)
            return fail_memory(reader);
    }
    if (read_attributes(reader, root, policy_attributes, policy) < 0)
        return -1;
    if (!policy->origin)
        return fail(reader, root, "a profile needs the attribute 'name'");
    return read_rules(reader, root);
}

/*
 * libxml2's time grows with the square of a tag's attributes, and a domain's owner may
 * write a megabyte of them. Counts what looks like one since the last `<`.
 */
static bool has_crowded_tag(const char *text, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '<')
            count = 0;
        else if (text[i] == '=' && ++count > TAG_EQUALS_MAX)
            return true;
    }
    return false;
}

/* Parses without DTD, entities, network or a word on stderr. */
static xmlDocPtr parse_xml(const char *text, size_t length, PolicyReader *reader)
{
    xmlParserCtxtPtr context;
    xmlDocPtr doc;

    if (length > POLICY_BYTES_MAX) {
        fail(reader, NULL, "larger than %zu bytes", POLICY_BYTES_MAX);
        return NULL;
    }
    if (memchr(text, '\0', length)) {
        fail(reader, NULL, "there is a NUL byte in it");
        return NULL;
    }
    if (memmem(text, length, "<!DOCTYPE", strlen("<!DOCTYPE"))) {
        fail(reader, NULL, "a policy has no DOCTYPE");
        return NULL;
    }
    if (has_crowded_tag(text, length)) {
        fail(reader, NULL, "a tag, comment or text with more than %d equals signs", TAG_EQUALS_MAX);
        return NULL;
    }
    context = xmlNewParserCtxt();
    if (!context) {
        fail_memory(reader);
        return NULL;
    }
    /* The encoding is given, so that no declaration can hide a DOCTYPE in UTF-16. */
    doc = xmlCtxtReadMemory(context, text, (int)length, NULL, "UTF-8",
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
    if (!doc) {
        xmlErrorPtr last = xmlCtxtGetLastError(context);
        const char *message = last && last->message ? last->message : "not XML\n";

        fail(reader, NULL, "not well-formed XML: %.*s", (int)strcspn(message, "\n"), message);
        reader->error->is_transient = last && last->code == XML_ERR_NO_MEMORY;
        reader->error->line = last && last->line > 0 ? (unsigned)last->line : 0;
    }
    xmlFreeParserCtxt(context);
    return doc;
}

static Policy *parse(PolicyReader *reader, const char *text, size_t length, PolicyKind kind)
{
    CLEANUP(xmldoc) xmlDocPtr doc = NULL;

    *reader->error = (PolicyError){0};
    reader->policy = calloc(1, sizeof(*reader->policy));
    if (!reader->policy) {
        fail_memory(reader);
        return NULL;
    }
    atomic_init(&reader->policy->references, 1);
    reader->policy->kind = kind;
    doc = parse_xml(text, length, reader);
    if (!doc || read_policy(reader, doc) < 0) {
        policy_unref(reader->policy);
        return NULL;
    }
    return reader->policy;
}

Policy *policy_parse(const char *text, size_t length, PolicyKind kind, PolicyError *ret_error)
{
    PolicyReader reader = {.error = ret_error, .find_profile = policy_profile};

    return parse(&reader, text, length, kind);
}

Policy *policy_parse_builtin(const char *text, PolicyError *ret_error)
{
    PolicyReader reader = {.error = ret_error, .find_profile = policy_loaded_profile};

    return parse(&reader, text, strlen(text), POLICY_PROFILE);
}
