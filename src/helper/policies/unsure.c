/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unsure.h"

#include "util/cleanup.h"
#include "util/glob.h"

#include <string.h>

/* A record's list of names ends there. */
#define LIST_MAX 256

static const char command_line[] = "command-line";

/* The same action may come more than once: the first of them stands for the one that decided. */
static bool is_decider(const Recorded *recorded, const char *name, size_t number)
{
    const char *part = recorded_text(recorded, "part");
    json_object *parts = recorded_list(recorded, "parts");

    if (number == 0 || !part)
        return number == 0 && !part;
    for (size_t i = 0; i + 1 < number; i++) {
        const char *earlier = json_object_get_string(json_object_array_get_idx(parts, i));

        if (earlier && strcmp(earlier, part) == 0)
            return false;
    }
    return strcmp(name, part) == 0;
}

static int add_class(UnsureOperation *unsure, Classification is)
{
    Classification *grown;

    for (size_t i = 0; i < unsure->n_classes; i++) {
        if (unsure->classes[i].command_class == is.command_class &&
            unsure->classes[i].groups == is.groups)
            return 0;
    }
    grown = realloc(unsure->classes, (unsure->n_classes + 1) * sizeof(*grown));
    if (!grown)
        return -1;
    unsure->classes = grown;
    unsure->classes[unsure->n_classes++] = is;
    return 0;
}

/* What the command is when its effects @a and @b, and no other, hold. */
static Classification class_with(const CatalogEntry *entry, const CatalogEffect *a,
                                 const CatalogEffect *b)
{
    const CatalogEffect *effects[] = {a, b};
    CatalogEntry with = *entry;

    with.n_effects = 0;
    for (size_t i = 0; i < 2; i++) {
        if (!effects[i])
            continue;
        with.groups |= effects[i]->groups;
        if (effects[i]->raises_to > with.command_class)
            with.command_class = effects[i]->raises_to;
    }
    return catalog_classify(&with, entry->channel, NULL);
}

/* All that a command's arguments may make of it: none, each and each two of its effects. */
static int add_possible_classes(UnsureOperation *unsure, int wanted)
{
    const CatalogEntry *entry = unsure->operation.entry;
    size_t count = entry ? entry->n_effects : 0;

    if (!entry)
        return add_class(unsure, catalog_classify(NULL, unsure->operation.channel, NULL));
    for (size_t i = 0; i <= count; i++) {
        for (size_t j = i; j <= count; j++) {
            Classification is = class_with(entry, i < count ? &entry->effects[i] : NULL,
                                           j < count ? &entry->effects[j] : NULL);

            if ((wanted < 0 || (int)is.command_class == wanted) && add_class(unsure, is) < 0)
                return -1;
        }
    }
    return 0;
}

/*
 * The record's class and groups say what the arguments made of it; a command that was unknown
 * then and is in the catalogue now is what the catalogue says.
 */
static int set_classes(UnsureOperation *unsure, const Recorded *recorded)
{
    const CatalogEntry *entry = unsure->operation.entry;
    int class = unsure->is_decider ? recorded_class(recorded) : -1;
    GroupSet groups = unsure->is_decider ? recorded_groups(recorded) : 0;

    if (class == CLASS_UNKNOWN && entry)
        class = -1;
    if (class >= 0 && groups)
        return add_class(unsure, (Classification){(CommandClass) class, groups});
    if (unsure->has_no_arguments)
        return add_class(unsure, catalog_classify(entry, unsure->operation.channel, NULL));
    if (add_possible_classes(unsure, class) < 0)
        return -1;
    return unsure->n_classes > 0 ? 0 : add_possible_classes(unsure, -1);
}

/* Of an HMP line that the catalogue cannot read, nothing is known behind the name. */
static bool is_bare_line(const CatalogEntry *entry, bool has_no_arguments)
{
    return entry && entry->args_type && (has_no_arguments || !*entry->args_type);
}

int unsure_make(const Recorded *recorded, const char *name, size_t number, UnsureOperation *ret)
{
    Channel channel = number == 0 ? recorded->channel : CHANNEL_QMP;
    json_object *parameters = number == 0 ? recorded_list(recorded, "parameters") : NULL;
    size_t n_parameters = parameters ? json_object_array_length(parameters) : 0;

    *ret = (UnsureOperation){.operation = {.channel = channel,
                                           .name = name,
                                           .command = name,
                                           .entry = catalog_find(channel, name)},
                             .is_decider = is_decider(recorded, name, number)};
    if (n_parameters > 0 && n_parameters < LIST_MAX)
        ret->parameters = parameters;
    ret->has_no_arguments = parameters && n_parameters == 0;
    if (channel == CHANNEL_HMP)
        ret->has_no_arguments = is_bare_line(ret->operation.entry, ret->has_no_arguments);
    if (channel == CHANNEL_HMP && ret->has_no_arguments) {
        ret->wrapper = json_object_new_object();
        if (!ret->wrapper ||
            json_object_object_add(ret->wrapper, command_line, json_object_new_string(name)) < 0)
            return -1;
        ret->operation.wrapper_arguments = ret->wrapper;
    }
    return set_classes(ret, recorded);
}

void unsure_clear(UnsureOperation *unsure)
{
    json_object_put(unsure->wrapper);
    free(unsure->classes);
    *unsure = (UnsureOperation){0};
}

/* Does @rule match an operation that is all known? Asks the one place that knows. */
static bool matches(const UnsureOperation *unsure, const Caller *caller, const Rule *rule)
{
    Rule plain = *rule;
    Policy policy = {.kind = POLICY_HOST, .rules = &plain, .n_rules = 1, .is_complete = true};
    Operation operation = unsure->operation;
    const Request request = {.operations = &operation, .n_operations = 1};
    const Question question = {
        .request = &request, .caller = caller, .host = &policy, .ignores_index = true};

    /* Without a domain's policy a <delegate> never matches; it is lax like an <allow>. */
    if (plain.kind == RULE_DELEGATE)
        plain.kind = RULE_ALLOW;
    return decide(&question).rule == &plain;
}

static bool is_prefix_of(const char *prefix, const char *path)
{
    size_t length = strlen(prefix);

    return strncmp(prefix, path, length) == 0 && (path[length] == '\0' || path[length] == '.');
}

/* May the condition hold, as far as the names of the arguments tell? */
static bool may_hold(const UnsureOperation *unsure, const Rule *rule, const Condition *condition)
{
    json_object *names = unsure->parameters;

    if (!(rule->channels & (1u << unsure->operation.channel)))
        return strcmp(condition->name, command_line) == 0; /* an HMP line's wrapper */
    if (!names || rule->kind == RULE_DENY) /* to deny, a name means any depth */
        return true;
    for (size_t i = 0; i < json_object_array_length(names); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(names, i));

        if (name && (is_prefix_of(name, condition->name) || is_prefix_of(condition->name, name)))
            return true;
    }
    return false;
}

/* Is the argument @name a text? @types is QEMU's args_type: `detach:-d,uri:s`. */
static bool is_text_type(const char *types, const char *name)
{
    size_t length = strlen(name);

    while (types && (strncmp(types, name, length) != 0 || types[length] != ':')) {
        types = strchr(types, ',');
        types += types ? 1 : 0;
    }
    if (!types)
        return true;
    types += length + 1;
    return strchr("sFBSO", *types) || (*types == '-' && types[1] && types[2] == 's');
}

/* May the HMP line have a `..` step in it? What lets pass does not match such a line. */
static bool may_step_up(const UnsureOperation *unsure)
{
    const CatalogEntry *entry = unsure->operation.entry;
    json_object *names = unsure->parameters;

    for (size_t i = 0; names && i < json_object_array_length(names); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(names, i));

        if (!name || !entry || is_text_type(entry->args_type, name))
            return true;
    }
    return !names;
}

/*
 * Does the pattern match `NAME ...`, whatever may follow? A start of the pattern that takes
 * all of `NAME ` is enough to say that it may; and that it does, when a `*` takes the rest.
 */
static RuleMatch line_matches(const UnsureOperation *unsure, const Rule *rule)
{
    CLEANUP(mem) char *start = NULL;
    CLEANUP(mem) char *pattern = strdup(rule->command);
    size_t length = strlen(rule->command);
    size_t budget = SIZE_MAX;

    if (!pattern || asprintf(&start, "%s ", unsure->operation.name) < 0)
        return RULE_MAY_MATCH;
    if ((rule->kind == RULE_DENY || !may_step_up(unsure)) && length > 0 &&
        pattern[length - 1] == '*' && glob_match(pattern, start, &budget) == GLOB_YES)
        return RULE_MATCHES;
    for (;; length--) {
        pattern[length] = '\0';
        if (glob_match(pattern, start, &budget) == GLOB_YES)
            return RULE_MAY_MATCH;
        if (length == 0)
            return RULE_MATCHES_NOT;
    }
}

/* Takes off @rule what is asked of names that are not known. False: it asks for none. */
static bool forget_names(Rule *rule, const Caller *caller)
{
    bool asks = rule->selinux || (rule->sasl && !caller->sasl) || (rule->x509 && !caller->x509);

    rule->selinux = NULL;
    if (!caller->sasl)
        rule->sasl = NULL;
    if (!caller->x509)
        rule->x509 = NULL;
    return asks;
}

RuleMatch unsure_match(const UnsureOperation *unsure, const Caller *caller, const Rule *rule,
                       unsigned *ret_depends)
{
    const Operation *operation = &unsure->operation;
    Rule wide = *rule;
    unsigned depends = 0;

    if (operation->channel == CHANNEL_HMP && !unsure->has_no_arguments && rule->command &&
        rule->channels & (1u << CHANNEL_HMP)) {
        RuleMatch match = line_matches(unsure, rule);

        /* Perhaps there were no arguments at all. */
        if (match == RULE_MATCHES_NOT && (unsure->parameters || !matches(unsure, caller, rule)))
            return RULE_MATCHES_NOT;
        if (match != RULE_MATCHES || (!unsure->parameters && !matches(unsure, caller, rule)))
            depends |= DEPENDS_ON_LINE;
        wide.command = NULL;
    }
    if (rule->n_arguments > 0 && !unsure->has_no_arguments) {
        for (size_t i = 0; i < rule->n_arguments; i++) {
            if (!may_hold(unsure, rule, &rule->arguments[i]))
                return RULE_MATCHES_NOT;
        }
        depends |= DEPENDS_ON_ARGUMENTS;
        wide.n_arguments = 0;
    }
    if (rule->unix_group && unsure->groups_unknown) {
        depends |= DEPENDS_ON_GROUPS;
        wide.unix_group = NULL;
    }
    if (unsure->names_unknown && forget_names(&wide, caller))
        depends |= DEPENDS_ON_NAMES;
    if (!matches(unsure, caller, &wide))
        return RULE_MATCHES_NOT;
    *ret_depends |= depends;
    return depends ? RULE_MAY_MATCH : RULE_MATCHES;
}
