/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy: validate a file; show, set or clear the policy in a domain; learn, replay and test,
 * which have files of their own.
 */
#include "policy_command.h"
#include "json_add.h"
#include "output.h"

#include "domain.h"
#include "lint.h"
#include "options.h"
#include "util/choice.h"
#include "util/cleanup.h"
#include "util/printable.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <unistd.h>

#define METADATA_PREFIX "qg"

/* Its rules, and behind them its limits'; NULL behind the last one. */
static const Rule *rule_at(const Policy *policy, size_t index)
{
    if (index < policy->n_rules)
        return &policy->rules[index];
    index -= policy->n_rules;
    return index < policy->n_limits ? &policy->limits[index].rule : NULL;
}

static json_object *warnings_of(const Policy *policy)
{
    json_object *warnings = json_object_new_array();
    const Rule *rule;
    Reason why;

    for (size_t i = 0; warnings && (rule = rule_at(policy, i)); i++) {
        json_object *warning;

        if (!lint_rule(rule, &why))
            continue;
        warning = json_object_new_object();
        json_add(warning, "line", json_object_new_int64(rule->line));
        json_add_text(warning, "warning", why.text);
        json_append(warnings, warning);
    }
    return warnings;
}

/* @policy is NULL when it is not valid. */
static int answer_json(const Policy *policy, const PolicyError *error, const char *kind)
{
    CLEANUP(json) json_object *object = json_object_new_object();

    if (!object)
        return complain("out of memory");
    json_add(object, "valid", json_object_new_boolean(policy != NULL));
    if (policy) {
        json_add_text(object, "kind", kind);
        json_add(object, "warnings", warnings_of(policy));
    } else {
        json_add(object, "line", json_object_new_int64(error->line));
        json_add_text(object, "reason", error->reason.text);
    }
    if (output_json(object) < 0)
        return complain("out of memory");
    return policy ? EXIT_YES : EXIT_NO;
}

static void warn_of_rules(const Policy *policy, const char *where)
{
    const Rule *rule;
    Reason why;

    for (size_t i = 0; (rule = rule_at(policy, i)); i++) {
        if (lint_rule(rule, &why))
            fprintf(stderr, "%s:%u: warning: %s\n", where, rule->line, why.text);
    }
}

/* Is @error more likely than @other to be of the kind that the policy was to be? */
static bool is_nearer(const PolicyError *error, const PolicyError *other)
{
    if (error->is_misplaced != other->is_misplaced)
        return other->is_misplaced;
    return error->line > other->line;
}

Policy *policy_parse_any(const char *text, size_t length, PolicyError *ret_error)
{
    static const PolicyKind kinds[] = {POLICY_DOMAIN, POLICY_HOST, POLICY_PROFILE};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        PolicyError error = {0};
        Policy *policy = policy_parse(text, length, kinds[i], &error);

        if (policy)
            return policy;
        if (i == 0 || error.is_transient || is_nearer(&error, ret_error))
            *ret_error = error;
        if (error.is_transient) /* it may be of this kind all the same */
            return NULL;
    }
    return NULL;
}

Policy *policy_read(const char *path, PolicyKind kind)
{
    size_t length;
    CLEANUP(mem) char *text = read_file(path, &length);
    CLEANUP(mem) char *told = NULL;
    PolicyError error = {0};
    Policy *policy = text ? policy_parse(text, length, kind, &error) : NULL;

    if (text && !policy) {
        told = helper_policy_error(path, &error);
        fprintf(stderr, "%s\n", told ? told : "out of memory");
    }
    return policy;
}

/*
 * What @policy, read of that text, may be. A domain's may be the host's as well, but for one that
 * does not say its namespace. NULL when out of memory.
 */
static const char *kind_name(const Policy *policy, const char *text, size_t length,
                             PolicyError *ret_error)
{
    Policy *as_host;

    if (policy->kind != POLICY_DOMAIN)
        return policy->kind == POLICY_HOST ? "host" : "profile";
    as_host = policy_parse(text, length, POLICY_HOST, ret_error);
    policy_unref(as_host);
    if (ret_error->is_transient)
        return NULL;
    return as_host ? "domain or host" : "domain";
}

static int validate(const PolicyCall *call)
{
    size_t length;
    CLEANUP(mem) char *text = read_file(call->argv[0], &length);
    CLEANUP(mem) char *told = NULL;
    PolicyError error = {0};
    const char *kind = NULL;
    Policy *policy;

    if (!text)
        return EXIT_UNSURE;
    policy = policy_parse_any(text, length, &error);
    if (policy)
        kind = kind_name(policy, text, length, &error);
    if (!kind && error.is_transient) {
        policy_unref(policy);
        return complain("cannot tell whether %s is valid: %s", call->argv[0], error.reason.text);
    }
    if (call->as_json) {
        int status = answer_json(policy, &error, kind);

        policy_unref(policy);
        return status;
    }
    if (!policy) {
        told = helper_policy_error(call->argv[0], &error);
        fprintf(stderr, "%s\n", told ? told : "out of memory");
        return EXIT_NO;
    }
    warn_of_rules(policy, call->argv[0]);
    output_remark("%s: valid as a %s policy, rules: %zu\n", call->argv[0], kind, policy->n_rules);
    policy_unref(policy);
    return EXIT_YES;
}

/*
 * Whoever may write a domain's metadata has written it. On a terminal what is not ASCII is shown as
 * XML's own references: there are commands among it, and letters that turn a line around.
 */
static void print_xml(const char *xml)
{
    size_t length = strlen(xml);
    size_t size;

    if (!isatty(STDOUT_FILENO)) {
        puts(xml);
        return;
    }
    for (size_t i = 0; i < length; i += size) {
        uint32_t character;

        size = (unsigned char)xml[i] < 0x7f ? 0 : utf8_read(xml + i, length - i, &character);
        if (size > 0) {
            printf("&#x%" PRIX32 ";", character);
        } else {
            putchar(xml[i]);
            size = 1;
        }
    }
    putchar('\n');
}

static int show(const PolicyCall *call)
{
    virConnectPtr connection = helper_connect(call->context, true);
    virDomainPtr domain = connection ? helper_find_domain(connection, call->argv[0]) : NULL;
    CLEANUP(mem) char *xml = NULL;
    int found = domain ? helper_domain_policy(domain, &xml) : -1;
    int status = found < 0 ? EXIT_UNSURE : EXIT_NO;

    if (found >= 0 && call->as_json) {
        CLEANUP(json) json_object *object = json_object_new_object();

        if (xml)
            json_add_text(object, "policy", xml);
        else
            json_add_null(object, "policy");
        if (output_json(object) < 0)
            status = complain("out of memory");
        else
            status = found ? EXIT_YES : EXIT_NO;
    } else if (found == 1) {
        print_xml(xml);
        status = EXIT_YES;
    } else if (found == 0) {
        CLEANUP(mem) char *name = printable(call->argv[0], "");

        fprintf(stderr, "domain '%s' has no policy: the host's decides\n", name ? name : "?");
    }
    if (domain)
        virDomainFree(domain);
    if (connection)
        virConnectClose(connection);
    return status;
}

/* Where a change has to be made so that it holds now and after a restart. */
static int affected(virDomainPtr domain)
{
    int active = virDomainIsActive(domain);
    int persistent = virDomainIsPersistent(domain);

    if (active < 0 || persistent < 0)
        return -1;
    return (active ? VIR_DOMAIN_AFFECT_LIVE : 0) | (persistent ? VIR_DOMAIN_AFFECT_CONFIG : 0);
}

static int print_written(const char *domain, bool is_set, int flags, bool as_json)
{
    bool live = flags & VIR_DOMAIN_AFFECT_LIVE;
    bool config = flags & VIR_DOMAIN_AFFECT_CONFIG;
    CLEANUP(json) json_object *object = NULL;
    CLEANUP(mem) char *name = NULL;

    if (!as_json) {
        name = printable(domain, "");
        output_remark("policy of domain '%s' %s%s%s\n", name ? name : "?",
                      is_set ? "set" : "cleared", live ? ", live" : "",
                      config ? ", for the next start" : "");
        return EXIT_YES;
    }
    object = json_object_new_object();
    json_add_text(object, "domain", domain);
    json_add_text(object, "policy", is_set ? "set" : "cleared");
    json_add(object, "live", json_object_new_boolean(live));
    json_add(object, "config", json_object_new_boolean(config));
    return output_json(object) < 0 ? complain("out of memory") : EXIT_YES;
}

/* @xml NULL removes the policy. */
static int write_policy(const PolicyCall *call, const char *xml)
{
    const char *wanted = call->argv[0];
    virConnectPtr connection = helper_connect(call->context, false);
    virDomainPtr domain = connection ? helper_find_domain(connection, wanted) : NULL;
    int status = EXIT_UNSURE;
    int flags = domain ? affected(domain) : -1;

    if (flags >= 0 &&
        virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, xml, METADATA_PREFIX,
                             POLICY_NAMESPACE, (unsigned)flags) == 0) {
        status = print_written(wanted, xml != NULL, flags, call->as_json);
    } else if (domain) {
        complain("cannot write the policy of '%s': %s%s", wanted, virGetLastErrorMessage(),
                 helper_libvirt_remedy());
    }
    if (domain)
        virDomainFree(domain);
    if (connection)
        virConnectClose(connection);
    return status;
}

static int set(const PolicyCall *call)
{
    size_t length;
    CLEANUP(mem) char *text = read_file(call->argv[1], &length);
    CLEANUP(mem) char *bare = NULL;
    CLEANUP(mem) char *told = NULL;
    PolicyError error = {0};
    Policy *policy;

    if (!text)
        return EXIT_UNSURE;
    policy = policy_parse(text, length, POLICY_DOMAIN, &error);
    if (!policy) {
        told = helper_policy_error(call->argv[1], &error);
        fprintf(stderr, "%s\nnothing was changed\n", told ? told : "out of memory");
        return EXIT_NO;
    }
    warn_of_rules(policy, call->argv[1]);
    policy_unref(policy);
    bare = policy_without_namespace(text, length);
    return bare ? write_policy(call, bare) : complain("out of memory");
}

static int clear(const PolicyCall *call)
{
    return write_policy(call, NULL);
}

/* Options that only some actions take. */
enum {
    TAKES_FILTER = 1 << 0, /* --vm, --user */
    TAKES_BY_USER = 1 << 1,
    TAKES_HOST = 1 << 2, /* --host, --host-policy */
};

typedef struct PolicyAction {
    const char *name;
    int least; /* arguments */
    int most; /* -1: any number */
    unsigned takes;
    const char *arguments; /* for the usage message */
    int (*run)(const PolicyCall *call);
} PolicyAction;

static const PolicyAction actions[] = {
    {"validate", 1, 1, 0, "FILE", validate},
    {"show", 1, 1, 0, "DOM", show},
    {"set", 2, 2, 0, "DOM FILE", set},
    {"clear", 1, 1, 0, "DOM", clear},
    {"learn", 0, -1, TAKES_FILTER | TAKES_BY_USER,
     "[--vm NAME] [--user NAME] [--by-user] [AUDIT-FILE...]", policy_learn},
    {"replay", 1, -1, TAKES_FILTER | TAKES_HOST,
     "[--vm NAME] [--user NAME] [--host | --host-policy FILE] FILE [AUDIT-FILE...]", policy_replay},
    {"test", 2, 2, TAKES_HOST, "[--host | --host-policy FILE] FILE CASES", policy_test},
};

#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

/* Returns which options were given, or -1 after getopt's own message. */
static int parse_options(HelperContext *context, int argc, char **argv, PolicyCall *ret)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"vm", required_argument, NULL, 'd'},
        {"domain", required_argument, NULL, 'd'},
        {"user", required_argument, NULL, 'u'},
        {"by-user", no_argument, NULL, 'b'},
        {"host", no_argument, NULL, 'h'},
        {"host-policy", required_argument, NULL, 'H'},
        {NULL, 0, NULL, 0},
    };
    int given = 0;
    int option;

    while ((option = helper_option(context, argc, argv, "", options)) != -1) {
        switch (option) {
        case 'j':
            ret->as_json = true;
            break;
        case 'd':
            ret->domain = optarg;
            given |= TAKES_FILTER;
            break;
        case 'u':
            ret->user = optarg;
            given |= TAKES_FILTER;
            break;
        case 'b':
            ret->by_user = true;
            given |= TAKES_BY_USER;
            break;
        case 'h':
            ret->is_host = true;
            given |= TAKES_HOST;
            break;
        case 'H':
            ret->host_policy_file = optarg;
            given |= TAKES_HOST;
            break;
        default:
            return -1;
        }
    }
    return given;
}

static const PolicyAction *find_action(const char *name)
{
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    }
    return NULL;
}

/* The words for what can be done with a policy. */
static const char *tell_actions(char buffer[CHOICE_SIZE])
{
    const char *words[ACTION_COUNT];

    for (size_t i = 0; i < ACTION_COUNT; i++)
        words[i] = actions[i].name;
    return choice_tell(words, ACTION_COUNT, buffer);
}

int policy_run(HelperContext *context, int argc, char **argv)
{
    PolicyCall call = {.context = context};
    const PolicyAction *action;
    char told[CHOICE_SIZE];
    int given;

    given = parse_options(context, argc, argv, &call);
    if (given < 0)
        return EXIT_UNSURE;
    argc -= optind;
    argv += optind;
    if (argc == 0)
        return complain("policy: say what to do: %s", tell_actions(told));
    action = find_action(argv[0]);
    if (!action)
        return complain("policy: there is no '%s': it is %s", argv[0], tell_actions(told));
    call.argc = argc - 1;
    call.argv = argv + 1;
    if (call.argc < action->least || (action->most >= 0 && call.argc > action->most) ||
        given & ~(int)action->takes)
        return complain("usage: virt-qmp-guard policy %s %s [--json]", action->name,
                        action->arguments);
    if (call.is_host && call.host_policy_file)
        return complain("--host and --host-policy exclude each other");
    return action->run(&call);
}
