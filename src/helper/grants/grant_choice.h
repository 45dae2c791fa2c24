/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which grants `grants`, `confirm` and `revoke` are to look at, as their options say. */
#ifndef QG_GRANT_CHOICE_H
#define QG_GRANT_CHOICE_H

#include "helper.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct GrantChoice {
    char **words; /* behind the options: IDs, or a domain */
    int n_words;
    const char *domain; /* --domain: name or UUID */
    bool all; /* --all */
    bool as_json; /* --json */
} GrantChoice;

/* The options that a subcommand may have, for a table that ends with zeros. */
#define GRANT_OPTION_DOMAIN                                                                        \
    {                                                                                              \
        "domain", required_argument, NULL, 'd'                                                     \
    }
#define GRANT_OPTION_ALL                                                                           \
    {                                                                                              \
        "all", no_argument, NULL, 'a'                                                              \
    }
#define GRANT_OPTION_JSON                                                                          \
    {                                                                                              \
        "json", no_argument, NULL, 'j'                                                             \
    }

/* Returns 0, or -1 after complaining of what is none of @options. */
int grant_parse_choice(HelperContext *context, int argc, char **argv, const struct option *options,
                       GrantChoice *ret);

#endif
