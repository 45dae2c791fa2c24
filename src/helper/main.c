/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt-qmp-guard: lets people ask the guard's own code what it would do, and write
 * policies into domains. It decides nothing itself and is in nobody's path.
 */
#include "catalog.h"
#include "check.h"
#include "grants/grant_command.h"
#include "host/host.h"
#include "options.h"
#include "output.h"
#include "policies/policy_command.h"
#include "status/status.h"
#include "trail/command.h"
#include "util/nearest.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Subcommand {
    const char *name;
    int (*run)(HelperContext *context, int argc, char **argv);
    const char *usage; /* one line behind the name */
    const char *help; /* one line */
    const char *options; /* a line for each */
    bool changes_host;
} Subcommand;

static const char check_help[] =
    "  TEXT                words as for virsh: query-status, or a JSON object\n"
    "  -                   one text on each line of standard input\n"
    "  --text-file FILE    a whole file as one text, byte for byte\n"
    "  --hmp, --agent      an HMP line; a guest-agent command (default: QMP)\n"
    "  --domain DOM        the policy that a domain has now\n"
    "  --domain-xml FILE   the policy in a domain's XML\n"
    "  --policy FILE       a domain's policy\n"
    "  --host-policy FILE  the host's policy (default: " HOST_POLICY_PATH
    ",\n                      or the shipped one), as a daemon that starts now would read it\n"
    "  --user USER         who asks (default: you)\n"
    "  --sasl NAME, --x509 DN, --selinux CONTEXT\n"
    "                      by what else the caller is known; without --user, a caller by SASL or\n"
    "                      certificate is no UNIX user\n"
    "  --start             no command but the start of --domain or --domain-xml, as the\n"
    "                      libvirt hook judges it (that the daemon is guarded is left out)\n"
    "  --json              one JSON object for each text\n";

static const char policy_help[] =
    "  validate FILE   is it a policy? says line and reason if not\n"
    "  show DOM        the policy that a domain has now\n"
    "  set DOM FILE    gives a domain a policy: live when it runs, and for its next start\n"
    "  clear DOM       takes it away\n"
    "  learn [AUDIT-FILE...]\n"
    "                  a policy that lets pass what audit records (default: the trail) show to\n"
    "                  have passed, and nothing else; --by-user: by whom, too\n"
    "  replay FILE [AUDIT-FILE...]\n"
    "                  what would have become of the recorded commands under a policy\n"
    "  test FILE CASES\n"
    "                  is each verdict what CASES says? 'verdict | user | channel | text | rule'\n"
    "  --vm NAME|UUID, --user NAME\n"
    "                  learn, replay: only the records of that domain, of that user; --domain is\n"
    "                  --vm\n"
    "  --host          replay, test: FILE is the host's policy, not a domain's\n"
    "  --host-policy H\n"
    "                  replay, test: the host's policy above a domain's (default: replay: the\n"
    "                  host's, test: the shipped one)\n"
    "  --json          one JSON object\n"
    "\nEach FILE, and CASES, may be -, which is standard input.\n";

static const char catalog_help[] =
    "  NAME          one command, in whichever channels have it (HMP: 'info block')\n"
    "  --group @G    the commands of a group, always or (in parentheses) with some arguments\n"
    "  --groups      the groups themselves\n"
    "  --against X   the QMP commands that X has and the catalogue lacks, and what the policy in\n"
    "                force does to each: X is a running domain, or a file with the answer to\n"
    "                query-commands or query-qmp-schema\n"
    "  --diff OLD NEW  two such files: what an upgrade brings and takes, and what the policy\n"
    "                does to each\n"
    "  --policy FILE, --host-policy FILE\n"
    "                the host policy to ask (default: the host's)\n"
    "  --profiles    with --json: what each profile does to each command by its name\n"
    "  --json        a JSON array\n";

static const char grant_help[] =
    "  DOMAIN          a running domain, by name, id or UUID\n"
    "  --command C     that command, whatever its arguments; with --hmp that line\n"
    "  --text TEXT     that text alone, as for check: words or a JSON object\n"
    "  --text-file FILE\n"
    "                  the same: a whole file as one text, byte for byte\n"
    "  --hmp, --agent  an HMP line; a guest-agent command (default: QMP)\n"
    "  --user U, --sasl NAME, --x509 DN, --selinux CONTEXT\n"
    "                  for whom (default: whoever may send the domain commands)\n"
    "  --for 15m       how long: 90s, 15m, 2h, at most 7d\n"
    "  --uses 1        how often: at most 1000000\n"
    "  --reason TEXT   why: it goes on record\n"
    "  --json          one JSON object\n";

static const char grants_help[] =
    "  DOMAIN          only those of this domain, by name, id or UUID\n"
    "  --all           with those that are over\n"
    "  --json          a JSON array\n";

static const char confirm_help[] =
    "  ID              as 'grants' lists it\n"
    "  --json          one JSON object\n"
    "\nWhoever confirms is another person than who gave it: by the audit login uid, or SUDO_UID.\n";

static const char revoke_help[] = "  ID              as 'grants' lists it\n"
                                  "  --domain DOM    all of a domain, by name, id or UUID\n"
                                  "  --all           all there are\n"
                                  "  --json          a JSON array of what was revoked\n";

static const char enable_help[] =
    "  --audit-only    where there is no host policy yet, one that refuses no command and records\n"
    "                  what it would have refused: " HOST_POLICY_PATH "\n"
    "  --restart       restart the daemon, too, if it runs; VMs keep running\n"
    "  --root DIR      the system below DIR, such as an image; systemd is not told\n"
    "\nChecks the installation first; then libvirtd.service and virtqemud.service, as far as there "
    "are\n"
    "such, each get a drop-in, with which the daemon does not run without the guard.\n";

static const char disable_help[] =
    "  --restart       restart the daemon, too, if it runs; VMs keep running\n"
    "  --root DIR      the system below DIR, such as an image; systemd is not told\n"
    "\nFiles that were changed since 'enable' wrote them are left, and told of.\n";

static const char help_help[] = "  COMMAND         one of those that it lists without\n";

static int help_run(HelperContext *context, int argc, char **argv);

static const Subcommand subcommands[] = {
    {"check", check_run, "[OPTIONS] TEXT | - | --text-file FILE | --start",
     "judge a command without running it", check_help},
    {"explain", explain_run, "[OPTIONS] TEXT | - | --text-file FILE",
     "judge a command, and show every rule that is tried", check_help},
    {"policy", policy_run,
     "validate FILE | show DOM | set DOM FILE | clear DOM | learn | replay FILE |\n"
     "                                  test FILE CASES  [--json]",
     "check, show, write, learn, try out or remove a policy", policy_help},
    {"catalog", catalog_run,
     "[NAME] [--group @G] | --groups | --against X | --diff OLD NEW  [--json]",
     "what is known of each command", catalog_help},
    {"audit", audit_run, audit_usage, audit_summary, audit_help},
    {"grant", grant_run,
     "DOMAIN --command C | --text TEXT | --text-file FILE  [OPTIONS] --reason TEXT",
     "let pass what the policy denies: once, now, on record", grant_help, true},
    {"grants", grants_run, "[DOMAIN] [--all] [--json]", "the grants there are", grants_help},
    {"confirm", confirm_run, "ID [--json]", "a second person's word for a grant", confirm_help,
     true},
    {"revoke", revoke_run, "ID... | --domain DOM | --all  [--json]", "take grants back",
     revoke_help, true},
    {"status", status_run, "[DOMAIN...] [--json]",
     "is the guard at work, and what is behind a domain's monitor", status_help},
    {"enable", enable_run, "[--audit-only] [--restart] [--root DIR]",
     "have systemd start this host's libvirt daemon with the guard", enable_help, true},
    {"disable", disable_run, "[--restart] [--root DIR]", "take away what 'enable' wrote",
     disable_help, true},
    {"help", help_run, "[COMMAND]", "the commands, or what one of them does", help_help},
};

#define SUBCOMMAND_COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

static void print_help(FILE *out)
{
    fputs("usage: virt-qmp-guard [-c URI] [-r] [-q] COMMAND [ARGUMENTS]\n\n", out);
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
        fprintf(out, "  %-8s  %s\n            virt-qmp-guard %s %s\n", subcommands[i].name,
                subcommands[i].help, subcommands[i].name, subcommands[i].usage);
    fputs("\nEach command explains its options with --help.\n"
          "\n  -c, --connect URI  the libvirt to speak to (default: as virsh)\n"
          "  -r, --readonly     connect read-only, and change nothing\n"
          "  -q, --quiet        print only the data: no headings, and not what went well\n"
          "  -v, -V, --version  print the version\n"
          "  -h, --help         print this; behind a command, what is said of it\n"
          "\nBut for the version they may stand behind the command, too. Behind '--' nothing is an "
          "option.\n"
          "\nexit status: 0 yes, allowed, done; 1 no, denied, problems found;\n"
          "             2 could not tell (usage, unreadable file, no connection)\n",
          out);
}

static void print_command_help(const Subcommand *subcommand)
{
    printf("usage: virt-qmp-guard [-c URI] %s %s\n%s\n\n%s", subcommand->name, subcommand->usage,
           subcommand->help, subcommand->options);
}

/* NULL after complaining. */
static const Subcommand *find_subcommand(const char *name)
{
    Nearest nearest = nearest_to(name);
    char hint[NEAREST_HINT_SIZE];

    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
        nearest_try(&nearest, subcommands[i].name);
    }
    complain("there is no command '%s': 'virt-qmp-guard help' lists them%s", name,
             nearest_hint(&nearest, hint, sizeof(hint)));
    return NULL;
}

static int help_run(HelperContext *context, int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    const Subcommand *subcommand;

    if (helper_option(context, argc, argv, "", options) != -1)
        return EXIT_UNSURE;
    if (argc - optind > 1)
        return complain("help: one command, please; '%s' is one word too many", argv[optind + 1]);
    if (optind == argc) {
        print_help(stdout);
        return EXIT_YES;
    }
    subcommand = find_subcommand(argv[optind]);
    if (!subcommand)
        return EXIT_UNSURE;
    print_command_help(subcommand);
    return EXIT_YES;
}

/* What nobody could read is no answer. */
static int finish(int status)
{
    int error = output_flush();

    if (error == 0 && ferror(stdout))
        return complain("cannot write the answer: a part of it was lost");
    if (fclose(stdout) != 0 && error == 0)
        error = errno;
    /* Nobody reads on, as head(1): that is no failure. */
    if (error == 0 || error == EPIPE)
        return status;
    return complain("cannot write the answer: %s", strerror(error));
}

/*
 * What is opened in place of a closed stream would get what we print: the grants, or the trail.
 * What stands in fails as the closed one does.
 */
static int hold_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return -1;
    }
    return 0;
}

/* The options in front of the subcommand. Returns -1 to go on, or the exit status. */
static int take_options(HelperContext *context, int argc, char **argv)
{
    static const struct option options[] = {
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int option = helper_option(context, argc, argv, "+vV", options);

    if (option == 'v' || option == 'V') {
        puts(PROJECT_VERSION);
        return EXIT_YES;
    }
    if (context->wants_help) {
        print_help(stdout);
        return EXIT_YES;
    }
    return option == -1 ? -1 : EXIT_UNSURE;
}

static int run_subcommand(HelperContext *context, int argc, char **argv)
{
    const Subcommand *subcommand = find_subcommand(argv[0]);
    int status;

    if (!subcommand)
        return EXIT_UNSURE;
    context->command = subcommand->name;
    context->changes_host = subcommand->changes_host;
    argv[0] = program_invocation_short_name;
    optind = 0; /* the subcommand parses options of its own, from the start */
    status = subcommand->run(context, argc, argv);
    if (!context->wants_help)
        return status;
    print_command_help(subcommand);
    return EXIT_YES;
}

int main(int argc, char **argv)
{
    HelperContext context = {0};
    int status;

    if (hold_streams() < 0)
        return EXIT_UNSURE;
    signal(SIGPIPE, SIG_IGN); /* a daemon that ends amid a call is an error, too, and told of */
    setlocale(LC_ALL, "");
    argv[0] = program_invocation_short_name; /* for getopt's own messages */
    /* As virsh: its own variable comes before libvirt's, and an option before both. */
    context.uri = helper_variable("VIRSH_DEFAULT_CONNECT_URI");
    status = take_options(&context, argc, argv);
    if (status < 0 && optind == argc) {
        print_help(stderr);
        status = EXIT_UNSURE;
    } else if (status < 0) {
        status = run_subcommand(&context, argc - optind, argv + optind);
    }
    return finish(status);
}
