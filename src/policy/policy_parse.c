/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XML to rules. What is not understood makes the policy invalid, with its line.
 */
#include "policy.h"

#include "policy_internal.h"
#include "util/cleanup.h"
#include "util/crowded_tag.h"
#include "util/xml_memory.h"

#include <libxml/parser.h>
#include <limits.h>
#include <string.h>

/* Far more than a rule has attributes, and room for a ruler of `=` in a comment. */
#define TAG_EQUALS_MAX 256

static void set_error(PolicyReader *reader, xmlNodePtr where, const char *format, va_list args)
{
    long line = where ? xmlGetLineNo(where) : 0;

    reader->error->line = line > 0 ? (unsigned)line : 0;
    reason_setv(&reader->error->reason, format, args);
}

int policy_fail(PolicyReader *reader, xmlNodePtr where, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_error(reader, where, format, args);
    va_end(args);
    return -1;
}

int policy_fail_misplaced(PolicyReader *reader, xmlNodePtr where, const char *format, ...)
{
    va_list args;

    reader->error->is_misplaced = true;
    va_start(args, format);
    set_error(reader, where, format, args);
    va_end(args);
    return -1;
}

int policy_fail_memory(PolicyReader *reader)
{
    reader->error->is_transient = true;
    return policy_fail(reader, NULL, "out of memory");
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

xmlNodePtr policy_next_element(PolicyReader *reader, xmlNodePtr node, bool *ret_failed)
{
    for (; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE) {
            if (is_ours(reader, node))
                return node;
            policy_fail(reader, node, "<%s> is not in the namespace '%s'", node->name,
                        POLICY_NAMESPACE);
        } else if (node->type == XML_COMMENT_NODE || xmlIsBlankNode(node)) {
            continue;
        } else {
            policy_fail(reader, node, "text or markup that means nothing inside <%s>",
                        node->parent->name);
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
        return policy_fail(reader, node, "unknown element <%s> in a rule", node->name);
    grown = realloc(rule->arguments, (rule->n_arguments + 1) * sizeof(*grown));
    if (!grown)
        return policy_fail_memory(reader);
    rule->arguments = grown;
    argument = &rule->arguments[rule->n_arguments++];
    *argument = (Condition){0};

    if (policy_read_attributes(reader, node, argument_attributes, argument) < 0)
        return -1;
    if (!argument->name)
        return policy_fail(reader, node, "<argument> needs the attribute 'name'");
    if (!argument->match && !argument->prefix && !argument->value && !argument->has_max)
        return policy_fail(reader, node,
                           "<argument> needs one of 'match', 'prefix', 'value', 'max'");
    if (policy_next_element(reader, node->children, &failed) || failed)
        return failed ? -1
                      : policy_fail(reader, node->children, "<argument> has nothing inside it");
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

    const char *const names[] = {rule->user, rule->sasl, rule->x509, rule->selinux};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        cost += names[i] ? strlen(names[i]) / 8 : 0;
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

int policy_read_conditions(PolicyReader *reader, xmlNodePtr node, const AttributeRow *rows,
                           Rule *rule)
{
    bool failed = false;

    rule->line = (unsigned)xmlGetLineNo(node);
    rule->channels = (1u << CHANNEL_COUNT) - 1;
    reader->has_channel = false;
    if (policy_read_attributes(reader, node, rows, rule) < 0)
        return -1;
    if (rule->command && !reader->has_channel)
        rule->channels = 1u << CHANNEL_QMP;
    for (xmlNodePtr child = policy_next_element(reader, node->children, &failed); child;
         child = policy_next_element(reader, child->next, &failed)) {
        if (read_argument(reader, child, rule) < 0)
            return -1;
    }
    if (failed)
        return -1;
    rule->cost = rule_cost(rule);
    return 0;
}

static int fail_element(PolicyReader *reader, xmlNodePtr node)
{
    static const char *const further[] = {
        [POLICY_DOMAIN] = ", <limit>",
        [POLICY_HOST] = ", <limit>, <delegate>, <start>",
        [POLICY_PROFILE] = "",
    };

    return policy_fail(reader, node, "unknown element <%s>: a policy has <allow>, <warn>, <deny>%s",
                       node->name, further[reader->policy->kind]);
}

static int read_rule(PolicyReader *reader, xmlNodePtr node, Rule *rule)
{
    int kind = rule_kind_from_name((const char *)node->name);

    if (kind < 0)
        return fail_element(reader, node);
    if (kind == RULE_DELEGATE && reader->policy->kind != POLICY_HOST)
        return policy_fail_misplaced(reader, node, "<delegate> belongs in a host policy");
    rule->kind = (RuleKind)kind;
    if (policy_read_conditions(reader, node, rule_attributes, rule) < 0)
        return -1;
    if (rule->requires_native && rule->kind != RULE_ALLOW && rule->kind != RULE_WARN)
        return policy_fail(reader, node, "'require' belongs to <allow> and <warn>");
    rule->id = make_rule_id(reader->policy, rule);
    return rule->id ? 0 : policy_fail_memory(reader);
}

/* Reads an element of a policy that is no rule. Returns 0 or -1. */
typedef int (*ElementReader)(PolicyReader *reader, xmlNodePtr node);

/* NULL for a rule, and for what is unknown. */
static ElementReader find_reader(const char *name)
{
    static const struct ElementRow {
        const char *name;
        ElementReader read;
    } elements[] = {{"start", policy_read_start}, {"limit", policy_read_limit}};

    for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
        if (strcmp(elements[i].name, name) == 0)
            return elements[i].read;
    }
    return NULL;
}

static int read_rules(PolicyReader *reader, xmlNodePtr root)
{
    Policy *policy = reader->policy;
    size_t space = 0;
    bool failed = false;

    for (xmlNodePtr node = policy_next_element(reader, root->children, &failed); node;
         node = policy_next_element(reader, node->next, &failed)) {
        ElementReader read_other = find_reader((const char *)node->name);

        if (read_other) {
            if (read_other(reader, node) < 0)
                return -1;
            continue;
        }
        if (policy->n_rules == POLICY_RULES_MAX)
            return policy_fail(reader, node, "more than %zu rules", POLICY_RULES_MAX);
        if (policy->n_rules == space) {
            size_t wanted = space ? 2 * space : 16;
            Rule *grown = realloc(policy->rules, wanted * sizeof(*grown));

            if (!grown)
                return policy_fail_memory(reader);
            policy->rules = grown;
            space = wanted;
        }
        policy->rules[policy->n_rules] = (Rule){0};
        policy->n_rules++;
        if (read_rule(reader, node, &policy->rules[policy->n_rules - 1]) < 0)
            return -1;
    }
    if (failed)
        return -1;
    return rule_index_build(policy) < 0 ? policy_fail_memory(reader) : 0;
}

static int read_policy(PolicyReader *reader, xmlDocPtr doc)
{
    Policy *policy = reader->policy;
    xmlNodePtr root = xmlDocGetRootElement(doc);

    if (doc->intSubset)
        return policy_fail(reader, root, "a policy has no DOCTYPE");
    if (!root || strcmp((const char *)root->name, "policy") != 0 || !is_ours(reader, root))
        return policy_fail(reader, root, "the element is not <policy> in the namespace '%s'",
                           POLICY_NAMESPACE);
    if (policy->kind != POLICY_PROFILE) {
        policy->origin = strdup(policy->kind == POLICY_HOST ? "host" : "domain");
        if (!policy->origin)
            return policy_fail_memory(reader);
    }
    if (policy_read_attributes(reader, root, policy_attributes, policy) < 0)
        return -1;
    if (!policy->origin)
        return policy_fail_misplaced(reader, root, "a profile needs the attribute 'name'");
    return read_rules(reader, root) < 0 ? -1 : policy_digest(reader, root);
}

/* Parses without DTD, entities, network or a word on stderr. */
static xmlDocPtr parse_xml(const char *text, size_t length, PolicyReader *reader)
{
    xmlParserCtxtPtr context;
    xmlDocPtr doc;

    if (length > POLICY_BYTES_MAX) {
        policy_fail(reader, NULL, "larger than %zu bytes", POLICY_BYTES_MAX);
        return NULL;
    }
    if (memchr(text, '\0', length)) {
        policy_fail(reader, NULL, "there is a NUL byte in it");
        return NULL;
    }
    if (memmem(text, length, "<!DOCTYPE", strlen("<!DOCTYPE"))) {
        policy_fail(reader, NULL, "a policy has no DOCTYPE");
        return NULL;
    }
    if (has_crowded_tag(text, length, TAG_EQUALS_MAX)) {
        policy_fail(reader, NULL, "a tag, comment or text with more than %d equals signs",
                    TAG_EQUALS_MAX);
        return NULL;
    }
    context = xmlNewParserCtxt();
    if (!context) {
        policy_fail_memory(reader);
        return NULL;
    }
    /* The encoding is given, so that no declaration can hide a DOCTYPE in UTF-16. */
    doc = xmlCtxtReadMemory(context, text, (int)length, NULL, "UTF-8",
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
    if (!doc) {
        const xmlError *last = xmlCtxtGetLastError(context);
        const char *message = last && last->message ? last->message : "not XML\n";

        policy_fail(reader, NULL, "not well-formed XML: %.*s", (int)strcspn(message, "\n"),
                    message);
        reader->error->line = last && last->line > 0 ? (unsigned)last->line : 0;
    }
    xmlFreeParserCtxt(context);
    return doc;
}

static Policy *parse(PolicyReader *reader, const char *text, size_t length, PolicyKind kind)
{
    CLEANUP(xmldoc) xmlDocPtr doc = NULL;
    XmlWatch watch;
    int result;

    *reader->error = (PolicyError){0};
    reader->policy = calloc(1, sizeof(*reader->policy));
    if (!reader->policy) {
        policy_fail_memory(reader);
        return NULL;
    }
    atomic_init(&reader->policy->references, 1);
    reader->policy->kind = kind;
    xml_watch_begin(&watch);
    doc = parse_xml(text, length, reader);
    result = doc && !watch.lacks_memory ? read_policy(reader, doc) : -1;
    if (xml_watch_end(&watch))
        result = policy_fail_memory(reader);
    if (result < 0) {
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
