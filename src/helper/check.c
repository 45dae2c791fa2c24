/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* check and explain: the guard's own judgement of a text, without sending it. */
#include "check.h"

#include "answer.h"
#include "check_start.h"
#include "domain.h"
#include "guard.h"
#include "options.h"
#include "util/cleanup.h"
#include "util/unix_groups.h"
#include "wrap.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

typedef struct CheckOptions {
    const char *policy_file;
    const char *host_policy_file;
    const char *domain;
    const char *domain_xml_file;
    const char *text_file;
    const char *user;
    const char *sasl;
    const char *x509;
    const char *selinux;
    Channel channel;
    bool as_json;
    bool explains;
    bool starts; /* not a command is to be judged but the domain's start */
} CheckOptions;

/* What the options lead to. */
typedef struct CheckSetting {
    const CheckOptions *options;
    Caller caller;
    char *label; /* of a caller who is no UNIX user */
    UnixGroups groups;
    Policy *host;
    Policy *domain;
    bool is_confidential;
    size_t line; /* of standard input; 0 for another text */
    char *domain_name;
    const char *failed_rule; /* a policy that is there and invalid: everything is denied */
    char *failure;
} CheckSetting;

static int parse_options(HelperContext *context, int argc, char **argv, CheckOptions *ret)
{
    static const struct option options[] = {
        {"policy", required_argument, NULL, 'p'},    {"host-policy", required_argument, NULL, 'H'},
        {"domain", required_argument, NULL, 'd'},    {"domain-xml", required_argument, NULL, 'x'},
        {"text-file", required_argument, NULL, 't'}, {"user", required_argument, NULL, 'u'},
        {"sasl", required_argument, NULL, 'S'},      {"x509", required_argument, NULL, 'X'},
        {"selinux", required_argument, NULL, 'L'},   {"hmp", no_argument, NULL, 'm'},
        {"agent", no_argument, NULL, 'a'},           {"json", no_argument, NULL, 'j'},
        {"start", no_argument, NULL, 's'},           {NULL, 0, NULL, 0},
    };
    bool is_hmp = false;
    bool is_agent = false;
    int option;

    while ((option = helper_option(context, argc, argv, "+", options)) != -1) {
        switch (option) {
        case 'p':
            ret->policy_file = optarg;
            break;
        case 'H':
            ret->host_policy_file = optarg;
            break;
        case 'd':
            ret->domain = optarg;
            break;
        case 'x':
            ret->domain_xml_file = optarg;
            break;
        case 't':
            ret->text_file = optarg;
            break;
        case 'u':
            ret->user = optarg;
            break;
        case 'S':
            ret->sasl = optarg;
            break;
        case 'X':
            ret->x509 = optarg;
            break;
        case 'L':
            ret->selinux = optarg;
            break;
        case 'm':
            is_hmp = true;
            break;
        case 'a':
            is_agent = true;
            break;
        case 'j':
            ret->as_json = true;
            break;
        case 's':
            ret->starts = true;
            break;
        default:
            return -1;
        }
    }
    if (helper_choose_channel(is_hmp, is_agent, &ret->channel) < 0)
        return -1;
    if (!!ret->policy_file + !!ret->domain + !!ret->domain_xml_file > 1) {
        complain("--policy, --domain and --domain-xml exclude each other");
        return -1;
    }
    return 0;
}

static void set_invalid(CheckSetting *setting, const char *rule, const char *where,
                        const PolicyError *error)
{
    bool is_inside = rule == rule_domain_invalid && !setting->options->policy_file;
    CLEANUP(mem) char *policy = NULL;

    if (setting->failed_rule)
        return;
    setting->failed_rule = rule;
    /* A line in a domain's XML is counted in the policy, as the daemon counts it. */
    if (is_inside && asprintf(&policy, "the policy in %s", where) < 0)
        policy = NULL;
    setting->failure = helper_policy_error(policy ? policy : where, error);
}

static int load_host(CheckSetting *setting)
{
    const char *given = setting->options->host_policy_file;
    PolicyError error = {0};
    int result = helper_host_policy(given, &setting->host, &error);

    if (result == 1)
        set_invalid(setting, rule_host_invalid, given ? given : HOST_POLICY_PATH, &error);
    return result < 0 ? -1 : 0;
}

static int read_live_domain(const HelperContext *context, CheckSetting *setting, DomainXml *ret)
{
    virConnectPtr connection = helper_connect(context, true);
    virDomainPtr domain;
    int result = -1;

    if (!connection)
        return -1;
    domain = helper_find_domain(connection, setting->options->domain);
    if (domain) {
        setting->domain_name = strdup(virDomainGetName(domain));
        result = helper_read_domain(domain, ret);
        virDomainFree(domain);
    }
    virConnectClose(connection);
    return result;
}

static int read_domain_policy(const HelperContext *context, CheckSetting *setting,
                              const char *where, DomainXml *ret)
{
    const CheckOptions *options = setting->options;
    size_t length;

    if (options->domain)
        return read_live_domain(context, setting, ret);
    if (options->domain_xml_file)
        return helper_read_domain_file(where, ret);
    ret->policy_xml = read_file(where, &length);
    return ret->policy_xml ? 0 : -1;
}

static int load_domain(const HelperContext *context, CheckSetting *setting)
{
    const CheckOptions *options = setting->options;
    const char *where = options->domain ? options->domain : options->domain_xml_file;
    DomainXml domain = {0};
    PolicyError error = {0};

    if (options->policy_file)
        where = options->policy_file;
    if (!where)
        return 0;
    if (read_domain_policy(context, setting, where, &domain) < 0)
        return -1;
    setting->is_confidential = domain.is_confidential;
    if (domain.policy_xml) {
        setting->domain = policy_parse(domain.policy_xml, strlen(domain.policy_xml), POLICY_DOMAIN,
                                       &error);
        if (!setting->domain)
            set_invalid(setting, rule_domain_invalid, where, &error);
    }
    domain_xml_clear(&domain);
    return 0;
}

static int load_user(CheckSetting *setting)
{
    const struct passwd *entry = setting->options->user ? getpwnam(setting->options->user)
                                                        : getpwuid(getuid());

    setting->caller.user = setting->options->user;
    if (!setting->caller.user && entry)
        setting->caller.user = entry->pw_name;
    if (!setting->caller.user)
        return complain("you have no user name: give one with --user"), -1;
    setting->caller.label = setting->caller.user;
    if (!entry)
        fprintf(stderr, "virt-qmp-guard: there is no user '%s' here: judged as in no group\n",
                setting->caller.user);
    if (entry && unix_groups_read(setting->caller.user, entry->pw_gid, &setting->groups) == 0) {
        setting->caller.unix_groups = (const char *const *)setting->groups.names;
        setting->caller.n_unix_groups = setting->groups.n_names;
    }
    return 0;
}

/* Whoever is known by SASL or by a certificate alone came from afar, and is no UNIX user. */
static int load_caller(CheckSetting *setting)
{
    const CheckOptions *options = setting->options;
    bool is_remote = options->sasl || options->x509;

    setting->caller.sasl = options->sasl;
    setting->caller.x509 = options->x509;
    setting->caller.selinux = options->selinux;
    if (options->user || !is_remote)
        return load_user(setting);
    if (asprintf(&setting->label, "%s:%s", options->sasl ? "sasl" : "x509",
                 options->sasl ? options->sasl : options->x509) < 0) {
        setting->label = NULL;
        return complain("out of memory"), -1;
    }
    setting->caller.label = setting->label;
    return 0;
}

static void clear_setting(CheckSetting *setting)
{
    unix_groups_clear(&setting->groups);
    policy_unref(setting->host);
    policy_unref(setting->domain);
    free(setting->domain_name);
    free(setting->label);
    free(setting->failure);
}

static int check_text(CheckSetting *setting, const char *text, size_t length)
{
    AnswerView view = {.as_json = setting->options->as_json,
                       .shows_rules = setting->options->explains,
                       .line = setting->line};
    GuardCall call = {
        .channel = setting->options->channel,
        .text = text,
        .length = length,
        .domain_name = setting->domain_name ? setting->domain_name : "DOMAIN",
        .caller = &setting->caller,
        .host = setting->host,
        .domain = setting->domain,
        .is_confidential = setting->is_confidential,
        .failed_rule = setting->failed_rule,
        .failure = setting->failure,
        .native = answer_note_native,
        .native_data = &view,
        .observer = answer_note_rule,
        .observer_data = &view,
    };
    GuardAnswer answer;
    int status;

    guard_judge(&call, NULL, NULL, &answer);
    status = answer.passes ? EXIT_YES : EXIT_NO;
    if (answer_print(&view, &answer) < 0)
        status = complain("out of memory");
    guard_answer_clear(&answer);
    return status;
}

/*
 * Two words of which the first is no command make no text, and were hardly meant as one. Returns 0,
 * or -1 after complaining of what is missing in front of them.
 */
static int look_at_words(Channel channel, int argc, char **argv)
{
    if (argc < 2 || channel == CHANNEL_HMP || catalog_find(channel, argv[0]) ||
        strchr(argv[0], '{'))
        return 0;
    if (catalog_find(CHANNEL_HMP, argv[0]))
        return complain("'%s' is a command of HMP: write --hmp in front of it", argv[0]), -1;
    if (catalog_find(channel, argv[1]) || *argv[1] == '{')
        return complain("'%s' is no command, and what follows is one: a domain is --domain %s",
                        argv[0], argv[0]),
               -1;
    return 0;
}

static int check_words(CheckSetting *setting, int argc, char **argv)
{
    CLEANUP(mem) char *text = wrap_words(setting->options->channel, argc, argv);

    return text ? check_text(setting, text, strlen(text)) : complain("out of memory");
}

static int check_line(CheckSetting *setting, const char *line, size_t length)
{
    CLEANUP(mem) char *text = NULL;

    /* A NUL in the line must be seen, so such a line is not touched. */
    if (strlen(line) != length)
        return check_text(setting, line, length);
    text = wrap_line(setting->options->channel, line);
    return text ? check_text(setting, text, strlen(text)) : complain("out of memory");
}

static int check_lines(CheckSetting *setting)
{
    CLEANUP(mem) char *line = NULL;
    size_t space = 0;
    ssize_t length;
    int worst = -1;

    while ((length = getline(&line, &space, stdin)) >= 0) {
        int status;

        setting->line++;
        if (length > 0 && line[length - 1] == '\n')
            line[--length] = '\0';
        if (length == 0)
            continue;
        status = check_line(setting, line, (size_t)length);
        if (status > worst)
            worst = status;
    }
    return worst < 0 ? complain("nothing to judge on standard input") : worst;
}

static int check_all(CheckSetting *setting, int argc, char **argv)
{
    const char *file = setting->options->text_file;
    CLEANUP(mem) char *text = NULL;
    size_t length;

    if (file) {
        text = read_file(file, &length);
        return text ? check_text(setting, text, length) : EXIT_UNSURE;
    }
    if (argc == 1 && strcmp(argv[0], "-") == 0)
        return check_lines(setting);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0 ||
            (*argv[i] == '-' && setting->options->channel != CHANNEL_HMP))
            return complain("option '%s' behind the text: options go in front of it", argv[i]);
    }
    if (look_at_words(setting->options->channel, argc, argv) < 0)
        return EXIT_UNSURE;
    return check_words(setting, argc, argv);
}

static int run_start(const HelperContext *context, const CheckOptions *options, bool has_text)
{
    const CheckStart wanted = {.domain = options->domain,
                               .domain_xml_file = options->domain_xml_file,
                               .host_policy_file = options->host_policy_file,
                               .as_json = options->as_json};

    if (options->explains)
        return complain("--start belongs to check, which shows every finding");
    if (has_text || options->text_file || !(wanted.domain || wanted.domain_xml_file))
        return complain("--start takes --domain-xml FILE or --domain DOM, and no command");
    if (options->user || options->sasl || options->x509 || options->selinux ||
        options->channel != CHANNEL_QMP)
        return complain("--start takes no caller, and none of --hmp, --agent");
    return check_start(context, &wanted);
}

/* Behind a text, too, where an HMP line may have a -h of its own. */
static bool wants_help(const CheckOptions *options, int argc, char **argv)
{
    if (strcmp(argv[optind - 1], "--") == 0)
        return false;
    for (int i = optind; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 ||
            (strcmp(argv[i], "-h") == 0 && options->channel != CHANNEL_HMP))
            return true;
    }
    return false;
}

static int run(HelperContext *context, int argc, char **argv, bool explains)
{
    CheckOptions options = {.explains = explains};
    CheckSetting setting = {.options = &options};
    int status = EXIT_UNSURE;

    if (parse_options(context, argc, argv, &options) < 0)
        return EXIT_UNSURE;
    context->wants_help = wants_help(&options, argc, argv);
    if (context->wants_help)
        return EXIT_YES;
    if (!options.host_policy_file &&
        !helper_is_here(context, "without --host-policy the host policy is"))
        return EXIT_UNSURE;
    if (options.starts)
        return run_start(context, &options, optind < argc);
    if ((optind < argc) == !!options.text_file)
        return complain("give one text, '-' for standard input, or --text-file FILE");
    if (load_host(&setting) == 0 && load_domain(context, &setting) >= 0 &&
        load_caller(&setting) == 0)
        status = check_all(&setting, argc - optind, argv + optind);
    clear_setting(&setting);
    return status;
}

int check_run(HelperContext *context, int argc, char **argv)
{
    return run(context, argc, argv, false);
}

int explain_run(HelperContext *context, int argc, char **argv)
{
    return run(context, argc, argv, true);
}
