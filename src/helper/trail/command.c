/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* audit: what the records say, and whether they are all there. */
#include "command.h"

#include "domain.h"
#include "filter.h"
#include "options.h"
#include "output.h"
#include "print.h"
#include "progress.h"
#include "util/cleanup.h"
#include "verify.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

const char audit_usage[] =
    "[FILTERS] [--json | --count-by KEYS | --burst N/S | --summary] [--follow]\n"
    "                                  [FILE...|-] | --verify [FILE...]";

const char audit_summary[] = "what the audit records say, and whether they are all there";

const char audit_help[] =
    "  FILE                a trail, libvirt's or the system's log, or what journalctl -o json\n"
    "                      prints, plain or gzip; - is standard input (default:\n"
    "                      " TRAIL_PATH " and its rotated parts, oldest first)\n"
    "\nwhich records:\n"
    "  --vm, --domain VM   of one VM, by name or UUID\n"
    "  --user USER         of one user, as records name it: alice, sasl:NAME, uid:N\n"
    "  --command GLOB      of the commands that match, or whose HMP command does, and of the\n"
    "                      starts whose finding does, or 'start: ...' as the table shows it\n"
    "  --class CLASS       unknown, safe, privileged, memory-dump, dangerous\n"
    "  --verdict VERDICT   allow, warn, grant (denied by the policy, and passed by a grant),\n"
    "                      audit, deny; blocked is deny\n"
    "  --grant ID          of one grant: who gave it, what passed by it, what it did not count\n"
    "                      for, and its end\n"
    "  --channel CHANNEL   qmp, hmp, agent\n"
    "  --since, --until TIME  2026-11-21, '2026-11-21 14:30', 2026-11-21T14:30:00Z, 14:30,\n"
    "                      now, today, yesterday, '1 hour ago', '10 min ago', @SECONDS\n"
    "  --event KIND        only decision, outcome, repeat, start, grant, policy, identity or\n"
    "                      lost; without it outcomes, policies and lost records are hidden (of\n"
    "                      lost ones the number is told at the end)\n"
    "  --outcomes          also what became of the commands that passed\n"
    "\nwhat is done with them (default: a table, line by line):\n"
    "  --json              JSON lines: the trail's as they are, others made alike. With any of\n"
    "                      the following, its result as JSON lines\n"
    "  --count-by KEY[,KEY]  counts by vm, user, command, class, verdict, rule, channel, day,\n"
    "                      hour; repetitions that were only counted are in it\n"
    "  --burst N/SECONDS   who sent at least N commands to a VM within SECONDS: when, how many\n"
    "  --summary           for each VM what was done and by whom\n"
    "  --follow            goes on with what is written from then on, across rotations\n"
    "  --verify            looks whether records were altered, removed, put in or reordered, and\n"
    "                      names the first one; takes no filters\n"
    "\nLines that cannot be read are counted on standard error, and the first ones named there.\n"
    "In logs, lines of others are none of them. Logs of text do not say everything; of a VM's\n"
    "UUID, and of the class of what was blocked, they say nothing.\n"
    "\nexit status: 0 records were found (--verify: sound); 1 none was (--verify: a problem);\n"
    "             2 usage, a file that cannot be read (--verify: could not tell)\n";

typedef struct AuditOptions {
    AuditFilter filter;
    bool has_filter;
    const char *count_by;
    const char *burst;
    bool summary;
    bool follows;
    bool verify;
    bool as_json;
    const char *const *files;
    size_t n_files;
} AuditOptions;

typedef struct Run {
    const AuditOptions *options;
    AuditReader *reader;
    AuditView view;
    CountBy *count;
    Bursts *bursts;
    Summary *summary;
    Progress progress;
    uint64_t matched;
    uint64_t unreadable_named;
    uint64_t unreadable; /* beside those that the reader could not read */
    uint64_t lost;
    uint64_t lost_undated; /* of them */
} Run;

/* The options that say which records are wanted. */
static const struct FilterOption {
    int option;
    int (*set)(AuditFilter *filter, const char *text, Reason *why);
} filter_options[] = {
    {'v', audit_filter_vm},    {'u', audit_filter_user},    {'c', audit_filter_command},
    {'C', audit_filter_class}, {'V', audit_filter_verdict}, {'n', audit_filter_channel},
    {'s', audit_filter_since}, {'U', audit_filter_until},   {'e', audit_filter_event},
    {'g', audit_filter_grant},
};

/* Returns 1, 0 when @option is no such, -1 after complaining. */
static int set_filter(AuditOptions *ret, int option)
{
    Reason why;

    for (size_t i = 0; i < sizeof(filter_options) / sizeof(filter_options[0]); i++) {
        if (filter_options[i].option != option)
            continue;
        ret->has_filter = true;
        if (filter_options[i].set(&ret->filter, optarg, &why) < 0)
            return complain("audit: %s", why.text), -1;
        return 1;
    }
    return 0;
}

/* Returns 0, or -1 after complaining. */
static int set_option(AuditOptions *ret, int option)
{
    int result = set_filter(ret, option);

    if (result != 0)
        return result < 0 ? -1 : 0;
    switch (option) {
    case 'o':
        ret->filter.outcomes = true;
        break;
    case 'k':
        ret->count_by = optarg;
        break;
    case 'b':
        ret->burst = optarg;
        break;
    case 'S':
        ret->summary = true;
        break;
    case 'f':
        ret->follows = true;
        break;
    case 'y':
        ret->verify = true;
        break;
    case 'j':
        ret->as_json = true;
        break;
    default:
        return -1;
    }
    return 0;
}

/* Returns 0, or -1 after complaining. */
static int parse_options(HelperContext *context, int argc, char **argv, AuditOptions *ret)
{
    static const struct option options[] = {
        {"vm", required_argument, NULL, 'v'},
        {"user", required_argument, NULL, 'u'},
        {"command", required_argument, NULL, 'c'},
        {"class", required_argument, NULL, 'C'},
        {"verdict", required_argument, NULL, 'V'},
        {"channel", required_argument, NULL, 'n'},
        {"since", required_argument, NULL, 's'},
        {"until", required_argument, NULL, 'U'},
        {"outcomes", no_argument, NULL, 'o'},
        {"count-by", required_argument, NULL, 'k'},
        {"burst", required_argument, NULL, 'b'},
        {"summary", no_argument, NULL, 'S'},
        {"follow", no_argument, NULL, 'f'},
        {"verify", no_argument, NULL, 'y'},
        {"json", no_argument, NULL, 'j'},
        {"event", required_argument, NULL, 'e'},
        {"grant", required_argument, NULL, 'g'},
        {"domain", required_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = helper_option(context, argc, argv, "", options)) != -1) {
        if (set_option(ret, option) < 0)
            return -1;
    }
    ret->files = (const char *const *)argv + optind;
    ret->n_files = (size_t)(argc - optind);
    return 0;
}

/* Returns 0, or -1 after complaining. */
static int check_options(const AuditOptions *options)
{
    int things = !!options->count_by + !!options->burst + options->summary + options->verify;

    if (things > 1)
        return complain("audit: --count-by, --burst, --summary and --verify: give one of them"), -1;
    if (options->verify && (options->has_filter || options->filter.outcomes))
        return complain("audit: --verify looks at all records: give it no filters"), -1;
    if (options->filter.has_event && options->filter.outcomes)
        return complain("audit: --event shows only that kind, --outcomes shows one more: give one "
                        "of them"),
               -1;
    if (options->follows && (options->verify || options->count_by || options->summary))
        return complain("audit: --follow has no end, and --count-by, --summary and --verify "
                        "answer at the end: leave one out"),
               -1;
    return 0;
}

static void complain_of_line(void *data, const char *source, uint64_t line_number, const char *why)
{
    Run *run = data;

    if (run->unreadable_named++ >= UNREADABLE_NAMED)
        return;
    progress_clear(&run->progress);
    complain("%s:%" PRIu64 ": %s", source, line_number, why);
}

/* An AuditPrefilter. */
static bool may_match(void *data, const char *line, size_t length)
{
    Run *run = data;

    if (progress_is_due(&run->progress)) {
        uint64_t done;
        uint64_t all;

        audit_reader_progress(run->reader, &done, &all);
        progress_draw(&run->progress, done, all);
    }
    return audit_filter_may_match(&run->options->filter, line, length);
}

/* Returns 0, or -1 after complaining. */
static int make_view(Run *run)
{
    const AuditOptions *options = run->options;
    Reason why;

    reason_set(&why, "out of memory");
    if (options->count_by) {
        run->count = count_by_new(options->count_by, options->as_json, &why);
        if (!run->count)
            return complain("audit: %s", why.text), -1;
        run->view = count_by_view(run->count);
    } else if (options->burst) {
        run->bursts = bursts_new(options->burst, options->as_json, &why);
        if (!run->bursts)
            return complain("audit: %s", why.text), -1;
        run->view = bursts_view(run->bursts);
    } else if (options->summary) {
        run->summary = summary_new(options->as_json);
        if (!run->summary)
            return complain("audit: %s", why.text), -1;
        run->view = summary_view(run->summary);
    } else {
        run->view = print_view(options->as_json);
    }
    return 0;
}

static void note_lost(Run *run, const AuditRow *row)
{
    if (!row->fields[ROW_EVENT] || strcmp(row->fields[ROW_EVENT], "lost") != 0 ||
        !audit_filter_is_then(&run->options->filter, row))
        return;
    run->lost = audit_sum(run->lost, audit_row_weight(row));
    if (row->when.tv_sec == 0)
        run->lost_undated = audit_sum(run->lost_undated, audit_row_weight(row));
}

/* Nobody reads on, as head(1): that is no failure. */
static bool output_ended(void)
{
    return ferror(stdout) && output_flush() == EPIPE;
}

/* Returns 0, or -1 after complaining. */
static int take_all(Run *run, AuditRow *row)
{
    bool is_prompt = run->options->follows || isatty(STDOUT_FILENO);
    AuditEntry entry;
    int result;

    while ((result = audit_reader_next(run->reader, &entry)) > 0) {
        const char *why = audit_row_read(&entry, row);

        if (why) {
            run->unreadable++;
            complain_of_line(run, entry.source, entry.line_number, why);
            continue;
        }
        note_lost(run, row);
        if (!audit_filter_matches(&run->options->filter, row))
            continue;
        run->matched++;
        progress_clear(&run->progress);
        if (run->view.take(run->view.data, row) < 0)
            return complain("out of memory"), -1;
        if (is_prompt)
            output_flush();
        if (ferror(stdout))
            return output_ended() ? 0 : -1;
    }
    progress_clear(&run->progress);
    return result;
}

static void tell_lost(const Run *run)
{
    const AuditFilter *filter = &run->options->filter;
    bool is_bounded = *filter->since_text || *filter->until_text;

    if (run->lost == 0)
        return;
    if (is_bounded && run->lost_undated > 0)
        complain("records that the guard could not write, by its own count: %" PRIu64
                 " in the time asked for, and of %" PRIu64 " it does not say when",
                 run->lost - run->lost_undated, run->lost_undated);
    else
        complain("records that the guard could not write, by its own count: %" PRIu64 "%s",
                 run->lost, is_bounded ? " in the time asked for" : "");
}

static void tell_at_end(const Run *run)
{
    uint64_t unreadable = audit_reader_unreadable(run->reader) + run->unreadable;

    if (unreadable > 0)
        complain("lines that could not be read: %" PRIu64, unreadable);
    tell_lost(run);
}

/* Silence is for scripts; somebody at a terminal may have mistyped the VM's name. */
static void tell_none(const AuditOptions *options)
{
    if (isatty(STDERR_FILENO) && !options->as_json && !output_is_quiet())
        complain("there is no such record");
}

static int search(const AuditOptions *options)
{
    Run run = {.options = options, .progress = progress_start(!options->follows)};
    const AuditSource source = {
        .files = options->files,
        .n_files = options->n_files,
        .follows = options->follows,
        .complain = complain_of_line,
        .prefilter = may_match,
        .data = &run,
        .is_lazy = true,
    };
    CLEANUP(mem) AuditRow *row = malloc(sizeof(*row));
    int status = EXIT_UNSURE;

    if (make_view(&run) == 0) {
        if (row)
            run.reader = audit_reader_open(&source);
        else
            complain("out of memory");
        if (run.reader) {
            int result = take_all(&run, row);

            if (run.view.finish(run.view.data) < 0) {
                complain("out of memory");
                result = -1;
            }
            output_flush();
            if (result == 0 && run.matched == 0)
                tell_none(options);
            tell_at_end(&run);
            if (result == 0)
                status = run.matched > 0 ? EXIT_YES : EXIT_NO;
        }
        audit_reader_close(run.reader);
    }
    count_by_free(run.count);
    bursts_free(run.bursts);
    summary_free(run.summary);
    return status;
}

int audit_run(HelperContext *context, int argc, char **argv)
{
    AuditOptions options = {0};
    int status = EXIT_UNSURE;

    if (parse_options(context, argc, argv, &options) == 0 && check_options(&options) == 0 &&
        (options.n_files > 0 || helper_is_here(context, "the trail is")))
        status = options.verify ? audit_verify(options.files, options.n_files, options.as_json)
                                : search(&options);
    audit_filter_clear(&options.filter);
    return status;
}
