/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grant_options.h"

#include "grant/grant_give.h"
#include "options.h"
#include "request/request.h"
#include "util/cleanup.h"
#include "util/duration.h"
#include "util/glob.h"
#include "util/nearest.h"
#include "wrap.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>

#define SECONDS_DEFAULT ((int64_t)15 * 60)

enum {
    OPTION_CALLER = 256, /* and the kind of caller behind it */
};

static int parse_uses(const char *text, uint32_t *ret)
{
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(text, &end, 10);
    if (errno || !isdigit((unsigned char)*text) || *end || number < 1 || number > GRANT_USES_MAX)
        return complain("--uses %s: write a number from 1 to %d", text, GRANT_USES_MAX), -1;
    *ret = (uint32_t)number;
    return 0;
}

static int parse_seconds(const char *text, int64_t *ret)
{
    if (duration_parse(text, ret) < 0 || *ret < 1 || *ret > GRANT_SECONDS_MAX)
        return complain("--for %s: write a time as in 90s, 15m, 2h; at most %" PRId64 "d", text,
                        GRANT_SECONDS_MAX / 86400),
               -1;
    return 0;
}

static int parse_option(int option, GrantOptions *ret)
{
    switch (option) {
    case 'c':
        ret->command = optarg;
        return 0;
    case 't':
        ret->text = optarg;
        return 0;
    case 'f':
        ret->text_file = optarg;
        return 0;
    case 'l':
        return parse_seconds(optarg, &ret->seconds);
    case 'n':
        return parse_uses(optarg, &ret->uses);
    case 'r':
        ret->reason = optarg;
        return 0;
    case 'j':
        ret->as_json = true;
        return 0;
    default:
        if (option < OPTION_CALLER)
            return -1;
        ret->callers[option - OPTION_CALLER] = optarg;
        return 0;
    }
}

static int check_options(const GrantOptions *options)
{
    int callers = 0;

    for (size_t i = 0; i < GRANT_CALLER_KIND_COUNT; i++)
        callers += !!options->callers[i];
    if (!options->domain)
        return complain("grant: say for which domain"), -1;
    if (!!options->command + !!options->text + !!options->text_file != 1)
        return complain("grant: say what is to pass: --command, --text or --text-file"), -1;
    if (callers > 1)
        return complain("--user, --sasl, --x509 and --selinux exclude each other"), -1;
    if (!options->reason || !options->reason[strspn(options->reason, " \t\r\n")])
        return complain("grant: say why, for the record: --reason TEXT"), -1;
    return 0;
}

int grant_parse_options(HelperContext *context, int argc, char **argv, GrantOptions *ret)
{
    static const struct option options[] = {
        {"command", required_argument, NULL, 'c'},
        {"text", required_argument, NULL, 't'},
        {"text-file", required_argument, NULL, 'f'},
        {"hmp", no_argument, NULL, 'm'},
        {"agent", no_argument, NULL, 'a'},
        {"user", required_argument, NULL, OPTION_CALLER + GRANT_USER},
        {"sasl", required_argument, NULL, OPTION_CALLER + GRANT_SASL},
        {"x509", required_argument, NULL, OPTION_CALLER + GRANT_X509},
        {"selinux", required_argument, NULL, OPTION_CALLER + GRANT_SELINUX},
        {"for", required_argument, NULL, 'l'},
        {"uses", required_argument, NULL, 'n'},
        {"reason", required_argument, NULL, 'r'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    bool is_hmp = false;
    bool is_agent = false;
    int option;

    *ret = (GrantOptions){.seconds = SECONDS_DEFAULT, .uses = 1};
    while ((option = helper_option(context, argc, argv, "", options)) != -1) {
        is_hmp = is_hmp || option == 'm';
        is_agent = is_agent || option == 'a';
        if (option != 'm' && option != 'a' && parse_option(option, ret) < 0)
            return -1;
    }
    if (argc - optind > 1)
        return complain("grant: '%s' is one word too many: what is to pass goes behind --command, "
                        "several words in quotes",
                        argv[optind + 1]),
               -1;
    ret->domain = argv[optind];
    if (helper_choose_channel(is_hmp, is_agent, &ret->channel) < 0)
        return -1;
    return check_options(ret);
}

/* Copies @text into a field of @size bytes. What is cut would be something else. */
static int copy_text(const char *option, const char *text, char *field, size_t size)
{
    if (!*text)
        return complain("%s: it is empty", option), -1;
    if (strlen(text) >= size)
        return complain("%s: it is longer than %zu bytes", option, size - 1), -1;
    memcpy(field, text, strlen(text) + 1);
    return 0;
}

static int set_caller(const GrantOptions *options, Grant *grant)
{
    static const char *const names[GRANT_CALLER_KIND_COUNT] = {[GRANT_USER] = "--user",
                                                               [GRANT_SASL] = "--sasl",
                                                               [GRANT_X509] = "--x509",
                                                               [GRANT_SELINUX] = "--selinux"};

    grant->caller_kind = GRANT_ANYBODY;
    for (int i = 0; i < GRANT_CALLER_KIND_COUNT; i++) {
        if (!options->callers[i])
            continue;
        grant->caller_kind = i;
        if (copy_text(names[i], options->callers[i], grant->caller, sizeof(grant->caller)) < 0)
            return -1;
    }
    if (grant->caller_kind == GRANT_USER && !getpwnam(grant->caller))
        fprintf(stderr, "virt-qmp-guard: warning: there is no user '%s' here\n", grant->caller);
    return 0;
}

/* A warning only: a QEMU may be newer than the catalogue. */
static void warn_of_unknown(Channel channel, const char *name)
{
    Nearest nearest = nearest_to(name);
    char hint[NEAREST_HINT_SIZE];

    catalog_try_commands(channel, &nearest);
    fprintf(stderr, "virt-qmp-guard: warning: the catalogue knows no %s command '%s'%s\n",
            channel_name(channel), name, nearest_hint(&nearest, hint, sizeof(hint)));
}

static void add_request(const Request *request, GrantedGroups *ret)
{
    const Operation *first = &request->operations[0];

    for (size_t i = 0; i < request->n_operations; i++)
        ret->always |= request->operations[i].is.groups;
    if (!first->entry)
        warn_of_unknown(first->channel, first->name);
}

static int set_text(const GrantOptions *options, Grant *grant, GrantedGroups *ret)
{
    CLEANUP(mem) char *text = NULL;
    size_t length = 0;
    Request *request;
    int result;
    Reason why;

    if (options->text_file) {
        text = read_file(options->text_file, &length);
        if (!text)
            return -1;
    } else {
        text = wrap_line(options->channel, options->text);
        if (!text)
            return complain("out of memory"), -1;
        length = strlen(text);
    }
    request = request_parse(options->channel, text, length, &why);
    if (!request)
        return complain("this text passes for nobody, with a grant or without: %s", why.text), -1;
    result = grant_set_text(grant, request);
    if (result < 0)
        complain("out of memory");
    else
        add_request(request, ret);
    request_free(request);
    return result;
}

/* An HMP line is granted as it is judged: as QEMU reads it, with single spaces. */
static int set_line(const GrantOptions *options, Grant *grant, GrantedGroups *ret)
{
    Reason why;
    Request *request = request_parse(CHANNEL_HMP, options->command, strlen(options->command), &why);
    int result = -1;

    if (!request)
        return complain("this line passes for nobody, with a grant or without: %s", why.text), -1;
    grant->channel = CHANNEL_HMP;
    add_request(request, ret);
    if (strlen(request->operations[0].command) < sizeof(grant->command))
        result = copy_text("--command", request->operations[0].command, grant->command,
                           sizeof(grant->command));
    else
        complain("--command: the line is longer than %zu bytes: use --text",
                 sizeof(grant->command) - 1);
    request_free(request);
    return result;
}

/* What a command's arguments may add, be it that they make it a worse one. */
static GroupSet groups_by_arguments(const CatalogEntry *entry)
{
    GroupSet groups = 0;

    for (size_t i = 0; i < entry->n_effects; i++) {
        char name[32];
        const GroupInfo *class_group;

        snprintf(name, sizeof(name), "@%s", class_name(entry->effects[i].raises_to));
        class_group = entry->effects[i].raises_to ? group_find(name) : NULL;
        groups |= entry->effects[i].groups | (class_group ? class_group->set : 0);
    }
    return groups;
}

static int set_name(const GrantOptions *options, Grant *grant, GrantedGroups *ret)
{
    const char *name = options->command;
    const CatalogEntry *entry = catalog_find(options->channel, name);

    if (!request_is_command_name(name, strlen(name)))
        return complain("'%s' is no command's name of 1 to %zu letters, digits, '-', '_' or '.': "
                        "a text with arguments is --text, an HMP line is --hmp",
                        name, COMMAND_NAME_MAX),
               -1;
    grant->channel = (int32_t)options->channel;
    ret->always = catalog_classify(entry, options->channel, NULL).groups;
    if (entry)
        ret->by_arguments = groups_by_arguments(entry);
    if (strcmp(name, HMP_WRAPPER) == 0 && options->channel == CHANNEL_QMP)
        ret->by_arguments = ~(GroupSet)0;
    ret->by_arguments &= ~ret->always;
    if (!entry)
        warn_of_unknown(options->channel, name);
    return copy_text("--command", name, grant->command, sizeof(grant->command));
}

static int set_what(const GrantOptions *options, Grant *grant, GrantedGroups *ret)
{
    if (!options->command)
        return set_text(options, grant, ret);
    if (!glob_is_literal(options->command))
        return complain("'%s': a grant names one command, and a standing rule belongs in the "
                        "policy; a line with a '*' or '?' of its own is --text",
                        options->command),
               -1;
    return options->channel == CHANNEL_HMP ? set_line(options, grant, ret)
                                           : set_name(options, grant, ret);
}

int grant_from_options(const GrantOptions *options, Grant *grant, GrantedGroups *ret)
{
    *ret = (GrantedGroups){0};
    if (set_what(options, grant, ret) < 0 || set_caller(options, grant) < 0 ||
        copy_text("--reason", options->reason, grant->reason, sizeof(grant->reason)) < 0)
        return -1;
    grant->groups = ret->always;
    grant->uses = options->uses;
    return 0;
}
