/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options that go with every subcommand: in front of its name, as with virsh, or behind it. */
#include "options.h"

#include "output.h"

#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 40
#define LETTERS_MAX 16

static const struct option common[] = {
    {"connect", required_argument, NULL, 'c'},
    {"readonly", no_argument, NULL, 'r'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

#define COMMON_LETTERS "c:rqh"

/* Returns '?' when there is nothing left to be done but to print the help. */
static int take_common(HelperContext *context, int option)
{
    switch (option) {
    case 'c':
        context->uri = optarg;
        break;
    case 'r':
        context->read_only = true;
        break;
    case 'q':
        output_be_quiet();
        break;
    case 'h':
    default:
        context->wants_help = true;
        return '?';
    }
    return 0;
}

/* Whoever wants to change nothing is not to change this host either. */
static int end_options(const HelperContext *context)
{
    if (!context->read_only || !context->changes_host)
        return -1;
    complain("'%s' changes something on this host: leave out -r", context->command);
    return '?';
}

/* Behind getopt's own message, as GNU's programs do it. Returns '?'. */
static int point_to_help(const HelperContext *context)
{
    complain("see 'virt-qmp-guard%s%s --help'", context->command ? " " : "",
             context->command ? context->command : "");
    return '?';
}

int helper_option(HelperContext *context, int argc, char **argv, const char *letters,
                  const struct option *own)
{
    struct option all[OPTIONS_MAX];
    char all_letters[LETTERS_MAX];
    int n_own = 0;

    while (own[n_own].name)
        n_own++;
    memcpy(all, own, (size_t)n_own * sizeof(*own));
    memcpy(all + n_own, common, sizeof(common));
    snprintf(all_letters, sizeof(all_letters), "%s%s", letters, COMMON_LETTERS);
    for (;;) {
        int index = -1;
        int option = getopt_long(argc, argv, all_letters, all, &index);
        bool is_common;

        if (option == -1)
            return end_options(context);
        is_common = index < 0 ? strchr(COMMON_LETTERS, option) != NULL : index >= n_own;
        if (option == '?')
            return point_to_help(context);
        if (!is_common)
            return option;
        if (take_common(context, option) != 0)
            return '?';
    }
}
