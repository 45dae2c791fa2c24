/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt-qmp-guard: lets people ask the guard's own code what it would do, and write
 * policies into domains. It decides nothing itself and is in nobody's path.
 */
#include "helper.h"

#include "grants/grant_command.h"
#include "host/host.h"
#include "status/status.h"
#include "trail/command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
    "                  learn, replay: only the records of that domain, of that user\n"
    "  --host          replay, test: FILE is the host's policy, not a domain's\n"
    "  --host-policy H\n"
    "                  replay, test: the host's policy above a domain's (default: replay: the\n"
    "                  host's, test: the shipped one)\n"
    "  --json          one JSON object\n";

static const char catalog_help[] =
    "  NAME          one command, in whichever channels have it (HMP: 'info block')\n"
    "  --group @G    the commands of a group, always or (in parentheses) with some arguments\n"
    "  --groups      the groups themselves\n"
    "  --against X   the QMP commands that X has and the catalogue lacks, and what the policy in\n"
    "                force does to each: X is a running domain, or a file with the answer to\n"
    "                query-commands or query-qmp-schema\n"
    "  --diff OLD NEW  two such files: what an upgrade brings and takes, and what the policy\n"
    "                does to each\n"
    "  --policy FILE   the host policy to ask (default: the host's)\n"
    "  --profiles    with --json: what each profile does to each command by its name\n"
    "  --json        a JSON array\n";

static const char grant_help[] =
    "  DOMAIN          a running domain, by name or UUID\n"
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

static const char grants_help[] = "  DOMAIN          only those of this domain, by name or UUID\n"
                                  "  --all           with those that are over\n"
                                  "  --json          a JSON array\n";

static const char confirm_help[] =
    "  ID              as 'grants' lists it\n"
    "  --json          one JSON object\n"
    "\nWhoever confirms is another person than who gave it: by the audit login uid, or SUDO_UID.\n";

static const char revoke_help[] = "  ID              as 'grants' lists it\n"
                                  "  --domain DOM    all of a domain, by name or UUID\n"
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

static const Subcommand subcommands[] = {
    {"check", check_run, "[OPTIONS] TEXT | - | --text-file FILE | --start",
     "judge a command without running it", check_help},
    {"explain", explain_run, "[OPTIONS] TEXT | - | --text-file FILE",
     "the same, with every rule that is tried", check_help},
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
     "let pass what the policy denies: once, now, on record", grant_help},
    {"grants", grants_run, "[DOMAIN] [--all] [--json]", "the grants there are", grants_help},
    {"confirm", confirm_run, "ID [--json]", "a second person's word for a grant", confirm_help},
    {"revoke", revoke_run, "ID... | --domain DOM | --all  [--json]", "take grants back",
     revoke_help},
    {"status", status_run, "[DOMAIN...] [--json]",
     "is the guard at work, and what is behind a domain's monitor", status_help},
    {"enable", enable_run, "[--audit-only] [--restart] [--root DIR]",
     "have systemd start this host's libvirt daemon with the guard", enable_help},
    {"disable", disable_run, "[--restart] [--root DIR]", "take away what 'enable' wrote",
     disable_help},
};

#define SUBCOMMAND_COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

static void print_help(FILE *out)
{
    fputs("usage: virt-qmp-guard [-c URI] COMMAND [ARGUMENTS]\n\n", out);
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
        fprintf(out, "  %-8s  %s\n            virt-qmp-guard %s %s\n", subcommands[i].name,
                subcommands[i].help, subcommands[i].name, subcommands[i].usage);
    fputs("\nEach command explains its options with --help.\n"
          "\n  -c, --connect URI  the libvirt to speak to (default: as virsh)\n"
          "  -V, --version      print the version\n"
          "  -h, --help         print this\n\n"
          "exit status: 0 yes, allowed, done; 1 no, denied, problems found;\n"
          "             2 could not tell (usage, unreadable file, no connection)\n",
          out);
}

/* What nobody could read is no answer. */
static int finish(int status)
{
    if (fclose(stdout) != 0)
        return complain("cannot write the answer: %s", strerror(errno));
    return status;
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

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"connect", required_argument, NULL, 'c'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    HelperContext context = {0};
    int option;

    if (hold_streams() < 0)
        return EXIT_UNSURE;
    setlocale(LC_ALL, "");
    while ((option = getopt_long(argc, argv, "+c:Vh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            context.uri = optarg;
            break;
        case 'V':
            puts(PROJECT_VERSION);
            return EXIT_YES;
        case 'h':
            print_help(stdout);
            return EXIT_YES;
        default:
            return EXIT_UNSURE;
        }
    }
    argc -= optind;
    argv += optind;
    if (argc == 0) {
        print_help(stderr);
        return EXIT_UNSURE;
    }
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        if (strcmp(subcommands[i].name, argv[0]) != 0)
            continue;
        if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
            printf("usage: virt-qmp-guard [-c URI] %s %s\n%s\n\n%s", argv[0], subcommands[i].usage,
                   subcommands[i].help, subcommands[i].options);
            return EXIT_YES;
        }
        argv[0] = program_invocation_short_name; /* for getopt's own messages */
        optind = 0; /* the subcommand parses options of its own, from the start */
        return finish(subcommands[i].run(&context, argc, argv));
    }
    return complain("there is no command '%s': try 'virt-qmp-guard --help'", argv[0]);
}
