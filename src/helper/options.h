/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options that go with every subcommand. */
#ifndef QG_HELPER_OPTIONS_H
#define QG_HELPER_OPTIONS_H

#include "helper.h"

#include <getopt.h>

/*
 * As getopt_long(), of which @letters and @own are arguments; takes the options that all
 * subcommands have into @context. Returns '?' when the subcommand is to end, after getopt or we
 * complained, or because the help is wanted.
 */
int helper_option(HelperContext *context, int argc, char **argv, const char *letters,
                  const struct option *own);

#endif
